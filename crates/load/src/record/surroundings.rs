//! What happens around the devices, and the state at the end (HI-25, HI-30 to HI-35).

use semel_check::{Action, Event, Kind};
use semel_protocol::{Entry, Rev, Seq, ThreadId, UserId};

use super::{Recorder, events};

/// What happened to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It is ready.
    Started,
    /// It stopped by itself.
    Stopped,
    /// It was killed.
    Killed,
}

/// A check of the database by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DoctorCheck {
    /// Pages and rows.
    Integrity = 1,
    /// References.
    ForeignKeys = 2,
    /// Heads and counters.
    Counters = 3,
    /// Idempotency records and their effects.
    Idempotency = 4,
    /// Chains.
    Chains = 5,
}

impl DoctorCheck {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Integrity,
        Self::ForeignKeys,
        Self::Counters,
        Self::Idempotency,
        Self::Chains,
    ];
}

/// Writes down what one reader finds at the end.
#[derive(Debug)]
pub struct FinalReader {
    recorder: Recorder,
    session: u32,
}

impl Recorder {
    /// A fault begins. Its name is told once for each number.
    pub fn fault(&self, number: u8, name: &str) {
        let numbers = &self.inner.numbers;
        numbers.name(Action::Trouble, number.into(), name);
        self.push(Event {
            code: number,
            ..Event::at(0, Kind::Fault, Action::None)
        });
    }

    /// A fault ends.
    pub fn heal(&self, number: u8) {
        self.push(Event {
            code: number,
            ..Event::at(0, Kind::Heal, Action::None)
        });
    }

    /// Something happened to a server.
    pub fn node(&self, node: u8, state: NodeState) {
        let action = match state {
            NodeState::Started => Action::Started,
            NodeState::Stopped => Action::Stopped,
            NodeState::Killed => Action::Killed,
        };
        self.push(Event {
            node,
            ..Event::at(0, Kind::Node, action)
        });
    }

    /// One check of a server's database found so many faults.
    pub fn doctor(&self, node: u8, check: DoctorCheck, findings: u64) {
        self.push(Event {
            node,
            code: check as u8,
            hash: findings,
            ..Event::at(0, Kind::Final, Action::Doctor)
        });
    }

    /// Begins to read what is there at the end, as one reader.
    pub fn finals(&self, reader: &str) -> FinalReader {
        FinalReader {
            recorder: self.clone(),
            session: self.inner.numbers.session(reader),
        }
    }

    /// Somebody came into a thread by entry `rev`, and sees it from `from` on (HI-33).
    pub fn joined(&self, user: &UserId, thread: (ThreadId, u64), rev: Rev, from: Rev) {
        self.push(Event {
            version: from as u32,
            rev: rev as u32,
            ..self.membership(Action::Joined, user, thread)
        });
    }

    /// Somebody went out of a thread; `rev` is the last entry that they see.
    pub fn gone(&self, user: &UserId, thread: (ThreadId, u64), rev: Rev) {
        self.push(Event {
            rev: rev as u32,
            ..self.membership(Action::Gone, user, thread)
        });
    }

    /// Somebody's read position at the end.
    pub fn final_position(&self, user: &UserId, thread: (ThreadId, u64), seq: Seq) {
        self.push(Event {
            seq: seq as u32,
            ..self.membership(Action::Position, user, thread)
        });
    }

    /// The thread of a set of people at the end.
    pub fn final_owner(&self, thread: (ThreadId, u64), people: &[UserId]) {
        self.push(Event {
            thread: self.thread(thread.0, thread.1),
            hash: events::people_key(people),
            ..Event::at(0, Kind::Final, Action::Owner)
        });
    }

    fn membership(&self, action: Action, user: &UserId, thread: (ThreadId, u64)) -> Event {
        Event {
            user: self.user(user),
            thread: self.thread(thread.0, thread.1),
            ..Event::at(0, Kind::Final, action)
        }
    }
}

impl FinalReader {
    /// The next entries of a log, in order of rev.
    pub fn entries(&self, entries: &[Entry]) {
        let event = |entry| Event {
            session: self.session,
            ..self.recorder.entry(Kind::Final, entry)
        };
        self.recorder.push_all(entries.iter().map(event));
    }

    /// The end of a log, as the server says it.
    pub fn head(&self, thread: (ThreadId, u64), last_rev: Rev, last_seq: Seq) {
        self.recorder.push(Event {
            session: self.session,
            thread: self.recorder.thread(thread.0, thread.1),
            rev: last_rev as u32,
            seq: last_seq as u32,
            ..Event::at(0, Kind::Final, Action::Head)
        });
    }
}
