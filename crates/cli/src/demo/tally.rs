//! What was done and what came of it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use semel_protocol::{ClientId, Message, ThreadId};

use super::script::Who;

/// Counted while the log is played.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Requests over HTTP that carried a message or a change, repeats included.
    pub(super) http_attempts: AtomicU64,
    /// Answers that said: this message was there.
    pub(super) absorbed_by_client_id: AtomicU64,
    /// Answers that were replays.
    pub(super) absorbed_by_key: AtomicU64,
    /// Conversations that were found instead of made.
    pub(super) absorbed_by_people: AtomicU64,
    acknowledged: Mutex<Vec<Acknowledged>>,
    complaints: Mutex<Vec<String>>,
}

/// A message that the server said it has.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    pub(super) who: Who,
    pub(super) thread_id: ThreadId,
    pub(super) client_id: ClientId,
    pub(super) seq: u64,
    pub(super) content: String,
}

impl Tally {
    /// A message is acknowledged; `content` is what was sent.
    pub(super) fn acknowledge(
        &self,
        who: Who,
        client_id: ClientId,
        content: &str,
        message: &Message,
    ) {
        let line = Acknowledged {
            who,
            thread_id: message.thread_id,
            client_id,
            seq: message.seq,
            content: content.to_owned(),
        };
        lock(&self.acknowledged).push(line);
    }

    /// Something is not as it should be.
    pub(super) fn complain(&self, what: String) {
        lock(&self.complaints).push(what);
    }

    /// Everything acknowledged; of each person in the order in which they said it.
    pub(super) fn acknowledged(&self) -> Vec<Acknowledged> {
        lock(&self.acknowledged).clone()
    }

    /// What is not as it should be.
    pub(super) fn complaints(&self) -> Vec<String> {
        lock(&self.complaints).clone()
    }
}

/// Counts one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Reads a count.
pub(super) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
