//! What was missed because the store was away, from the store.

use std::{collections::BTreeMap, sync::Arc};

use semel_core::{
    Key,
    ports::LedgerError,
    queries,
    row::{EntryRow, MessageRow},
};
use semel_protocol::{
    Rev, ThreadId,
    limits::{PAGE_ENTRIES_MAX, PAGE_ROWS_DEFAULT},
    socket::{Heads, from_server},
};

use super::{Hub, elsewhere::with_messages, follow::Reached, task::Pending};
use crate::realtime::packet;

impl Hub {
    /// Compares every known thread with the store and delivers what is missing; then tells everybody the heads of their
    /// newest threads, for those that are not known here.
    pub(super) async fn catch_up_all(self: &Arc<Self>, pending: &mut Pending) {
        pending.in_doubt.extend(self.threads().doubt_all());
        self.clear_doubts(pending).await;
        tokio::spawn(self.clone().tell_newest_heads());
    }

    /// Loads the threads whose people are in doubt and delivers what was not told of them meanwhile.
    pub(super) async fn clear_doubts(&self, pending: &mut Pending) {
        let ids: Vec<_> = pending.in_doubt.iter().copied().collect();
        for id in ids {
            if let Err(error) = self.clear_doubt(id, pending).await {
                // It will answer no better now for the others: soon again.
                tracing::warn!(%error, thread_id = %id, "failed to catch up");
                return;
            }
            pending.in_doubt.remove(&id);
        }
    }

    async fn clear_doubt(&self, id: ThreadId, pending: &mut Pending) -> Result<(), LedgerError> {
        if !self.refresh(id).await? {
            return Ok(());
        }
        let known = self.threads().get(id).map(|live| {
            let head = live.head.last_rev;
            (live.delivered, head)
        });
        let Some((delivered, head)) = known else {
            return Ok(());
        };
        if let Some(delivered) = delivered.filter(|delivered| *delivered < head) {
            self.catch_up(id, delivered + 1, head).await?;
        }
        pending.lists.insert(id);
        // With nothing delivered yet, the heads are all that devices hear of what was not told.
        pending.moved.insert(id, head);
        Ok(())
    }

    /// Delivers entries `first..=last` of a thread, whose people are known, from the store. If that fails, its people are in
    /// doubt again: nothing may come after what is missing.
    pub(super) async fn catch_up(
        &self,
        id: ThreadId,
        first: Rev,
        last: Rev,
    ) -> Result<(), LedgerError> {
        if last - first >= PAGE_ENTRIES_MAX as u64 {
            self.tell_head(id, first, last);
            return Ok(());
        }
        let limit = (last - first + 1) as usize;
        let entries = match self.entries(id, first - 1, limit).await {
            Ok(entries) => entries,
            Err(error) => {
                if let Some(live) = self.threads().get(id) {
                    live.is_in_doubt = true;
                }
                return Err(error);
            }
        };
        if let Some(live) = self.threads().get(id) {
            for (entry, about) in &entries {
                self.tell(live, entry, about.as_ref());
            }
        }
        Ok(())
    }

    /// Instead of very many entries: where they end, to everybody who may see any of them.
    pub(super) fn tell_head(&self, id: ThreadId, first: Rev, last: Rev) {
        let heads = Heads {
            heads: [(id, last)].into(),
        };
        let frame = packet::event(from_server::HEADS, &heads);
        let mut threads = self.threads();
        let Some(live) = threads.get(id) else { return };
        for (who, row) in &live.people {
            let was_in = row
                .periods
                .iter()
                .any(|period| period.until_rev.is_none_or(|until| until >= first));
            if was_in {
                self.people.push(who, &frame);
            }
        }
        live.delivered = Some(last);
        live.last_message = None;
        let epoch = live.thread.epoch;
        self.note_told(id, Reached { epoch, rev: last });
    }

    /// Entries of a thread with their messages, whoever may see them.
    async fn entries(
        &self,
        id: ThreadId,
        after: Rev,
        limit: usize,
    ) -> Result<Vec<(EntryRow, Option<MessageRow>)>, LedgerError> {
        let asked =
            self.ask_first(move |rows| with_messages(rows, id, Key::Entries(id, after, limit)));
        // It refuses nobody.
        Ok(asked.await?.unwrap_or_default())
    }

    async fn tell_newest_heads(self: Arc<Self>) {
        for who in self.people.all() {
            while self.people.is_connected(&who) {
                let actor = who.clone();
                let asked = self
                    .ask_first(move |rows| queries::threads(rows, &actor, None, PAGE_ROWS_DEFAULT));
                let threads = match asked.await {
                    Ok(threads) => threads.unwrap_or_default(),
                    Err(LedgerError::Closing) => return,
                    Err(error) => {
                        tracing::warn!(%error, "failed to tell heads");
                        tokio::time::sleep(self.rhythm.soon).await;
                        continue;
                    }
                };
                let heads = threads
                    .iter()
                    .map(|view| (view.thread.id, view.head.last_rev));
                let heads: BTreeMap<ThreadId, Rev> = heads.collect();
                let heads = Heads { heads };
                self.people
                    .push(&who, &packet::event(from_server::HEADS, &heads));
                break;
            }
        }
    }
}
