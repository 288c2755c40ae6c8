//! What was missed because the store was away, from the store.

use std::{collections::BTreeMap, sync::Arc};

use semel_core::{
    Key,
    ports::LedgerError,
    queries,
    row::{EntryRow, MessageRow},
};
use semel_protocol::{
    Rev, ThreadId, UserId,
    limits::{PAGE_ENTRIES_MAX, PAGE_ROWS_DEFAULT},
    socket::{Heads, from_server},
};

use super::{Hub, find::with_messages, follow::Reached, task::Pending};
use crate::realtime::packet;

impl Hub {
    /// Compares every known thread with the store and delivers what is missing; then tells everybody the heads of their
    /// newest threads, for those that are not known here.
    pub(super) async fn catch_up_all(self: &Arc<Self>, pending: &mut Pending) {
        for id in self.threads().doubt_all() {
            pending.in_doubt.entry(id).or_insert(PAGE_ENTRIES_MAX);
        }
        self.clear_doubts(pending).await;
        tokio::spawn(self.clone().tell_newest_heads());
    }

    /// Loads the threads whose people are in doubt and delivers what was not told of them meanwhile.
    pub(super) async fn clear_doubts(&self, pending: &mut Pending) {
        let in_vain = pending.in_vain.take();
        let mut ids: Vec<_> = pending.in_doubt.keys().copied().collect();
        // The one at which the store did not answer the last time comes last.
        let begin = ids.partition_point(|id| Some(*id) <= in_vain);
        ids.rotate_left(begin);
        for id in ids {
            match self.clear_doubt(id, pending).await {
                Ok(()) => drop(pending.in_doubt.remove(&id)),
                Err(error @ LedgerError::Internal(_)) => {
                    tracing::error!(%error, thread_id = %id, "failed to load who is in a thread");
                }
                Err(error) => {
                    // It will answer no better now for the others: soon again, and less of this one.
                    tracing::warn!(%error, thread_id = %id, "failed to catch up");
                    let at_once = pending.in_doubt.entry(id).or_insert(PAGE_ENTRIES_MAX);
                    *at_once = (*at_once / 2).max(1);
                    pending.in_vain = Some(id);
                    return;
                }
            }
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
            let at_once = pending.in_doubt.get(&id).copied();
            let at_once = at_once.unwrap_or(PAGE_ENTRIES_MAX);
            self.catch_up(id, delivered + 1, head, at_once).await?;
        }
        pending.lists.insert(id);
        // With nothing delivered yet, the heads are all that devices hear of what was not told.
        pending.moved.insert(id, head);
        Ok(())
    }

    /// Delivers entries `first..=last` of a thread, whose people are known, from the store, some at a time. If that fails, its
    /// people are in doubt again: nothing may come after what is missing. Of what cannot be read is told where it ends.
    pub(super) async fn catch_up(
        &self,
        id: ThreadId,
        first: Rev,
        last: Rev,
        at_once: usize,
    ) -> Result<(), LedgerError> {
        if last - first >= PAGE_ENTRIES_MAX as u64 {
            self.tell_head(id, first, last);
            return Ok(());
        }
        let mut next = first;
        while next <= last {
            let limit = at_once.min((last - next + 1) as usize);
            let entries = match self.entries(id, next - 1, limit).await {
                Ok(entries) => entries,
                Err(error @ LedgerError::Internal(_)) => {
                    tracing::error!(%error, thread_id = %id, "failed to read what is to be told");
                    self.tell_head(id, next, last);
                    return Ok(());
                }
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
            next += limit as u64;
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

    /// To one person: where a thread is, so that their devices fetch what they were not told.
    pub(super) fn tell_head_to(&self, who: &UserId, id: ThreadId, last: Rev) {
        let heads = Heads {
            heads: [(id, last)].into(),
        };
        self.people
            .push(who, &packet::event(from_server::HEADS, &heads));
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
