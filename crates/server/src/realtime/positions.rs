//! Read and delivered positions: collected per person and thread, written together.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::future::join_all;
use semel_core::{Command, Reply, actions::MarkPosition, ports::LedgerError};
use semel_protocol::{Seq, ThreadId, UserId};
use tokio::sync::oneshot;

use crate::app::App;

/// How often positions are written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// Positions that wait.
const WAITING_MAX: usize = 100_000;

/// What became of a position.
pub(super) type Written = Result<Reply, LedgerError>;

#[derive(Default)]
struct Waiting {
    read_seq: Option<Seq>,
    delivered_seq: Option<Seq>,
    /// Those who want to hear of it.
    readers: Vec<oneshot::Sender<Written>>,
}

/// Positions that wait to be written.
pub(super) struct Positions {
    waiting: Mutex<HashMap<(UserId, ThreadId), Waiting>>,
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
        let key = (who.clone(), id);
        if waiting.len() >= WAITING_MAX && !waiting.contains_key(&key) {
            return Err(TooMany);
        }
        change(waiting.entry(key).or_default());
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn flush(&self) {
        let waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        join_all(
            waiting
                .into_iter()
                .map(|((who, thread_id), waiting)| async move {
                    let Waiting {
                        read_seq,
                        delivered_seq,
                        readers,
                    } = waiting;
                    let action = MarkPosition {
                        thread_id,
                        read_seq,
                        delivered_seq,
                    };
                    let command = Command {
                        actor: who,
                        action: action.into(),
                        idempotency: None,
                        request_id: self.app.request_id(),
                    };
                    let written = self.app.submit(command).await;
                    for reader in readers {
                        // The device may have gone.
                        let _ = reader.send(written.clone());
                    }
                }),
        )
        .await;
    }
}

async fn write_now_and_then(positions: Weak<Positions>) {
    loop {
        tokio::time::sleep(WRITE_INTERVAL).await;
        let Some(positions) = positions.upgrade() else {
            return;
        };
        positions.flush().await;
    }
}
