//! The witness of a session.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use semel_check::{
    Action, CRASHED, DUPLICATE, Event, Kind, ORDERED, code_byte, fingerprint, kind_of_error,
};
use semel_client::{Attempt, Destination, Outcome, Stored, Witness};
use semel_protocol::{Entry, Rev, Seq, ThreadId, UserId};

use super::{LOST, Level, Recorder, events};

/// Writes down one life of a device.
///
/// A device that was told that its person left a thread forgets it, and begins again when the person comes back: that is
/// recorded as another life, so that nothing is applied twice within one.
#[derive(Debug)]
pub struct SessionRecord {
    recorder: Recorder,
    user: UserId,
    user_number: u32,
    device: String,
    level: Level,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: u32,
    is_over: bool,
    open: FxHashMap<u64, Event>,
    people: FxHashMap<UserId, u32>,
    logs: FxHashMap<ThreadId, Log>,
}

/// A thread as the device holds it.
#[derive(Clone, Copy, Debug)]
struct Log {
    epoch: u64,
    number: u32,
    head: Rev,
}

/// How far a device has come in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which.
    pub thread: ThreadId,
    /// Of which epoch.
    pub epoch: u64,
    /// Last entry that it applied.
    pub rev: Rev,
}

impl SessionRecord {
    pub(super) fn new(recorder: Recorder, user: &UserId, device: &str, level: Level) -> Self {
        let record = Self {
            user_number: recorder.user(user),
            recorder,
            user: user.clone(),
            device: device.to_owned(),
            level,
            state: Mutex::default(),
        };
        record.begin_life(&mut record.state());
        record
    }

    /// The client is gone without a goodbye: what it had under way is of unknown outcome, and nothing more is recorded.
    pub fn crashed(&self) {
        let mut state = self.state();
        let open = std::mem::take(&mut state.open);
        state.is_over = true;
        self.recorder
            .push_all(open.into_values().map(|event| Event {
                kind: Kind::Info,
                code: CRASHED,
                ..event
            }));
    }

    /// The device shows a read position (HI-23).
    pub fn position(&self, user: &UserId, thread: ThreadId, seq: Seq) {
        let state = self.state();
        if state.is_over || self.level == Level::Sends {
            return;
        }
        self.recorder.push(Event {
            session: state.session,
            user: self.recorder.user(user),
            thread: self.recorder.inner.numbers.newest_thread(thread),
            seq: seq as u32,
            ..Event::at(0, Kind::Apply, Action::Position)
        });
    }

    /// Whose device it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Its name.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// How far it has come, thread by thread.
    pub fn heads(&self) -> Vec<Head> {
        let state = self.state();
        let head = |(thread, log): (&ThreadId, &Log)| Head {
            thread: *thread,
            epoch: log.epoch,
            rev: log.head,
        };
        state.logs.iter().map(head).collect()
    }

    /// How far it has come in one thread; 0: it does not hold it.
    pub fn head(&self, thread: ThreadId) -> Rev {
        self.state().logs.get(&thread).map_or(0, |log| log.head)
    }

    /// Messages that are under way.
    pub fn open_sends(&self) -> usize {
        self.state().open.len()
    }

    /// Records how far the device has come at the end in a thread whose log is complete for it, if it is still there (HI-32).
    pub fn cursor(&self, thread: ThreadId) {
        let state = self.state();
        if state.is_over || self.level == Level::Sends {
            return;
        }
        if let Some(log) = state.logs.get(&thread) {
            self.recorder.push(Event {
                session: state.session,
                thread: log.number,
                rev: log.head as u32,
                ..Event::at(0, Kind::Final, Action::Cursor)
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_life(&self, state: &mut State) {
        let name = format!("{} {}", self.user, self.device);
        state.session = self.recorder.inner.numbers.session(&name);
        let device = fingerprint(name.as_bytes());
        let session = Event {
            session: state.session,
            user: self.user_number,
            id: device,
            ..Event::at(0, Kind::Session, Action::None)
        };
        let places = state
            .logs
            .values()
            .filter(|_| self.level == Level::Everything);
        let places = places.map(|log| Event {
            session: state.session,
            thread: log.number,
            rev: log.head as u32,
            ..Event::at(0, Kind::Apply, Action::Snapshot)
        });
        self.recorder.push_all([session].into_iter().chain(places));
    }

    fn entry(&self, state: &mut State, kind: Kind, entry: &Entry) -> Event {
        let recorder = &self.recorder;
        let thread = match state.logs.get(&entry.thread_id) {
            Some(log) if log.epoch == entry.epoch => log.number,
            _ => recorder.thread(entry.thread_id, entry.epoch),
        };
        let people = std::cell::RefCell::new(&mut state.people);
        let number = |user: &UserId| {
            let mut people = people.borrow_mut();
            if let Some(number) = people.get(user) {
                return *number;
            }
            let number = recorder.user(user);
            people.insert(user.clone(), number);
            number
        };
        Event {
            session: state.session,
            thread,
            ..events::entry(kind, entry, number)
        }
    }

    fn stored(&self, event: Event, stored: &Stored) -> Event {
        let message = &stored.message;
        Event {
            kind: Kind::Ok,
            code: if stored.is_duplicate == Some(true) {
                DUPLICATE
            } else {
                0
            },
            thread: self.recorder.inner.numbers.newest_thread(message.thread_id),
            seq: message.seq as u32,
            id: fingerprint(message.id.0.as_bytes()),
            ..event
        }
    }
}

impl Witness for SessionRecord {
    fn attempt(&self, attempt: &Attempt<'_>) -> u64 {
        let numbers = &self.recorder.inner.numbers;
        let call = numbers.call();
        let mut state = self.state();
        let thread = match attempt.destination {
            Destination::Thread(thread) => numbers.newest_thread(*thread),
            Destination::People { .. } => 0,
        };
        let event = Event {
            session: state.session,
            call,
            user: self.user_number,
            thread,
            key: events::message_key(attempt.client_id, &self.user),
            ..Event::at(0, Kind::Invoke, Action::Send)
        };
        if !state.is_over {
            state.open.insert(u64::from(call), event);
            self.recorder.push(Event {
                code: if attempt.in_order { ORDERED } else { 0 },
                hash: fingerprint(attempt.content.as_bytes()),
                ..event
            });
        }
        u64::from(call)
    }

    fn outcome(&self, attempt: u64, outcome: Outcome<'_>) {
        let Some(event) = self.state().open.remove(&attempt) else {
            return;
        };
        self.recorder.push(match outcome {
            Outcome::Stored(stored) => self.stored(event, stored),
            Outcome::Refused(problem) => Event {
                kind: kind_of_error(problem.code),
                code: code_byte(problem.code),
                ..event
            },
            Outcome::Lost => Event {
                kind: Kind::Info,
                code: LOST,
                ..event
            },
            Outcome::Unreadable => Event {
                kind: Kind::Info,
                ..event
            },
        });
    }

    fn arrival(&self, entry: &Entry) {
        if self.level == Level::Sends {
            return;
        }
        let mut state = self.state();
        if !state.is_over {
            let event = self.entry(&mut state, Kind::Wire, entry);
            self.recorder.push(event);
        }
    }

    fn apply(&self, entry: &Entry) {
        let mut state = self.state();
        if state.is_over {
            return;
        }
        if self.level == Level::Everything {
            let event = self.entry(&mut state, Kind::Apply, entry);
            self.recorder.push(event);
        }
        match state.logs.get_mut(&entry.thread_id) {
            Some(log) if log.epoch == entry.epoch => log.head = entry.rev,
            _ => {
                let log = Log {
                    epoch: entry.epoch,
                    number: self.recorder.thread(entry.thread_id, entry.epoch),
                    head: entry.rev,
                };
                state.logs.insert(entry.thread_id, log);
            }
        }
    }

    fn reset(&self, thread_id: ThreadId, epoch: u64, head_rev: Rev) {
        let mut state = self.state();
        if state.is_over {
            return;
        }
        let number = self.recorder.thread(thread_id, epoch);
        let log = Log {
            epoch,
            number,
            head: head_rev,
        };
        state.logs.insert(thread_id, log);
        if self.level == Level::Everything {
            self.recorder.push(Event {
                session: state.session,
                thread: number,
                rev: head_rev as u32,
                ..Event::at(0, Kind::Apply, Action::Snapshot)
            });
        }
    }

    fn left(&self, thread_id: ThreadId) {
        let mut state = self.state();
        if !state.is_over && state.logs.remove(&thread_id).is_some() {
            self.begin_life(&mut state);
        }
    }
}
