//! Erasing people. It begins in one step, from which on nobody can act as them, and goes on in small ones.

mod begin;
mod step;

pub use begin::{Begin, BeginErasure};
pub use step::{EraseStep, Portion};

use super::Scope;
