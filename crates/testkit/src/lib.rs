//! What tests, the benchmark and the fault campaigns need to treat the built program as its users do: from outside.

pub mod campaign;
mod dice;
pub mod faults;
mod process;
pub mod proxy;
pub mod schedule;
mod skip;
mod token;
mod world;

pub use dice::Dice;
pub use process::{Launch, Semel, binary};
pub use skip::skip;
pub use token::{SECRET, token};
pub use world::{now, random};
