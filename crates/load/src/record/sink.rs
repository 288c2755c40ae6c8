//! Where events go: to disk, or into memory with a time of the owner's choice.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use semel_check::Event;

use super::spool::Spool;

/// Where events go.
#[derive(Debug)]
pub(super) enum Sink {
    /// To files, with the time of this machine.
    Disk(Spool),
    /// Nowhere else.
    Memory(Memory),
}

/// Events in memory.
pub(super) struct Memory {
    now: Box<dyn Fn() -> u64 + Send + Sync>,
    events: Mutex<Vec<Event>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    pub(super) fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            now: Box::new(now),
            events: Mutex::default(),
        }
    }

    /// What came so far.
    pub(super) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Sink {
    /// Nanoseconds since the recording began.
    pub(super) fn now(&self) -> u64 {
        match self {
            Self::Disk(spool) => spool.now(),
            Self::Memory(memory) => (memory.now)(),
        }
    }

    /// Adds events, with the time of now. They stay together.
    pub(super) fn push(&self, events: impl IntoIterator<Item = Event>) {
        match self {
            Self::Disk(spool) => spool.push(events),
            Self::Memory(memory) => {
                let mut all = memory.events.lock().unwrap_or_else(PoisonError::into_inner);
                let time = (memory.now)();
                all.extend(events.into_iter().map(|event| Event { time, ..event }));
            }
        }
    }
}
