//! The real clock and real randomness, for load that need not be repeatable.

use std::hash::{BuildHasher, Hasher, RandomState};

use semel_protocol::Timestamp;

/// Now.
#[expect(
    clippy::disallowed_methods,
    reason = "load from outside runs in real time"
)]
pub fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since_epoch.map_or(0, |duration| duration.as_millis() as i64))
}

/// Random bits: the standard library seeds its hashers with them.
pub fn random() -> u128 {
    let half = || u128::from(RandomState::new().build_hasher().finish());
    half() << 64 | half()
}
