//! Load on a server, written down so that it can be judged: nothing twice, nothing lost, one order.
//!
//! [`record`] writes histories (docs/HISTORY.md), [`workload`] is people who do everything that can be done, [`finale`]
//! reads what is there at the end and has the history judged. [`scenario`] is load by name, paced and timed: it measures,
//! and can be written down as well.
//!
//! Invariant: this crate sees the server from outside only, and believes what clients saw.

use std::sync::Arc;

use semel_protocol::UserId;

mod commit;
mod dice;
pub mod finale;
pub mod record;
pub mod scenario;
pub mod workload;

pub use commit::commit;

/// Makes access tokens: the caller knows the secret.
pub type Sign = Arc<dyn Fn(&UserId) -> String + Send + Sync>;
