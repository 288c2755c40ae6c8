//! Numbers for people, threads, sessions, calls and faults, given out densely, and what they stand for.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use rustc_hash::FxHashMap;
use semel_check::{Action, Event};
use semel_protocol::{ThreadId, UserId};

/// The epoch of a thread whose log was never replaced.
const EPOCH_FIRST: u64 = 1;
/// Parts of the table of claims, each with its own lock.
const CLAIM_SHARDS: usize = 16;

#[derive(Debug)]
pub(super) struct Numbers {
    people: Mutex<FxHashMap<UserId, u32>>,
    threads: Mutex<Threads>,
    sessions: AtomicU32,
    calls: AtomicU32,
    names: Mutex<Vec<Event>>,
    /// Which request was answered with which entry, by thread number and rev.
    claims: Vec<Mutex<FxHashMap<(u32, u32), u64>>>,
}

#[derive(Debug, Default)]
struct Threads {
    by_epoch: FxHashMap<(ThreadId, u64), u32>,
    newest: FxHashMap<ThreadId, u32>,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self {
            people: Mutex::default(),
            threads: Mutex::default(),
            sessions: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            names: Mutex::default(),
            claims: (0..CLAIM_SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    pub(super) fn user(&self, user: &UserId) -> u32 {
        let mut people = locked(&self.people);
        if let Some(number) = people.get(user) {
            return *number;
        }
        let number = people.len() as u32 + 1;
        people.insert(user.clone(), number);
        self.name(Action::User, number, user.as_str());
        number
    }

    /// A thread's log of one epoch.
    pub(super) fn thread(&self, thread: ThreadId, epoch: u64) -> u32 {
        let mut threads = locked(&self.threads);
        if let Some(number) = threads.by_epoch.get(&(thread, epoch)) {
            return *number;
        }
        let number = threads.by_epoch.len() as u32 + 1;
        threads.by_epoch.insert((thread, epoch), number);
        threads.newest.insert(thread, number);
        let name = match epoch {
            EPOCH_FIRST => thread.to_string(),
            _ => format!("{thread} epoch {epoch}"),
        };
        self.name(Action::Thread, number, &name);
        number
    }

    /// A thread's log of the newest epoch that anybody has seen.
    pub(super) fn newest_thread(&self, thread: ThreadId) -> u32 {
        let known = locked(&self.threads).newest.get(&thread).copied();
        known.unwrap_or_else(|| self.thread(thread, EPOCH_FIRST))
    }

    pub(super) fn session(&self, name: &str) -> u32 {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        self.name(Action::Device, number, name);
        number
    }

    pub(super) fn call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn name(&self, what: Action, number: u32, text: &str) {
        locked(&self.names).extend(Event::names(what, number, text));
    }

    pub(super) fn names(&self) -> Vec<Event> {
        locked(&self.names).clone()
    }

    /// Whether an answer that shows this entry as the newest change is the answer of the call that made it: the first
    /// request that is answered with it. Another one found that there was nothing to do.
    pub(super) fn is_own(&self, thread: u32, rev: u32, key: u64) -> bool {
        let shard = &self.claims[rev as usize % CLAIM_SHARDS];
        *locked(shard).entry((thread, rev)).or_insert(key) == key
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
