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
mod error;
mod keys;
pub mod lane;
mod line;
mod lines;
pub mod postgres;
pub mod sqlite;

pub use error::Error;
pub use lane::{Stats, StatsView};
