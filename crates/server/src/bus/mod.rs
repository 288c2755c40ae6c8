//! The bus: what servers of one database tell each other.
//!
//! It carries hints, never facts: that a thread moved, not what was said. Whoever gets one compares it with what devices were
//! told and asks the store. So a bus that loses, repeats or makes up hints makes delivery late, never wrong; and without any,
//! the look that every server takes at the store from time to time (`hub::look`) finds everything.
//!
//! Every hint goes to every server, over a few channels, many in one message; who has nobody to tell drops it after a look
//! into a map (docs/decisions/0004-hints-to-all-servers.md tells why not a subscription for each thread).
//!
//! Invariant: nothing here is needed for delivery to be right.
//! Invariant: telling never waits, and what waits to be told has a limit.

pub mod hints;
pub mod redis;

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use semel_protocol::{Timestamp, UserId};

use crate::limits::Used;

pub use self::hints::{HINTS_MAX, Hints, channel_of};

/// A device of this server, as the bus knows it: a number that is never used again.
pub type DeviceNumber = u64;

/// The way to other servers.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Begins to bring what others tell, once. Hints of the database with this incarnation are told from those of others.
    fn start(self: Arc<Self>, incarnation: &str, ear: Weak<dyn Ear>);

    /// Tells the others soon. Does not wait; what is too much is dropped.
    fn tell(&self, hints: Hints);

    /// A device connected here.
    fn came(&self, device: DeviceNumber, who: &UserId);

    /// A device went. Whether the bus tells everybody, this server as well, when it was the person's last one anywhere.
    fn went(&self, device: DeviceNumber) -> bool;

    /// Whether people have a device anywhere, and when their last one went; none when the bus does not know.
    async fn presence(&self, whom: &[UserId]) -> Option<Vec<State>>;

    /// Tells what was used of rate limits; how many microseconds each of them is ahead of now, over all servers. None when
    /// that cannot be known.
    async fn share(&self, _: &[Used]) -> Option<Vec<u64>> {
        None
    }

    /// Whether others can be reached now; none: there is no way to others.
    fn is_connected(&self) -> Option<bool>;

    /// Tells what waits to be told, as far as others can be reached.
    async fn close(&self);
}

/// A person's state over all servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Who.
    pub who: UserId,
    /// Whether a device of theirs is connected.
    pub online: bool,
    /// When the last one went, where known.
    pub last_seen_at: Option<Timestamp>,
}

/// Who hears what comes over the bus. Must not wait.
pub trait Ear: Send + Sync {
    /// Others gave hints.
    fn hints(&self, hints: Hints);

    /// A person's first device came, or the last one went.
    fn state(&self, state: State);

    /// There is a connection again: hints were missed.
    fn connected(&self);
}

/// No way to other servers: there are none, or they find everything in the store.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalBus;

#[async_trait]
impl Bus for LocalBus {
    fn start(self: Arc<Self>, _: &str, _: Weak<dyn Ear>) {}

    fn tell(&self, _: Hints) {}

    fn came(&self, _: DeviceNumber, _: &UserId) {}

    fn went(&self, _: DeviceNumber) -> bool {
        false
    }

    async fn presence(&self, _: &[UserId]) -> Option<Vec<State>> {
        None
    }

    fn is_connected(&self) -> Option<bool> {
        None
    }

    async fn close(&self) {}
}
