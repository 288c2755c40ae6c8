//! What tests and the benchmark need to treat the built program as its users do: from outside.

mod process;
mod token;
mod world;

pub use process::{Semel, binary};
pub use token::{SECRET, token};
pub use world::{now, random};
