//! What goes wrong, and how often it did.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// Something that goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// For reports.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    /// The server was killed; the system kept what it had written.
    Kill "kill",
    /// The power was cut.
    PowerCut "power_cut",
    /// The server stopped by itself and was started again.
    OrderlyStop "orderly_stop",
    /// A crash came while a commit was under way, which was kept.
    CommitKeptByCrash "commit_kept_by_crash",
    /// A crash came while a commit was under way, which was lost.
    CommitLostByCrash "commit_lost_by_crash",
    /// A commit was refused.
    CommitRefused "commit_refused",
    /// A commit happened and said that it did not know.
    CommitUnknownKept "commit_unknown_kept",
    /// A commit did not happen and said that it did not know.
    CommitUnknownLost "commit_unknown_lost",
    /// The store broke before a commit.
    StoreBroke "store_broke",
    /// The store answered nobody for a while.
    StoreAway "store_away",
    /// The wall clock jumped.
    ClockJump "clock_jump",
    /// A connection broke with a packet that the server never got.
    CutBeforeServer "cut_before_server",
    /// A connection broke after the server got a packet.
    CutAfterServer "cut_after_server",
    /// A connection broke with a packet that the device never got.
    CutBeforeDevice "cut_before_device",
    /// A connection broke after the device got a packet.
    CutAfterDevice "cut_after_device",
    /// The server kept a connection that the device had lost.
    HalfOpen "half_open",
    /// A device read nothing for a while.
    Stall "stall",
    /// A device could not connect for a while.
    ConnectRefused "connect_refused",
    /// A packet or request came to the server once more, later.
    Replay "replay",
    /// A request did not reach the server.
    RequestLost "request_lost",
    /// An answer did not reach the caller.
    AnswerLost "answer_lost",
    /// A device was killed and came back with what it had kept.
    DeviceCrash "device_crash",
}

/// How often each fault happened.
#[derive(Debug)]
pub(crate) struct Tally(Vec<AtomicU64>);

impl Default for Tally {
    fn default() -> Self {
        Self(Fault::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl Tally {
    pub(crate) fn count(&self, fault: Fault) {
        self.0[fault as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn counts(&self) -> Vec<u64> {
        self.0.iter().map(|count| count.load(Relaxed)).collect()
    }
}
