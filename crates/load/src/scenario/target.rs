//! The server that is loaded.

use std::{io, sync::Arc};

use semel_client::{Address, IdMaker};
use semel_protocol::Timestamp;

use crate::Sign;

/// What can be done to a server that is ours, beyond loading it. Calls may block for seconds.
pub trait OwnServer: Send + Sync {
    /// Kills it as a crash would, and starts it again at the same address; returns when it serves.
    fn restart(&self) -> io::Result<()>;

    /// Memory that it holds, in bytes.
    fn resident_bytes(&self) -> io::Result<u64>;
}

/// Tells the time.
pub type Now = dyn Fn() -> Timestamp + Send + Sync;

/// A server, and the right to speak for anybody.
#[derive(Clone)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// Signs access tokens that it takes.
    pub sign: Sign,
    /// The clock that client ids are made with.
    pub now: Arc<Now>,
    /// Fresh random bits: they tell runs apart.
    pub entropy: u128,
    /// If it is ours.
    pub own: Option<Arc<dyn OwnServer>>,
}

impl Target {
    /// What the names of everybody in this run begin with.
    pub fn prefix(&self) -> String {
        format!("load-{:08x}", self.entropy as u32)
    }

    /// Ids of one device.
    pub(super) fn ids(&self, device: u64) -> IdMaker {
        IdMaker::new(
            self.entropy
                .wrapping_add(u128::from(device) << 64 | u128::from(device)),
        )
    }
}
