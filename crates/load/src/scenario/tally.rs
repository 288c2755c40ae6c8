//! What happens in a run: counted and timed while it goes on.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;

/// Longest time that is told apart, in microseconds; what takes longer counts as this.
const MICROS_MAX: u64 = 10 * 60 * 1_000_000;
/// Digits that count.
const DIGITS: u8 = 3;

macro_rules! clocks {
    ($($(#[$doc:meta])* $variant:ident $name:literal $text:literal,)*) => {
        /// What is timed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Timed {
            $($(#[$doc])* $variant,)*
        }

        impl Timed {
            /// Every one, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its name in the table.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

clocks! {
    /// From the instant at which a message was due to its acknowledgement.
    Ack "ack" "send to acknowledgement",
    /// From the instant at which a message was due to each other person's device.
    Screen "screen" "send to screen",
    /// Of an edit, to its acknowledgement.
    Edit "edit" "edit to acknowledgement",
    /// Of a reaction, to its acknowledgement.
    React "react" "reaction to acknowledgement",
    /// Of a read position, to its acknowledgement.
    Mark "mark" "mark to acknowledgement",
    /// Of a page of history over HTTP.
    Read "read" "newest page over HTTP",
    /// From the beginning of a connection until it was accepted.
    Connect "connect" "connect, until accepted",
    /// From the cut until a device was connected again.
    Back "back" "cut to connected again",
    /// From the cut until a device had everything again.
    CaughtUp "caught_up" "cut to caught up again",
    /// How late the generator itself was.
    Lag "generator_lag" "lateness of the generator",
}

/// Counters and times of a run. Whoever shows progress reads them while the run goes on.
#[derive(Debug)]
pub struct Tally {
    asked: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    delivered: AtomicU64,
    fetched: AtomicU64,
    connected: AtomicU64,
    phase: Mutex<String>,
    times: Mutex<BTreeMap<Timed, Histogram<u64>>>,
    errors: Mutex<BTreeMap<String, u64>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            asked: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            fetched: AtomicU64::new(0),
            connected: AtomicU64::new(0),
            phase: Mutex::new("connecting".to_owned()),
            times: Mutex::default(),
            errors: Mutex::default(),
        }
    }
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that were due.
    pub asked: u64,
    /// Calls that were answered with success.
    pub done: u64,
    /// Calls that were refused, or have no answer and get none.
    pub failed: u64,
    /// Entries that reached a device.
    pub delivered: u64,
    /// Those of them that devices fetched, because they were only told where the thread is.
    pub fetched: u64,
    /// Connections that were accepted.
    pub connected: u64,
}

impl Counters {
    /// Calls that still wait for their answer.
    pub fn open(&self) -> u64 {
        self.asked.saturating_sub(self.done + self.failed)
    }
}

impl Tally {
    /// What goes on, for people.
    pub fn phase(&self) -> String {
        lock(&self.phase).clone()
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What is done is read first, so that there are never more than were asked.
        let (done, failed) = (read(&self.done), read(&self.failed));
        Counters {
            asked: read(&self.asked),
            done,
            failed,
            delivered: read(&self.delivered),
            fetched: read(&self.fetched),
            connected: read(&self.connected),
        }
    }

    pub(super) fn enter(&self, phase: impl Into<String>) {
        *lock(&self.phase) = phase.into();
    }

    pub(super) fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// A call succeeded, after so long.
    pub(super) fn succeed(&self, what: Option<Timed>, time: Duration) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if let Some(what) = what {
            self.time(what, time);
        }
    }

    /// A call failed, with a code of the protocol or a word for no answer.
    pub(super) fn fail(&self, code: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.note(code);
    }

    /// Something went wrong that is no call.
    pub(super) fn note(&self, code: &str) {
        let mut errors = lock(&self.errors);
        match errors.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(errors.insert(code.to_owned(), 1)),
        }
    }

    /// Entries reached a device.
    pub(super) fn deliver(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }

    /// A device fetched entries, which count as delivered as well.
    pub(super) fn fetch(&self, count: u64) {
        self.fetched.fetch_add(count, Ordering::Relaxed);
    }

    /// A connection was accepted, after so long.
    pub(super) fn connect(&self, time: Duration) {
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.time(Timed::Connect, time);
    }

    pub(super) fn time(&self, what: Timed, time: Duration) {
        let mut times = lock(&self.times);
        let histogram = times.entry(what).or_insert_with(histogram);
        histogram.saturating_record((time.as_micros() as u64).max(1));
    }

    /// Everything that was timed.
    pub(super) fn times(&self) -> BTreeMap<Timed, Histogram<u64>> {
        lock(&self.times).clone()
    }

    /// What went wrong, by code.
    pub(super) fn errors(&self) -> BTreeMap<String, u64> {
        lock(&self.errors).clone()
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MICROS_MAX, DIGITS).expect("the bounds are valid")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
