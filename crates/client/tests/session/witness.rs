//! A witness that writes everything down as text, and a store that can stand still at one point.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use semel_client::{
    Attempt, Kept, MemoryStore, Outcome, Outgoing, Store, StoreError, Timeline, Witness,
};
use semel_protocol::{ClientId, Entry, Message, Problem, Rev, ThreadId, entry::EntryBody};
use tokio::sync::watch;

/// What a session did and saw, a line each.
#[derive(Default)]
pub(crate) struct Notebook {
    lines: Mutex<Vec<String>>,
    attempts: AtomicU64,
}

impl Notebook {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Lines of one kind, without it.
    pub(crate) fn of(&self, kind: &str) -> Vec<String> {
        let lines = self.lines();
        let rest = |line: &String| Some(line.strip_prefix(kind)?.trim_start().to_owned());
        lines.iter().filter_map(rest).collect()
    }

    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }
}

fn words(entry: &Entry) -> &str {
    match &entry.body {
        EntryBody::Message { message } => &message.content,
        _ => "",
    }
}

fn refusal(problem: &Problem) -> &'static str {
    problem.code.as_str()
}

impl Witness for Notebook {
    fn attempt(&self, attempt: &Attempt<'_>) -> u64 {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        assert!(attempt.in_order, "all that is sent here goes to a thread");
        let (content, nth) = (attempt.content, attempt.number);
        self.write(format!("attempt {number} {content} {nth}"));
        number
    }

    fn outcome(&self, attempt: u64, outcome: Outcome<'_>) {
        let what = match outcome {
            Outcome::Stored(stored) if stored.is_duplicate == Some(true) => "duplicate",
            Outcome::Stored(_) => "stored",
            Outcome::Refused(problem) => refusal(problem),
            Outcome::Lost => "lost",
            Outcome::Unreadable => "unreadable",
        };
        self.write(format!("outcome {attempt} {what}"));
    }

    fn arrival(&self, entry: &Entry) {
        self.write(format!("arrival {} {}", entry.rev, words(entry)));
    }

    fn apply(&self, entry: &Entry) {
        self.write(format!("apply {} {}", entry.rev, words(entry)));
    }

    fn reset(&self, _: ThreadId, epoch: u64, head_rev: Rev) {
        self.write(format!("reset {epoch} {head_rev}"));
    }

    fn left(&self, thread_id: ThreadId) {
        self.write(format!("left {thread_id}"));
    }
}

/// A store that never comes back from `acknowledged` while it is shut: there the device dies.
#[derive(Default)]
pub(crate) struct Trap {
    pub(crate) inner: Arc<MemoryStore>,
    pub(crate) is_shut: Mutex<bool>,
    pub(crate) caught: watch::Sender<bool>,
    /// Refuses to keep anything.
    pub(crate) is_broken: Mutex<bool>,
}

#[async_trait]
impl Store for Trap {
    async fn load(&self) -> Result<Kept, StoreError> {
        self.inner.load().await
    }

    async fn keep(&self, message: &Outgoing) -> Result<(), StoreError> {
        if *self.is_broken.lock().unwrap() {
            return Err(StoreError("the disk is full".into()));
        }
        self.inner.keep(message).await
    }

    async fn acknowledged(&self, client_ids: &[ClientId]) -> Result<(), StoreError> {
        if *self.is_shut.lock().unwrap() {
            self.caught.send_replace(true);
            std::future::pending::<()>().await;
        }
        self.inner.acknowledged(client_ids).await
    }

    async fn forget(&self, client_ids: &[ClientId]) -> Result<(), StoreError> {
        self.inner.forget(client_ids).await
    }

    async fn begin(&self, incarnation: &str) -> Result<Vec<Outgoing>, StoreError> {
        self.inner.begin(incarnation).await
    }

    async fn synced(&self, since: u64) -> Result<(), StoreError> {
        self.inner.synced(since).await
    }

    async fn applied(&self, timeline: &Timeline, entry: &Entry) -> Result<(), StoreError> {
        self.inner.applied(timeline, entry).await
    }

    async fn reset(
        &self,
        thread_id: ThreadId,
        timeline: &Timeline,
        messages: &[Message],
    ) -> Result<(), StoreError> {
        self.inner.reset(thread_id, timeline, messages).await
    }

    async fn left(&self, thread_id: ThreadId) -> Result<(), StoreError> {
        self.inner.left(thread_id).await
    }
}
