//! Stores behind the ports of `semel-core`.
//!
//! An engine loads rows by [`Key`](semel_core::Key), lets the core decide, and stores the
//! [`Changes`](semel_core::Changes) of a batch in one transaction.
//!
//! Invariant: no rule lives here. What may be done, and what it changes, is decided in `semel-core`.
//! Invariant: nobody is told of a change before it is committed.

mod codec;
mod columns;
#[cfg(test)]
mod conformance;
pub mod doctor;
mod error;
mod keys;
pub mod lane;
mod line;
mod lines;
mod plain;
pub mod postgres;
mod progress;
mod restore;
pub mod sqlite;
pub mod transfer;

pub use error::{Error, Hindrance};
pub use lane::{Stats, StatsView};
pub use progress::{Progress, Tell};
