//! Who is calling.

mod caller;
mod hs256;
mod people;
mod tokens;

pub use caller::{Caller, Scope};
pub use people::KnownPeople;
pub use tokens::{TokenError, Tokens};
