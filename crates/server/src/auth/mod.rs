//! Who is calling.

mod caller;
mod cryptography;
mod host;
mod keys;
mod people;
mod revoked;
mod secrets;
mod tokens;

pub use caller::{Caller, Scope};
pub use host::{HostPolicy, PublicKeys, Verified};
pub use keys::OwnKeys;
pub(crate) use keys::SEALED_AS as KEY_SEALED_AS;
pub use people::KnownPeople;
pub use revoked::Revoked;
pub use secrets::{RefreshToken, Secrets};
pub use tokens::{SignedInAs, TokenError, Tokens};
pub(crate) use tokens::{signature_only, tidy_name};
