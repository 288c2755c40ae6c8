//! What others may know of a lane while it works: what it counts, and whether it is well.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// What others may know of a lane.
#[derive(Debug, Default)]
pub struct Watch {
    /// What it counts.
    pub stats: Stats,
    trouble: Mutex<Option<String>>,
}

impl Watch {
    /// Whether the lane takes commands now; if not, why.
    pub fn health(&self) -> Result<(), String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a lane counts.
        #[derive(Debug, Default)]
        pub struct Stats {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// [`Stats`] at a moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct StatsView {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl StatsView {
            /// The counts of two, together.
            #[must_use]
            pub fn plus(self, other: Self) -> Self {
                Self { $($name: self.$name + other.$name,)* }
            }
        }

        impl Stats {
            /// The counts now.
            pub fn view(&self) -> StatsView {
                StatsView { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

stats! {
    /// Batches that were tried.
    batches,
    /// Commands that were answered.
    commands,
    /// Microseconds that they waited for the lane before, together.
    waited_micros,
    /// Commits: one fsync each.
    commits,
    /// Batches that were decided anew because other lanes or servers were faster.
    reruns,
    /// Commands that failed without an effect.
    failures,
    /// Commands whose outcome nobody knows.
    unknown_outcomes,
    /// Questions that were answered.
    questions,
    /// Bytes of the write-ahead log that are in use, as of the last checkpoint.
    wal_bytes,
}

impl Stats {
    pub(crate) fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Relaxed);
    }
}
