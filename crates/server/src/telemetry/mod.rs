//! What operators see: metrics, and how a request is followed through the log.

pub mod metrics;
mod watch;

pub use watch::{Watch, question_failed};
