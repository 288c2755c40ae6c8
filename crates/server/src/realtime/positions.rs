//! Read and delivered positions: collected per person and thread, written together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use semel_core::{Command, Reply, actions::MarkPosition, ports::LedgerError};
use semel_protocol::{Seq, ThreadId, UserId};
use tokio::sync::oneshot;

use crate::app::App;

/// How often positions are written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// Positions that wait.
const WAITING_MAX: usize = 100_000;
/// Threads of one person among them.
const WAITING_PER_PERSON_MAX: usize = 1_000;
/// Positions that are in the ledger's queue at a time.
const WRITTEN_AT_ONCE: usize = 64;
/// How long the last write may take.
const FLUSH_TIME: Duration = Duration::from_secs(5);

/// What became of a position.
pub(super) type Written = Result<Reply, LedgerError>;

#[derive(Default)]
struct Waiting {
    read_seq: Option<Seq>,
    delivered_seq: Option<Seq>,
    /// Those who want to hear of it.
    readers: Vec<oneshot::Sender<Written>>,
}

/// What waits, by person.
#[derive(Default)]
struct All {
    people: BTreeMap<UserId, BTreeMap<ThreadId, Waiting>>,
    /// Threads of all of them.
    count: usize,
}

/// Positions that wait to be written.
pub(super) struct Positions {
    waiting: Mutex<All>,
    /// Held while they are written.
    writing: tokio::sync::Mutex<()>,
    app: Arc<App>,
}

/// Too many positions wait.
#[derive(Debug)]
pub(super) struct TooMany;

impl Positions {
    /// Collects, and writes from time to time for as long as it is held.
    pub(super) fn start(app: Arc<App>) -> Arc<Self> {
        let positions = Arc::new(Self {
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            app,
        });
        tokio::spawn(write_now_and_then(Arc::downgrade(&positions)));
        positions
    }

    /// Notes how far somebody has read. The greatest wins; the answer comes after the write.
    pub(super) fn read(
        &self,
        who: &UserId,
        id: ThreadId,
        seq: Seq,
    ) -> Result<oneshot::Receiver<Written>, TooMany> {
        let (reader, written) = oneshot::channel();
        self.note(who, id, |waiting| {
            waiting.read_seq = waiting.read_seq.max(Some(seq));
            waiting.readers.push(reader);
        })?;
        Ok(written)
    }

    /// Notes what has reached somebody. Best effort.
    pub(super) fn delivered(&self, who: &UserId, id: ThreadId, seq: Seq) -> Result<(), TooMany> {
        self.note(who, id, |waiting| {
            waiting.delivered_seq = waiting.delivered_seq.max(Some(seq));
        })
    }

    fn note(
        &self,
        who: &UserId,
        id: ThreadId,
        change: impl FnOnce(&mut Waiting),
    ) -> Result<(), TooMany> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let All { people, count } = &mut *waiting;
        let threads = people.entry(who.clone()).or_default();
        if !threads.contains_key(&id) {
            if threads.len() >= WAITING_PER_PERSON_MAX || *count >= WAITING_MAX {
                return Err(TooMany);
            }
            *count += 1;
        }
        change(threads.entry(id).or_default());
        Ok(())
    }

    /// Writes what waits, as far as the store lets it within a few seconds.
    pub(super) async fn flush(&self) {
        if tokio::time::timeout(FLUSH_TIME, self.write())
            .await
            .is_err()
        {
            tracing::warn!("not all positions were written in time");
        }
    }

    /// Writes what waits, a few at a time: the ledger's queue belongs to what people send.
    async fn write(&self) {
        // Who comes second goes on when the first is done with what it took.
        let _turn = self.writing.lock().await;
        let All { people, .. } = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let all = people.into_iter().flat_map(|(who, threads)| {
            let of_thread = move |(id, waiting)| (who.clone(), id, waiting);
            threads.into_iter().map(of_thread)
        });
        // First those that somebody waits for.
        let (asked, told): (Vec<_>, Vec<_>) =
            all.partition(|(_, _, waiting)| !waiting.readers.is_empty());
        stream::iter(asked.into_iter().chain(told))
            .for_each_concurrent(WRITTEN_AT_ONCE, |(who, id, waiting)| {
                self.write_one(who, id, waiting)
            })
            .await;
    }

    async fn write_one(&self, who: UserId, thread_id: ThreadId, waiting: Waiting) {
        let action = MarkPosition {
            thread_id,
            read_seq: waiting.read_seq,
            delivered_seq: waiting.delivered_seq,
        };
        let command = Command {
            actor: who,
            action: action.into(),
            idempotency: None,
            request_id: self.app.request_id(),
        };
        let written = self.app.submit(command).await;
        for reader in waiting.readers {
            // The device may have gone.
            let _ = reader.send(written.clone());
        }
    }
}

async fn write_now_and_then(positions: Weak<Positions>) {
    loop {
        tokio::time::sleep(WRITE_INTERVAL).await;
        let Some(positions) = positions.upgrade() else {
            return;
        };
        positions.write().await;
    }
}

#[cfg(test)]
mod tests;
