//! Faults as values, and a stage on which they begin and are healed.
//!
//! Everything is done from outside, with what a Linux has: signals, system calls that strace makes fail, a file system on a
//! loop device, a clock that a library falsifies, and the proxy; and with links and services of several servers.

mod clock;
mod disk;
mod ensemble;
mod kind;
mod outage;
mod stage;
mod strace;
mod tools;

use std::{fmt, time::Duration};

pub use clock::Clock;
pub use disk::Disk;
pub use ensemble::Ensemble;
pub use kind::{Kind, Possession};
pub use outage::{Broken, Found, Old, Outage, SERVERS, Store};
pub use stage::{Needs, Stage, StageError};
pub use strace::{SYNCS, Strace, Whom};
pub use tools::{Missing, until};

use crate::proxy::Rules;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The server is killed with SIGKILL; healed by starting it again.
    Kill,
    /// The server is told to stop, as for an upgrade; healed by starting it again.
    Restart,
    /// The server stands still and knows nothing of it.
    Pause,
    /// The disk forgets what was not forced onto it, and the server is killed; healed by starting it again.
    PowerCut,
    /// Not a page is left on the disk.
    FullDisk,
    /// What forces bytes onto the disk fails: every so many times, from the first on.
    SyncErrors {
        /// 1 for always.
        every: u32,
    },
    /// What forces bytes onto the disk takes so much longer.
    SlowSyncs {
        /// How much.
        delay: Duration,
    },
    /// The server's clock is wrong by so many seconds; healed by setting it right, which is a jump as well.
    ClockJump {
        /// Forwards, or backwards.
        seconds: i64,
    },
    /// The server's clock goes back again and again, so many seconds each second.
    ClockDrift {
        /// How many.
        seconds_back: u32,
    },
    /// The proxy treats connections so.
    Network(Kind, Box<Rules>),
    /// All connections become half-open: nothing passes, and nobody is told. Healed by forgetting them.
    HalfOpen,
    /// All connections are reset.
    Disconnect,
    /// So many clients crash and come back with what they had written down.
    ClientCrash {
        /// How many.
        clients: usize,
    },
    /// Something of several servers.
    Outage(Outage),
}

impl Fault {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Kill => Kind::Kill,
            Self::Restart => Kind::Restart,
            Self::Pause => Kind::Pause,
            Self::PowerCut => Kind::PowerCut,
            Self::FullDisk => Kind::FullDisk,
            Self::SyncErrors { .. } => Kind::SyncErrors,
            Self::SlowSyncs { .. } => Kind::SlowSyncs,
            Self::ClockJump { .. } => Kind::ClockJump,
            Self::ClockDrift { .. } => Kind::ClockDrift,
            Self::Network(kind, _) => *kind,
            Self::HalfOpen => Kind::HalfOpen,
            Self::Disconnect => Kind::Disconnect,
            Self::ClientCrash { .. } => Kind::ClientCrash,
            Self::Outage(outage) => outage.kind(),
        }
    }

    /// What it takes possession of.
    pub fn possession(&self) -> Possession {
        match self {
            Self::Outage(outage) => outage.possession(),
            _ => self.kind().possession(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Outage(outage) = self {
            return write!(f, "{outage}");
        }
        write!(f, "{}", self.kind())?;
        match self {
            Self::SyncErrors { every: 1 } => write!(f, " always"),
            Self::SyncErrors { every } => write!(f, " every {every}"),
            Self::SlowSyncs { delay } => write!(f, " by {delay:?}"),
            Self::ClockJump { seconds } => write!(f, " by {seconds} s"),
            Self::ClockDrift { seconds_back } => write!(f, " of {seconds_back} s back each second"),
            Self::Network(_, rules) => write!(f, " {rules}"),
            Self::ClientCrash { clients } => write!(f, " of {clients}"),
            _ => Ok(()),
        }
    }
}
