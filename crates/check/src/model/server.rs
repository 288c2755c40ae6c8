//! A server that does everything right.

use rustc_hash::FxHashMap;

use crate::{Action, Event, Kind, event::mix};

pub(super) struct Server {
    /// By thread number; the first is not used.
    pub(super) threads: Vec<Thread>,
    people: u32,
    done: FxHashMap<u64, Answer>,
}

#[derive(Default)]
pub(super) struct Thread {
    pub(super) entries: Vec<Entry>,
    pub(super) messages: Vec<Message>,
    /// By person; the first is not used.
    pub(super) people: Vec<Person>,
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) action: Action,
    pub(super) seq: u32,
    pub(super) user: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) key: u64,
    pub(super) user: u32,
    pub(super) hash: u64,
    pub(super) version: u32,
}

#[derive(Clone, Default)]
pub(super) struct Person {
    /// First and last rev; open while the person is in.
    pub(super) windows: Vec<(u32, Option<u32>)>,
    pub(super) position: u32,
}

/// What a call asks for.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) action: Action,
    pub(super) user: u32,
    pub(super) thread: u32,
    pub(super) key: u64,
    pub(super) hash: u64,
    /// Message that it is about, or position.
    pub(super) seq: u32,
    /// Person that it is about.
    pub(super) person: u32,
    /// Idempotency key of a send.
    pub(super) id: u64,
    pub(super) flags: u8,
}

/// What a call is answered with.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) is_ok: bool,
    pub(super) seq: u32,
    pub(super) rev: u32,
    pub(super) id: u64,
    pub(super) hash: u64,
}

impl Person {
    pub(super) fn is_in(&self) -> bool {
        self.windows.last().is_some_and(|window| window.1.is_none())
    }

    pub(super) fn sees(&self, rev: u32) -> bool {
        let holds = |window: &(u32, Option<u32>)| {
            window.0 <= rev && window.1.is_none_or(|until| rev <= until)
        };
        self.windows.iter().any(holds)
    }
}

impl Thread {
    pub(super) fn head(&self) -> u32 {
        self.entries.len() as u32
    }

    pub(super) fn last_seq(&self) -> u32 {
        self.messages.len() as u32
    }

    /// Whether a person is told entry `rev`: in their time, or a change of a message that came in their time.
    pub(super) fn shows(&self, person: &Person, rev: u32) -> bool {
        let entry = self.entries[rev as usize - 1];
        let is_change = matches!(
            entry.action,
            Action::Edit | Action::Delete | Action::React | Action::Unreact
        );
        let came = || self.entries.iter().position(|it| it.seq == entry.seq);
        let is_of_theirs = || came().is_some_and(|index| person.sees(index as u32 + 1));
        person.sees(rev) || (is_change && is_of_theirs())
    }

    /// Entry `rev` as everybody may see it.
    pub(super) fn entry_event(&self, kind: Kind, thread: u32, rev: u32) -> Event {
        let entry = self.entries[rev as usize - 1];
        let event = Event {
            thread,
            rev,
            user: entry.user,
            seq: entry.seq,
            ..Event::at(0, kind, entry.action)
        };
        match (entry.seq as usize)
            .checked_sub(1)
            .map(|index| self.messages[index])
        {
            Some(message) => Event {
                id: message.id,
                key: message.key,
                hash: message.hash,
                version: message.version,
                ..event
            },
            None => event,
        }
    }

    fn append(&mut self, action: Action, user: u32, seq: u32) -> u32 {
        self.entries.push(Entry { action, seq, user });
        self.head()
    }

    fn say(&mut self, request: &Request, key: u64) -> u32 {
        let seq = self.last_seq() + 1;
        let rev = self.append(request.action, request.user, seq);
        let is_system = request.action != Action::Send;
        self.messages.push(Message {
            id: mix(u64::from(request.thread) << 32 | u64::from(seq)).max(1),
            key,
            user: request.user,
            hash: if is_system {
                mix(u64::from(rev))
            } else {
                request.hash
            },
            version: rev,
        });
        rev
    }
}

impl Server {
    pub(super) fn new(threads: u32, people: u32) -> Self {
        let mut server = Self {
            threads: vec![],
            people,
            done: FxHashMap::default(),
        };
        server
            .threads
            .resize_with(threads as usize + 1, Thread::default);
        server
    }

    pub(super) fn execute(&mut self, request: &Request) -> Answer {
        if let Some(answer) = self.done.get(&request.key) {
            return *answer;
        }
        let answer = self.decide(request);
        // Only requests with an idempotency key keep a refusal; a send may succeed later under its client id.
        if answer.is_ok || request.action != Action::Send || request.id != 0 {
            self.done.insert(request.key, answer);
        }
        answer
    }

    fn decide(&mut self, request: &Request) -> Answer {
        let refusal = Answer {
            is_ok: false,
            seq: 0,
            rev: 0,
            id: 0,
            hash: mix(request.key ^ 1),
        };
        let people = self.people;
        let thread = &mut self.threads[request.thread as usize];
        let is_in = thread
            .people
            .get(request.user as usize)
            .is_some_and(Person::is_in);
        // Content 1 is what this server never takes.
        if (!is_in && request.action != Action::Create) || request.hash == 1 {
            return refusal;
        }
        let Some((seq, rev)) = apply(thread, request, people) else {
            return refusal;
        };
        let id = (seq as usize)
            .checked_sub(1)
            .map_or(0, |index| thread.messages[index].id);
        Answer {
            is_ok: true,
            seq,
            rev,
            id: if request.action == Action::Send {
                id
            } else {
                0
            },
            hash: mix(request.key ^ 2),
        }
    }
}

/// Makes a change; none if it is not allowed. Returns seq and rev.
fn apply(thread: &mut Thread, request: &Request, people: u32) -> Option<(u32, u32)> {
    let person = request.person as usize;
    match request.action {
        Action::Create => {
            if thread.head() == 0 {
                thread.append(Action::Create, request.user, 0);
                let first = Person {
                    windows: vec![(1, None)],
                    position: 0,
                };
                thread.people = vec![first; people as usize + 1];
            }
            Some((0, 1))
        }
        Action::Send => {
            let rev = thread.say(request, request.key);
            Some((thread.last_seq(), rev))
        }
        Action::Edit | Action::Delete | Action::React => {
            let message = *thread.messages.get(request.seq as usize - 1)?;
            if message.key == 0 || message.hash == 0 {
                return None;
            }
            let is_theirs = message.user == request.user;
            if !is_theirs && request.action != Action::React {
                return None;
            }
            let rev = thread.append(request.action, request.user, request.seq);
            let message = &mut thread.messages[request.seq as usize - 1];
            message.version = rev;
            match request.action {
                Action::Edit => message.hash = request.hash,
                Action::Delete => message.hash = 0,
                _ => {}
            }
            Some((request.seq, rev))
        }
        Action::Add => {
            if thread.people[person].is_in() {
                return None;
            }
            let rev = thread.say(request, 0);
            thread.people[person].windows.push((rev, None));
            Some((thread.last_seq(), rev))
        }
        Action::Remove => {
            if !thread.people[person].is_in() {
                return None;
            }
            let rev = thread.say(request, 0);
            thread.people[person].windows.last_mut()?.1 = Some(rev);
            Some((thread.last_seq(), rev))
        }
        Action::Mark => {
            let position = &mut thread.people[request.user as usize].position;
            *position = request.seq.max(*position);
            Some((*position, 0))
        }
        _ => None,
    }
}
