//! Calls: beginning, rows, end (HI-12 to HI-18, HI-24).

use semel_check::{
    Action, CRASHED, DISCONNECTED, DUPLICATE, Event, Kind, ORDERED, TO_HEAD, code_byte,
    fingerprint, fingerprint_of, kind_of_error,
};
use semel_protocol::{ClientId, Entry, Message, Problem, Rev, Seq, ThreadId, UserId};

use super::{Recorder, events};

/// The reason of a call that was lost because its connection broke.
pub const LOST: u8 = DISCONNECTED;

/// What a call is to change. Everything that does not belong to the action is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change<'a> {
    /// What it does.
    pub action: Action,
    /// Where. None for what is sent to people, and what makes a thread.
    pub thread: Option<ThreadId>,
    /// Of a send.
    pub client_id: Option<ClientId>,
    /// If it has one.
    pub idempotency_key: Option<&'a str>,
    /// Words, title, emoji: what the change says.
    pub content: Option<&'a str>,
    /// The message that it is about, or the position.
    pub seq: Seq,
    /// The person that it is about.
    pub person: Option<&'a UserId>,
    /// Whether the send keeps its place among those of its device (HI-14).
    pub in_order: bool,
}

/// Writes down the calls of one person. What they do is not ordered by a device.
#[derive(Clone, Debug)]
pub struct CallRecord {
    recorder: Recorder,
    user: UserId,
    user_number: u32,
    session: u32,
}

/// A call that has begun. One that is dropped without an end was stopped with its client: its outcome is unknown.
#[derive(Debug)]
pub struct OpenCall {
    recorder: Recorder,
    /// What all events of the call have in common.
    event: Event,
    is_open: bool,
}

impl CallRecord {
    pub(super) fn new(recorder: Recorder, user: &UserId) -> Self {
        let user_number = recorder.user(user);
        let session = recorder.inner.numbers.session(&format!("{user} calls"));
        recorder.push(Event {
            session,
            user: user_number,
            id: u64::from(session),
            ..Event::at(0, Kind::Session, Action::None)
        });
        Self {
            recorder,
            user: user.clone(),
            user_number,
            session,
        }
    }

    /// Who calls.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Where it is written to.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Records that a change is about to be asked for. Every attempt is a call of its own.
    pub fn begin(&self, change: &Change<'_>) -> OpenCall {
        let call = self.recorder.inner.numbers.call();
        let request = change
            .idempotency_key
            .map_or(0, |key| events::request_key(key, &self.user));
        let key = match (change.action, change.client_id) {
            (Action::Send, Some(id)) => events::message_key(id, &self.user),
            _ if request != 0 => request,
            _ => fingerprint_of([b"call".as_slice(), &call.to_le_bytes()]),
        };
        let event = Event {
            key,
            ..self.common(change.action, change.thread, call)
        };
        self.recorder.push(Event {
            kind: Kind::Invoke,
            code: if change.in_order { ORDERED } else { 0 },
            id: if change.action == Action::Send {
                request
            } else {
                0
            },
            hash: change
                .content
                .map_or(0, |content| fingerprint(content.as_bytes())),
            seq: change.seq as u32,
            version: change.person.map_or(0, |person| self.recorder.user(person)),
            ..event
        });
        self.open(event)
    }

    /// Records that messages (`Action::ReadMessages`) or entries (`Action::ReadEntries`) are about to be asked for;
    /// `to_head`: everything up to the end of the log.
    pub fn begin_read(&self, action: Action, thread: ThreadId, to_head: bool) -> OpenCall {
        let event = self.common(action, Some(thread), self.recorder.inner.numbers.call());
        self.recorder.push(Event {
            kind: Kind::Invoke,
            code: if to_head { TO_HEAD } else { 0 },
            ..event
        });
        self.open(event)
    }

    fn common(&self, action: Action, thread: Option<ThreadId>, call: u32) -> Event {
        let numbers = &self.recorder.inner.numbers;
        Event {
            session: self.session,
            call,
            user: self.user_number,
            thread: thread.map_or(0, |thread| numbers.newest_thread(thread)),
            ..Event::at(0, Kind::Ok, action)
        }
    }

    fn open(&self, event: Event) -> OpenCall {
        OpenCall {
            recorder: self.recorder.clone(),
            event,
            is_open: true,
        }
    }
}

impl OpenCall {
    /// A send was answered. `answer` is the fingerprint of an answer that is stored under an idempotency key, else 0.
    pub fn sent(self, message: &Message, is_duplicate: bool, answer: u64) {
        let thread = self.thread_of(message.thread_id);
        self.end(|event| Event {
            kind: Kind::Ok,
            code: if is_duplicate { DUPLICATE } else { 0 },
            thread,
            seq: message.seq as u32,
            id: fingerprint(message.id.0.as_bytes()),
            hash: answer,
            ..event
        });
    }

    /// Whether a message is to be deleted by it.
    pub(super) fn is_deletion(&self) -> bool {
        self.event.action == Action::Delete
    }

    /// Another change was answered. `newest` is the newest entry that the answer shows, if it tells which: recorded as
    /// the entry of this call if no other request was answered with it. `answer` as for [`OpenCall::sent`].
    pub fn changed(self, thread: ThreadId, newest: Option<Rev>, answer: u64) {
        let thread = self.thread_of(thread);
        let numbers = &self.recorder.inner.numbers;
        let own = newest
            .map(|rev| rev as u32)
            .filter(|rev| numbers.is_own(thread, *rev, self.event.key));
        self.end(|event| Event {
            kind: Kind::Ok,
            thread,
            rev: own.unwrap_or(0),
            hash: answer,
            ..event
        });
    }

    /// A read position was set, and is here now.
    pub fn marked(self, position: Seq, answer: u64) {
        self.end(|event| Event {
            kind: Kind::Ok,
            seq: position as u32,
            hash: answer,
            ..event
        });
    }

    /// An error was answered. `answer` as for [`OpenCall::sent`].
    pub fn refused(self, problem: &Problem, answer: u64) {
        let kind = kind_of_error(problem.code);
        self.end(|event| Event {
            kind,
            code: code_byte(problem.code),
            hash: if kind == Kind::Fail { answer } else { 0 },
            ..event
        });
    }

    /// There is no answer: [`LOST`], [`semel_check::TIMED_OUT`], or 0 when it could not be read.
    pub fn unknown(self, reason: u8) {
        self.end(|event| Event {
            kind: Kind::Info,
            code: reason,
            ..event
        });
    }

    /// A read by seq was answered with everything from `from` to `to`; 0 and 0: nothing is there.
    pub fn read_messages(mut self, messages: &[Message], epoch: u64, from: Seq, to: Seq) {
        if let Some(message) = messages.first() {
            self.event.thread = self.recorder.thread(message.thread_id, epoch);
        }
        let (event, recorder) = (self.event, self.recorder.clone());
        let rows = messages.iter().map(|message| Event {
            session: event.session,
            call: event.call,
            thread: event.thread,
            ..events::row_of_message(message, |user| recorder.user(user))
        });
        let end = Event {
            kind: Kind::Ok,
            version: from as u32,
            seq: to as u32,
            ..event
        };
        self.end_with(rows.chain([end]).collect());
    }

    /// A read by rev was answered with these entries, and nothing is missing between them. `head`: the end of the log as
    /// the answer says it.
    pub fn read_entries(mut self, entries: &[Entry], head: Rev) {
        if let Some(entry) = entries.first() {
            self.event.thread = self.recorder.thread(entry.thread_id, entry.epoch);
        }
        let (event, recorder) = (self.event, self.recorder.clone());
        let rows = entries.iter().map(|entry| Event {
            session: event.session,
            call: event.call,
            ..recorder.entry(Kind::Row, entry)
        });
        let last = entries.last().map_or(head, |entry| entry.rev);
        let end = Event {
            kind: Kind::Ok,
            version: entries.first().map_or(0, |entry| entry.rev as u32),
            rev: last as u32,
            ..event
        };
        self.end_with(rows.chain([end]).collect());
    }

    fn thread_of(&self, thread: ThreadId) -> u32 {
        self.recorder.inner.numbers.newest_thread(thread)
    }

    fn end(self, of: impl FnOnce(Event) -> Event) {
        let event = of(self.event);
        self.end_with(vec![event]);
    }

    fn end_with(mut self, events: Vec<Event>) {
        self.is_open = false;
        self.recorder.push_all(events);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if self.is_open {
            self.recorder.push(Event {
                kind: Kind::Info,
                code: CRASHED,
                ..self.event
            });
        }
    }
}
