//! Finding and changing things in a good history.

use semel_check::{
    Action, Event, Kind,
    model::{self, Plan},
};

pub(crate) const FRESH_KEY: u64 = 0xf0f0_f0f0_f0f0_f0f0;

pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    pick: usize,
}

impl History {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(&Plan::small(seed), seed)
    }

    fn of(plan: &Plan, seed: u64) -> Self {
        Self {
            events: model::events(plan),
            pick: seed as usize * 7,
        }
    }

    /// Forgets this history for one with nothing but sends, of many devices of two people.
    pub(crate) fn become_plain(&mut self) {
        let plan = Plan {
            trouble: false,
            people: 2,
            devices: 4,
            threads: 2,
            ..Plan::small(self.pick as u64)
        };
        *self = Self::of(&plan, self.pick as u64 / 7);
    }

    /// With times that follow the order of the events.
    pub(crate) fn in_order(mut self) -> Vec<Event> {
        let mut last = 0;
        for event in &mut self.events {
            last = event.time.max(last);
            event.time = last;
        }
        self.events
    }

    pub(crate) fn all(&self, which: impl Fn(&Event) -> bool) -> Vec<usize> {
        (0..self.events.len())
            .filter(|index| which(&self.events[*index]))
            .collect()
    }

    /// One event of a kind, another one for every seed.
    pub(crate) fn one(&self, which: impl Fn(&Event) -> bool) -> Option<usize> {
        let all = self.all(which);
        (!all.is_empty()).then(|| all[self.pick % all.len()])
    }

    pub(crate) fn change(
        &mut self,
        which: impl Fn(&Event) -> bool,
        how: impl Fn(&mut Event),
    ) -> usize {
        let mut changed = 0;
        for event in self.events.iter_mut().filter(|event| which(event)) {
            how(event);
            changed += 1;
        }
        changed
    }

    pub(crate) fn invoke_of(&self, key: u64) -> Event {
        let first = self
            .events
            .iter()
            .find(|event| event.kind == Kind::Invoke && event.key == key);
        *first.expect("a key that was used was invoked")
    }

    /// Where the final readers begin.
    pub(crate) fn end(&self) -> usize {
        let first = self
            .events
            .iter()
            .position(|event| event.kind == Kind::Final);
        first.expect("a history has an end")
    }

    pub(crate) fn head(&self, thread: u32) -> Event {
        let is_head = |event: &&Event| event.action == Action::Head && event.thread == thread;
        *self
            .events
            .iter()
            .find(is_head)
            .expect("a thread has an end")
    }

    /// A send of a person that is in thread 1 to the end: person 1.
    pub(crate) fn fresh_call(&self, kind: Kind) -> Event {
        let session = self
            .events
            .iter()
            .find(|event| event.kind == Kind::Session && event.user == 1);
        let calls = self
            .events
            .iter()
            .map(|event| event.call)
            .max()
            .unwrap_or(0);
        Event {
            session: session.expect("person 1 has devices").session,
            call: calls + 1,
            user: 1,
            thread: 1,
            key: FRESH_KEY,
            ..Event::at(0, kind, Action::Send)
        }
    }

    pub(crate) fn insert_at_end(&mut self, events: &[Event]) {
        let end = self.end();
        let time = self.events[end].time;
        let events = events.iter().map(|event| Event { time, ..*event });
        self.events.splice(end..end, events);
    }

    /// One more entry in a final log, which every device applies and every reader finds.
    pub(crate) fn append(&mut self, entry: Event) {
        let head = self.head(entry.thread);
        let brings = entry.action.brings_message();
        let entry = Event {
            rev: head.rev + 1,
            version: head.rev + 1,
            seq: if brings { head.seq + 1 } else { entry.seq },
            ..entry
        };
        let mut events = vec![];
        let mut applied = vec![];
        let is_gone = |session: u32| {
            let begin = self
                .events
                .iter()
                .find(|event| event.kind == Kind::Session && event.session == session);
            let user = begin.map(|event| event.user);
            let is_last = |event: &Event| event.action == Action::Gone && event.rev == head.rev;
            let mut all = self
                .events
                .iter()
                .filter(|event| is_last(event) && event.thread == entry.thread);
            all.any(|event| Some(event.user) == user)
        };
        for event in &self.events {
            let is_here = event.thread == entry.thread && event.rev == head.rev;
            match event.action {
                Action::Head if is_here => {
                    events.push(Event {
                        kind: Kind::Final,
                        session: event.session,
                        time: event.time,
                        ..entry
                    });
                    events.push(Event {
                        rev: entry.rev,
                        seq: head.seq + u32::from(brings),
                        ..*event
                    });
                    continue;
                }
                Action::Cursor if is_here && !is_gone(event.session) => {
                    applied.push(event.session);
                    events.push(Event {
                        rev: entry.rev,
                        ..*event
                    });
                    continue;
                }
                _ => {}
            }
            events.push(*event);
        }
        self.events = events;
        let everywhere: Vec<_> = applied
            .into_iter()
            .map(|session| Event {
                kind: Kind::Apply,
                session,
                ..entry
            })
            .collect();
        self.insert_at_end(&everywhere);
    }
}

/// Whether somebody sees an entry or a message.
pub(crate) fn is_view(event: &Event) -> bool {
    matches!(
        event.kind,
        Kind::Apply | Kind::Wire | Kind::Row | Kind::Final
    ) && event.action.is_entry()
}
