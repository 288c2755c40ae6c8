//! Recording: what devices and callers do and see, as a history that [`semel_check`] judges (docs/HISTORY.md).
//!
//! A [`Recorder`] has one clock and gives out all numbers. [`SessionRecord`] is the witness of a session,
//! [`CallRecord`] writes down single calls, [`RecordedApi`] makes HTTP calls and writes them down. Events go to disk in
//! the background and are merged by time when the recording is finished.
//!
//! Invariant: the beginning of a call is recorded before its first byte leaves, its end after the whole answer was read.
//! Invariant: an event takes a lock of its own thread's buffer and no wait; only a full disk queue makes it wait.

mod api;
mod calls;
mod events;
mod numbers;
mod reads;
mod session;
mod sink;
mod spool;
mod surroundings;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use api::{Asked, CallError, RecordedApi, Target};
pub use calls::{CallRecord, Change, LOST, OpenCall};
pub use session::{Head, SessionRecord};
pub use surroundings::{DoctorCheck, FinalReader, NodeState};

use numbers::Numbers;
use semel_check::{
    Action, Event, Kind,
    history::{self, Header, HistoryError},
};
use semel_protocol::{Entry, ThreadId, UserId};
use sink::{Memory, Sink};
use spool::Spool;

/// How much of a session is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Everything.
    #[default]
    Everything,
    /// What it sends, not what it receives and applies. S7 and S8 are then not judged for this session, S5 and S3
    /// neither where nobody else saw what it saw; it has no cursor at the end.
    Sends,
}

/// Writes a history. Clones write the same one.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    header: Header,
    sink: Sink,
    numbers: Numbers,
}

/// Why there is no history at the end.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The disk.
    #[error("write the events of the run")]
    Io(#[from] io::Error),
    /// The history itself.
    #[error("write the history {path}")]
    History {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: HistoryError,
    },
    /// It was finished before.
    #[error("the recording is finished already")]
    Finished,
}

impl Recorder {
    /// Begins a recording that will be the file `path`. Until then its events lie beside it, in files without names: 64
    /// bytes an event, and as much again while they are merged. The folder should not be on a disk that the run breaks.
    pub fn start(path: &Path, header: Header) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let inner = Inner {
            path: path.to_owned(),
            header,
            sink: Sink::Disk(Spool::new(folder)?),
            numbers: Numbers::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Begins a recording that stays in memory, with the times, in nanoseconds, that `now` tells: for simulations.
    /// [`Recorder::take_events`] has it.
    pub fn in_memory(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let inner = Inner {
            path: PathBuf::new(),
            header: Header::default(),
            sink: Sink::Memory(Memory::new(now)),
            numbers: Numbers::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What was recorded in memory until now, names first.
    pub fn take_events(&self) -> Vec<Event> {
        let mut events = self.inner.numbers.names();
        if let Sink::Memory(memory) = &self.inner.sink {
            events.extend(memory.take());
        }
        events
    }

    /// Begins a life of a device: the witness of a session. After a crash of the client, call
    /// [`SessionRecord::crashed`] and begin another one.
    pub fn session(&self, user: &UserId, device: &str) -> Arc<SessionRecord> {
        self.session_at(user, device, Level::Everything)
    }

    /// The same, of which only a part is recorded.
    pub fn session_at(&self, user: &UserId, device: &str, level: Level) -> Arc<SessionRecord> {
        Arc::new(SessionRecord::new(self.clone(), user, device, level))
    }

    /// A person's calls outside of sessions. Each of these is a device of its own.
    pub fn calls(&self, user: &UserId) -> CallRecord {
        CallRecord::new(self.clone(), user)
    }

    /// The thread of a set of people that stays the same, as an answer told it (HI-23).
    pub fn owner(&self, thread: ThreadId, epoch: u64, people: &[UserId]) {
        self.push(Event {
            thread: self.thread(thread, epoch),
            hash: events::people_key(people),
            ..Event::at(0, Kind::Apply, Action::Owner)
        });
    }

    /// Nanoseconds since the recording began: the times of the events.
    pub fn now(&self) -> u64 {
        self.inner.sink.now()
    }

    /// The number of a person.
    pub fn user(&self, user: &UserId) -> u32 {
        self.inner.numbers.user(user)
    }

    /// The number of a thread's log of one epoch.
    pub fn thread(&self, thread: ThreadId, epoch: u64) -> u32 {
        self.inner.numbers.thread(thread, epoch)
    }

    /// Ends the recording and writes the history; what is recorded later is dropped. Returns where it is.
    pub fn finish(&self) -> Result<PathBuf, RecordError> {
        let Sink::Disk(spool) = &self.inner.sink else {
            return Err(RecordError::Finished);
        };
        let sources = spool.close()?.ok_or(RecordError::Finished)?;
        let path = self.inner.path.clone();
        self.write(sources).map_err(|source| RecordError::History {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    fn write(&self, sources: Vec<spool::Source>) -> Result<(), HistoryError> {
        let mut history = history::create(&self.inner.path, &self.inner.header)?;
        for event in self.inner.numbers.names() {
            history.write(&event)?;
        }
        history::merge(sources, |event| history.write(&event))?;
        history.finish()?;
        Ok(())
    }

    fn push(&self, event: Event) {
        self.inner.sink.push([event]);
    }

    fn push_all(&self, events: impl IntoIterator<Item = Event>) {
        self.inner.sink.push(events);
    }

    fn entry(&self, kind: Kind, entry: &Entry) -> Event {
        Event {
            thread: self.thread(entry.thread_id, entry.epoch),
            ..events::entry(kind, entry, |user| self.user(user))
        }
    }
}
