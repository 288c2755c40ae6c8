//! The rules of Semel, pure.
//!
//! Everything that changes state is an [`Action`](actions::Action); everything that is asked is a function over
//! [`Rows`]. Both take rows that were loaded before; what is missing is named by a [`Key`], loaded, and the function is
//! called again.
//!
//! Invariant: no I/O, no async, no clock and no randomness in here. Time and ids come in a [`Context`].
//! Invariant: wire types are built in `server::convert` only; rows are not serialised.

pub mod access;
pub mod actions;
pub mod chain;
pub mod command;
pub mod context;
pub mod erasure;
pub mod invites;
pub mod key;
mod log;
pub mod participants_key;
pub mod people;
pub mod pictures;
pub mod plain;
pub mod ports;
pub mod queries;
pub mod refusal;
pub mod row;
pub mod rows;
pub mod safety;
pub mod sign_in;
pub mod table;
pub mod telling;
mod title;
mod validate;
pub mod view;

pub use command::{Answer, Command, IdempotencyKey, Reply, execute};
pub use context::Context;
pub use key::Key;
pub use refusal::{Refusal, Stop};
pub use rows::{Changes, Rows};
pub use validate::{handle, is_visible, turns_text};
