//! Ports of this machine that stay one's own while what listens there is away.

use std::{
    env,
    fs::{self, File, TryLockError},
    hash::{BuildHasher, RandomState},
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

use crate::Trouble;

/// Below those that systems give to connections: a service that is down must find its port free when it comes back.
const FIRST: u64 = 20_000;
const COUNT: u64 = 12_000;
/// How many are tried.
const TRIES_MAX: u64 = 1_000;

/// A port of this machine that nobody else takes who asks here, until it is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Held while it is one's own, against other processes.
    _lock: File,
}

impl Port {
    /// A free one.
    pub fn reserve() -> Result<Self, Trouble> {
        let doing = "reserve a port";
        let locks = env::temp_dir().join("semel-ports");
        fs::create_dir_all(&locks).map_err(Trouble::when(doing))?;
        for attempt in 0..TRIES_MAX {
            let number = (FIRST + RandomState::new().hash_one(attempt) % COUNT) as u16;
            let file = File::options()
                .create(true)
                .append(true)
                .open(locks.join(number.to_string()))
                .map_err(Trouble::when(doing))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(Trouble::when(doing)(error)),
            }
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self {
                    number,
                    _lock: file,
                });
            }
        }
        Err(Trouble::told(doing, "none is free"))
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The address on this machine.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}
