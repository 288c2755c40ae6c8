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

/// A server, or several of one database, and the right to speak for anybody.
#[derive(Clone)]
pub struct Target {
    /// Where they are, one at least.
    pub addresses: Vec<Address>,
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
    /// Where connection number so and so goes: to one server after the other. Each round begins one further than the one
    /// before it, so that those who write do not all meet on the same servers when every second or third one writes.
    pub(super) fn address(&self, number: usize) -> &Address {
        let servers = self.addresses.len();
        &self.addresses[(number + number / servers) % servers]
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn target(servers: usize) -> Target {
        let address = |number| format!("http://127.0.0.1:{number}").parse().expect("valid");
        Target {
            addresses: (1..=servers).map(address).collect(),
            sign: Arc::new(|_| String::new()),
            now: Arc::new(|| Timestamp(0)),
            entropy: 1,
            own: None,
        }
    }

    #[test]
    fn every_server_has_its_share_of_those_who_write_and_of_those_who_read() {
        for servers in 1..=5 {
            let target = target(servers);
            for every in 1..=3 {
                let mut count = vec![0; servers];
                for number in (0..every * servers * servers * 4).step_by(every) {
                    let at = target.address(number);
                    let place = target
                        .addresses
                        .iter()
                        .position(|one| one.authority == at.authority);
                    count[place.expect("one of them")] += 1;
                }
                let (least, most) = (count.iter().min(), count.iter().max());
                assert!(
                    least
                        .zip(most)
                        .is_some_and(|(least, most)| most - least <= 4),
                    "{every}: {count:?}"
                );
            }
            // Devices that follow each other are on different servers.
            let apart =
                |number| target.address(number).authority != target.address(number + 1).authority;
            assert!(servers == 1 || (0..servers - 1).all(apart));
        }
    }
}
