//! What a device keeps, so that a crash neither loses nor doubles anything.
//!
//! Invariant: a message is kept before it is first sent, and taken out only after its answer was read. A crash in between
//! means that it is sent again, with the same client id, which is always safe.
//! Invariant: a place in a log is kept together with the entry that leads to it. What an application has to know after a
//! crash is what its store kept of the entries; notes that it had not read are gone.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use semel_protocol::{ClientId, Entry, Message, ThreadId};
use tokio::time::Instant;

use crate::{Destination, Timeline};

/// Hours for which an acknowledged message is kept, to be offered again when the server was restored from a backup.
pub const ACKNOWLEDGED_HOURS_MAX: u64 = 24;
/// Acknowledged messages that are kept; the oldest go first.
pub const ACKNOWLEDGED_MESSAGES_MAX: usize = 2_000;

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Made before it was kept.
    pub client_id: ClientId,
    /// Where it goes.
    pub destination: Destination,
    /// The words.
    pub content: String,
}

/// What a session begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Messages without a final answer, in the order in which they are to be stored.
    pub outgoing: Vec<Outgoing>,
    /// Places in logs.
    pub timelines: BTreeMap<ThreadId, Timeline>,
    /// Place in the person's own log.
    pub since: Option<u64>,
    /// The database that all of this is about.
    pub incarnation: Option<String>,
}

/// What is kept cannot be read or written. The session ends; the next one goes on from what is kept.
#[derive(Debug, thiserror::Error)]
#[error("what the device keeps cannot be read or written")]
pub struct StoreError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What outlives a session. Every call is done or not done, also when the program dies in its middle. One session uses a
/// store at a time.
#[async_trait]
pub trait Store: Send + Sync {
    /// Everything that a new session begins with.
    async fn load(&self) -> Result<Kept, StoreError>;

    /// Keeps a message behind the others. One that is in the outbox already stays as it is.
    async fn keep(&self, message: &Outgoing) -> Result<(), StoreError>;

    /// These messages are stored: they leave the outbox, and are remembered for [`ACKNOWLEDGED_HOURS_MAX`]. Those that are
    /// not in the outbox are ignored.
    async fn acknowledged(&self, client_ids: &[ClientId]) -> Result<(), StoreError>;

    /// These messages are refused for good: they leave the outbox.
    async fn forget(&self, client_ids: &[ClientId]) -> Result<(), StoreError>;

    /// The server's database is this one. When another one was known, it was restored from a backup: `since` is void, and
    /// what was acknowledged within [`ACKNOWLEDGED_HOURS_MAX`] is back in the outbox, in its old order and before
    /// everything else. Returns what came back.
    async fn begin(&self, incarnation: &str) -> Result<Vec<Outgoing>, StoreError>;

    /// A whole `sync` was taken, and this is the place in the person's own log.
    async fn synced(&self, since: u64) -> Result<(), StoreError>;

    /// The next entry of a log is about to be handed to the application, and `timeline` is the place behind it. A store
    /// that keeps the log writes both at once.
    async fn applied(&self, timeline: &Timeline, entry: &Entry) -> Result<(), StoreError>;

    /// The log goes on at `timeline`, with these messages before it.
    async fn reset(
        &self,
        thread_id: ThreadId,
        timeline: &Timeline,
        messages: &[Message],
    ) -> Result<(), StoreError>;

    /// The person is not in this thread any more.
    async fn left(&self, thread_id: ThreadId) -> Result<(), StoreError>;
}

/// Keeps everything in memory: outlives a session, but not the program. Hours are those of tokio's clock.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By a number that grows with every message; what is offered again has numbers before all others.
    outgoing: BTreeMap<i64, Outgoing>,
    /// For looking up only.
    numbers: HashMap<ClientId, i64>,
    acknowledged: VecDeque<(Instant, Outgoing)>,
    /// Of `acknowledged`.
    acknowledged_ids: HashSet<ClientId>,
    timelines: BTreeMap<ThreadId, Timeline>,
    since: Option<u64>,
    incarnation: Option<String>,
}

impl MemoryStore {
    /// With nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is in it now.
    pub fn kept(&self) -> Kept {
        let state = self.state();
        Kept {
            outgoing: state.outgoing.values().cloned().collect(),
            timelines: state.timelines.clone(),
            since: state.since,
            incarnation: state.incarnation.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_out(&mut self, client_id: ClientId) -> Option<Outgoing> {
        let number = self.numbers.remove(&client_id)?;
        self.outgoing.remove(&number)
    }

    fn acknowledge(&mut self, message: Outgoing, now: Instant) {
        if self.acknowledged_ids.insert(message.client_id) {
            self.acknowledged.push_back((now, message));
        }
        self.forget_old(now);
    }

    fn forget_old(&mut self, now: Instant) {
        let limit = Duration::from_hours(ACKNOWLEDGED_HOURS_MAX);
        while let Some((then, message)) = self.acknowledged.front()
            && (self.acknowledged.len() > ACKNOWLEDGED_MESSAGES_MAX
                || now.duration_since(*then) > limit)
        {
            self.acknowledged_ids.remove(&message.client_id);
            self.acknowledged.pop_front();
        }
    }

    fn put_first(&mut self, messages: &[Outgoing]) {
        for message in messages {
            self.take_out(message.client_id);
        }
        let first = self.outgoing.keys().next().copied().unwrap_or(0);
        for (message, number) in messages.iter().zip(first - messages.len() as i64..) {
            self.numbers.insert(message.client_id, number);
            self.outgoing.insert(number, message.clone());
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self) -> Result<Kept, StoreError> {
        Ok(self.kept())
    }

    async fn keep(&self, message: &Outgoing) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.numbers.contains_key(&message.client_id) {
            return Ok(());
        }
        let last = state.outgoing.keys().next_back().copied();
        let number = last.map_or(0, |last| last + 1);
        state.numbers.insert(message.client_id, number);
        state.outgoing.insert(number, message.clone());
        Ok(())
    }

    async fn acknowledged(&self, client_ids: &[ClientId]) -> Result<(), StoreError> {
        let mut state = self.state();
        for client_id in client_ids {
            if let Some(message) = state.take_out(*client_id) {
                state.acknowledge(message, Instant::now());
            }
        }
        Ok(())
    }

    async fn forget(&self, client_ids: &[ClientId]) -> Result<(), StoreError> {
        let mut state = self.state();
        for client_id in client_ids {
            state.take_out(*client_id);
        }
        Ok(())
    }

    async fn begin(&self, incarnation: &str) -> Result<Vec<Outgoing>, StoreError> {
        let mut state = self.state();
        let known = state.incarnation.replace(incarnation.to_owned());
        if known.is_none_or(|known| known == incarnation) {
            return Ok(Vec::new());
        }
        state.since = None;
        state.forget_old(Instant::now());
        state.acknowledged_ids.clear();
        let again = std::mem::take(&mut state.acknowledged);
        let again: Vec<_> = again.into_iter().map(|(_, message)| message).collect();
        state.put_first(&again);
        Ok(again)
    }

    async fn synced(&self, since: u64) -> Result<(), StoreError> {
        self.state().since = Some(since);
        Ok(())
    }

    async fn applied(&self, timeline: &Timeline, entry: &Entry) -> Result<(), StoreError> {
        let mut state = self.state();
        state.timelines.insert(entry.thread_id, timeline.clone());
        Ok(())
    }

    async fn reset(
        &self,
        thread_id: ThreadId,
        timeline: &Timeline,
        _messages: &[Message],
    ) -> Result<(), StoreError> {
        self.state().timelines.insert(thread_id, timeline.clone());
        Ok(())
    }

    async fn left(&self, thread_id: ThreadId) -> Result<(), StoreError> {
        self.state().timelines.remove(&thread_id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn message(number: u128) -> Outgoing {
        Outgoing {
            client_id: ClientId(Uuid::from_u128(number)),
            destination: Destination::Thread(ThreadId(Uuid::from_u128(7))),
            content: number.to_string(),
        }
    }

    async fn say(store: &MemoryStore, number: u128) {
        let message = message(number);
        store.keep(&message).await.unwrap();
        store.acknowledged(&[message.client_id]).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_acknowledged_comes_back_before_everything_else_when_the_database_is_another()
    {
        let store = MemoryStore::new();
        assert_eq!(store.begin("a").await.unwrap(), []);
        store.synced(5).await.unwrap();
        say(&store, 1).await;
        say(&store, 2).await;
        store.keep(&message(3)).await.unwrap();
        store.keep(&message(4)).await.unwrap();
        store.forget(&[message(4).client_id]).await.unwrap();
        assert_eq!(store.begin("a").await.unwrap(), []);
        assert_eq!(store.kept().outgoing, [message(3)]);
        assert_eq!(store.begin("b").await.unwrap(), [message(1), message(2)]);
        let kept = store.kept();
        assert_eq!(kept.outgoing, [message(1), message(2), message(3)]);
        assert_eq!((kept.since, kept.incarnation), (None, Some("b".to_owned())));
        assert_eq!(store.begin("b").await.unwrap(), [], "only once");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_acknowledged_is_remembered_for_a_day_and_up_to_a_number() {
        let store = MemoryStore::new();
        store.begin("a").await.unwrap();
        say(&store, 1).await;
        tokio::time::advance(Duration::from_hours(2)).await;
        say(&store, 2).await;
        tokio::time::advance(Duration::from_hours(ACKNOWLEDGED_HOURS_MAX - 1)).await;
        assert_eq!(store.begin("b").await.unwrap(), [message(2)]);

        let store = MemoryStore::new();
        store.begin("a").await.unwrap();
        let count = ACKNOWLEDGED_MESSAGES_MAX as u128;
        for number in 1..=count + 1 {
            say(&store, number).await;
        }
        let again = store.begin("b").await.unwrap();
        assert_eq!(again.len(), ACKNOWLEDGED_MESSAGES_MAX);
        assert_eq!(
            (&again[0], again.last()),
            (&message(2), Some(&message(count + 1)))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_kept_once() {
        let store = MemoryStore::new();
        store.keep(&message(1)).await.unwrap();
        store.keep(&message(2)).await.unwrap();
        store.keep(&message(1)).await.unwrap();
        assert_eq!(store.kept().outgoing, [message(1), message(2)]);
        store.begin("a").await.unwrap();
        say(&store, 1).await;
        say(&store, 1).await;
        assert_eq!(store.begin("b").await.unwrap(), [message(1)]);
        assert_eq!(store.kept().outgoing, [message(1), message(2)]);
    }
}
