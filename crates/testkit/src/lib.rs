//! What tests, the benchmark and the fault campaigns need to treat the built program as its users do: from outside.

pub mod campaign;
pub mod cluster;
mod dice;
pub mod faults;
pub mod link;
mod pair;
mod process;
pub mod proxy;
pub mod schedule;
mod token;
mod watch;
mod world;

pub use dice::Dice;
pub use pair::Pair;
pub use process::{Launch, Semel, binary};
pub use semel_services::skip;
pub use token::{SECRET, token, token_for};
pub use world::{now, random};
