//! What tests and the benchmark need to treat the built program as its users do: from outside.

mod process;
mod skip;
mod token;
mod world;

pub use process::{Semel, binary};
pub use skip::skip;
pub use token::{SECRET, token};
pub use world::{now, random};
