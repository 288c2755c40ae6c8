//! What happened, in order: a hash over everything, and lines for people when somebody wants to read them.

use std::{
    fmt::{self, Write},
    hash::Hasher,
    sync::{Mutex, PoisonError},
};

use rustc_hash::FxHasher;
use tokio::time::Instant;

/// The log of a run. Two runs with the same hash did the same.
pub(crate) struct Journal {
    state: Mutex<State>,
    start: Instant,
    is_told: bool,
}

#[derive(Default)]
struct State {
    hash: FxHasher,
    line: String,
    lines: Vec<String>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

impl Journal {
    /// Begins now; keeps the lines if they are to be read.
    pub(crate) fn new(is_told: bool) -> Self {
        Self {
            state: Mutex::default(),
            start: Instant::now(),
            is_told,
        }
    }

    /// Since the beginning, in nanoseconds of simulated time.
    pub(crate) fn nanos(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Notes that something happened.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let micros = self.nanos() / 1_000;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { hash, line, lines } = &mut *state;
        line.clear();
        // Writing into a string does not fail.
        let _ = write!(
            line,
            "{:>6}.{:06} {what}",
            micros / 1_000_000,
            micros % 1_000_000
        );
        hash.write(line.as_bytes());
        if self.is_told {
            lines.push(line.clone());
        }
    }

    /// The hash over everything so far, and the lines.
    pub(crate) fn end(&self) -> (u64, Vec<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.hash.finish(), std::mem::take(&mut state.lines))
    }
}
