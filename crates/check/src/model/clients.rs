//! Devices: each has one call under way, tries again until it knows the answer, and keeps its logs whole.

use super::{
    World,
    server::{Answer, Request},
};
use crate::{
    Action, Event, Kind, ORDERED, TO_HEAD,
    event::{DISCONNECTED, DUPLICATE, mix},
};

pub(super) struct Device {
    pub(super) user: u32,
    pub(super) id: u64,
    pub(super) session: u32,
    pub(super) attempt: Option<Attempt>,
    /// Applied so far, by thread.
    pub(super) cursors: Vec<u32>,
}

/// A call that is under way.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    request: Request,
    call: u32,
    count: u32,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Sent,
    Done(Answer),
    Unknown,
}

impl Device {
    pub(super) fn new(user: u32, id: u64, threads: u32) -> Self {
        Self {
            user,
            id,
            session: 0,
            attempt: None,
            cursors: vec![0; threads as usize + 1],
        }
    }
}

impl<F: FnMut(Event)> World<'_, F> {
    /// Begins a session, behind what the device has kept.
    pub(super) fn connect(&mut self, index: usize) {
        self.sessions += 1;
        let device = &mut self.devices[index];
        device.session = self.sessions;
        let (user, id, session) = (device.user, device.id, device.session);
        self.emit(Event {
            session,
            user,
            id,
            ..Event::at(0, Kind::Session, Action::None)
        });
        for thread in 1..=self.plan.threads {
            let rev = self.devices[index].cursors[thread as usize];
            if rev != 0 {
                self.emit(Event {
                    session,
                    thread,
                    rev,
                    ..Event::at(0, Kind::Apply, Action::Snapshot)
                });
            }
        }
    }

    /// The client is killed and comes back with what it had kept.
    pub(super) fn crash(&mut self, index: usize) {
        self.lose_answer(index);
        self.connect(index);
    }

    pub(super) fn create(&mut self, thread: u32) {
        let key = self.dice.roll();
        let request = Request {
            action: Action::Create,
            user: 1,
            thread,
            key,
            hash: mix(u64::from(thread)),
            seq: 0,
            person: 0,
            id: 0,
            flags: 0,
        };
        self.send_attempt(0, request, 1);
        self.proceed_surely(0);
        let owner = Event {
            session: self.devices[0].session,
            thread,
            hash: mix(u64::from(thread)),
            ..Event::at(0, Kind::Apply, Action::Owner)
        };
        self.emit(owner);
    }

    pub(super) fn start_call(&mut self, index: usize) {
        self.calls_made += 1;
        let thread = self.dice.below(self.plan.threads as usize) as u32 + 1;
        let last_seq = self.server.threads[thread as usize].last_seq();
        let dice = if self.plan.trouble {
            self.dice.below(100)
        } else {
            0
        };
        let action = match dice {
            _ if last_seq == 0 => Action::Send,
            0..60 => Action::Send,
            60..66 => Action::Edit,
            66..70 => Action::Delete,
            70..78 => Action::React,
            78..84 => Action::Mark,
            84..90 => return self.read(index, thread),
            _ if self.devices[index].user != 1 => Action::Send,
            90..95 => Action::Add,
            _ => Action::Remove,
        };
        let is_send = action == Action::Send;
        let is_about_message = matches!(
            action,
            Action::Edit | Action::Delete | Action::React | Action::Mark
        );
        let is_bad = self.plan.trouble && is_send && self.dice.chance(2);
        let request = Request {
            action,
            user: self.devices[index].user,
            thread,
            key: self.dice.roll().max(1),
            hash: if is_bad { 1 } else { self.dice.roll().max(2) },
            seq: if is_about_message {
                self.dice.below(last_seq as usize) as u32 + 1
            } else {
                0
            },
            person: 2 + self.dice.below(self.plan.people as usize - 1) as u32,
            id: if is_send && self.plan.trouble && self.dice.chance(50) {
                self.dice.roll().max(1)
            } else {
                0
            },
            flags: if is_send { ORDERED } else { 0 },
        };
        self.send_attempt(index, request, 1);
    }

    fn send_attempt(&mut self, index: usize, request: Request, count: u32) {
        self.calls += 1;
        let call = self.calls;
        self.devices[index].attempt = Some(Attempt {
            request,
            call,
            count,
            stage: Stage::Sent,
        });
        let is_about_person = matches!(request.action, Action::Add | Action::Remove);
        self.emit(Event {
            call,
            code: request.flags,
            id: request.id,
            hash: request.hash,
            seq: request.seq,
            version: if is_about_person { request.person } else { 0 },
            ..self.about(index, Kind::Invoke, &request)
        });
    }

    fn about(&self, index: usize, kind: Kind, request: &Request) -> Event {
        Event {
            session: self.devices[index].session,
            user: request.user,
            thread: request.thread,
            key: request.key,
            ..Event::at(0, kind, request.action)
        }
    }

    /// The next thing happens to a call; in troubled worlds it may get lost on either way.
    pub(super) fn proceed(&mut self, index: usize) {
        if self.plan.trouble && self.dice.chance(8) {
            return self.lose_answer(index);
        }
        let Some(mut attempt) = self.devices[index].attempt else {
            return;
        };
        match attempt.stage {
            Stage::Sent => {
                attempt.stage = Stage::Done(self.server.execute(&attempt.request));
                self.devices[index].attempt = Some(attempt);
            }
            Stage::Done(answer) => self.answer(index, &attempt, answer),
            Stage::Unknown => self.send_attempt(index, attempt.request, attempt.count + 1),
        }
    }

    /// A call goes through to its answer.
    pub(super) fn proceed_surely(&mut self, index: usize) {
        while let Some(mut attempt) = self.devices[index].attempt {
            match attempt.stage {
                Stage::Sent => {
                    attempt.stage = Stage::Done(self.server.execute(&attempt.request));
                    self.devices[index].attempt = Some(attempt);
                }
                Stage::Done(answer) => self.answer(index, &attempt, answer),
                Stage::Unknown => self.send_attempt(index, attempt.request, attempt.count + 1),
            }
        }
    }

    /// The answer of a call gets lost, if one is under way.
    pub(super) fn lose_answer(&mut self, index: usize) {
        let Some(mut attempt) = self.devices[index].attempt else {
            return;
        };
        if matches!(attempt.stage, Stage::Unknown) {
            return;
        }
        attempt.stage = Stage::Unknown;
        self.devices[index].attempt = Some(attempt);
        self.emit(Event {
            call: attempt.call,
            code: DISCONNECTED,
            ..self.about(index, Kind::Info, &attempt.request)
        });
    }

    fn answer(&mut self, index: usize, attempt: &Attempt, answer: Answer) {
        let request = &attempt.request;
        self.devices[index].attempt = None;
        let has_stored_answer = request.action != Action::Send || request.id != 0;
        let hash = if has_stored_answer { answer.hash } else { 0 };
        let event = Event {
            call: attempt.call,
            hash,
            ..self.about(
                index,
                if answer.is_ok { Kind::Ok } else { Kind::Fail },
                request,
            )
        };
        self.emit(Event {
            code: match (answer.is_ok, attempt.count) {
                (false, _) => crate::code_byte(semel_protocol::Code::NotFound),
                (true, 1) => 0,
                (true, _) => DUPLICATE,
            },
            seq: answer.seq,
            rev: answer.rev,
            id: answer.id,
            ..event
        });
        if answer.is_ok && request.action == Action::Mark {
            self.show_position(index, request.thread);
        }
        // Somebody's finger slips, or a proxy repeats the request.
        if self.plan.trouble && answer.is_ok && self.dice.chance(4) {
            self.send_attempt(index, attempt.request, 2);
        }
    }

    fn show_position(&mut self, index: usize, thread: u32) {
        let device = &self.devices[index];
        let position = self.server.threads[thread as usize].people[device.user as usize].position;
        let event = Event {
            session: device.session,
            user: device.user,
            thread,
            seq: position,
            ..Event::at(0, Kind::Apply, Action::Position)
        };
        self.emit(event);
    }

    /// Reads messages or entries up to the head.
    fn read(&mut self, index: usize, thread: u32) {
        let (user, session) = (self.devices[index].user, self.devices[index].session);
        self.calls += 1;
        let by_rev = self.dice.chance(50);
        let call = Event {
            session,
            user,
            thread,
            call: self.calls,
            ..Event::at(
                0,
                Kind::Invoke,
                if by_rev {
                    Action::ReadEntries
                } else {
                    Action::ReadMessages
                },
            )
        };
        self.emit(Event {
            code: TO_HEAD,
            ..call
        });
        let log = &self.server.threads[thread as usize];
        let is_whole = log.people[user as usize].windows == [(1, None)];
        if !is_whole {
            return self.emit(Event {
                kind: Kind::Fail,
                ..call
            });
        }
        let end = if by_rev { log.head() } else { log.last_seq() };
        let from = end.saturating_sub(self.dice.below(10) as u32).max(1);
        for number in from..=end {
            let row = self.row(thread, number, by_rev);
            self.emit(Event {
                session,
                call: self.calls,
                ..row
            });
        }
        let place = if by_rev { (0, end) } else { (end, 0) };
        self.emit(Event {
            kind: Kind::Ok,
            version: from,
            seq: place.0,
            rev: place.1,
            ..call
        });
    }

    fn row(&self, thread: u32, number: u32, by_rev: bool) -> Event {
        let log = &self.server.threads[thread as usize];
        if by_rev {
            return log.entry_event(Kind::Row, thread, number);
        }
        let message = log.messages[number as usize - 1];
        Event {
            user: message.user,
            thread,
            seq: number,
            key: message.key,
            id: message.id,
            hash: message.hash,
            version: message.version,
            ..Event::at(
                0,
                Kind::Row,
                if message.key == 0 {
                    Action::Unknown
                } else {
                    Action::Send
                },
            )
        }
    }

    /// Entries arrive at a device, some late, some twice, and are applied in order.
    pub(super) fn deliver(&mut self, index: usize, thread: u32) {
        let log = &self.server.threads[thread as usize];
        let (user, session) = (self.devices[index].user, self.devices[index].session);
        let person = &log.people[user as usize];
        let end = person
            .windows
            .last()
            .and_then(|window| window.1)
            .unwrap_or(log.head());
        let first = person.windows.first().map_or(1, |window| window.0);
        let from = (self.devices[index].cursors[thread as usize] + 1).max(first);
        let hidden = |rev: u32| Event {
            thread,
            rev,
            ..Event::at(0, Kind::Apply, Action::Hidden)
        };
        let entries: Vec<_> = (from..=end)
            .map(|rev| {
                if log.shows(person, rev) {
                    log.entry_event(Kind::Apply, thread, rev)
                } else {
                    hidden(rev)
                }
            })
            .collect();
        self.devices[index].cursors[thread as usize] = end.max(from - 1);
        if self.plan.trouble && self.dice.chance(30) {
            for entry in entries.iter().rev().take(2) {
                self.emit(Event {
                    session,
                    kind: Kind::Wire,
                    ..*entry
                });
            }
        }
        for entry in entries {
            self.emit(Event { session, ..entry });
        }
    }
}
