//! What the hub was told while it had no time to listen: which threads moved, of which the store has the rest.
//!
//! Invariant: whoever tells the hub never waits, and what is kept has a limit.
//! Invariant: while something is kept, everything that comes is kept as well, so that nothing overtakes it.

use std::{collections::BTreeMap, sync::Arc};

use semel_core::ports::{LedgerError, News};
use semel_protocol::{Rev, ThreadId, limits::PAGE_ENTRIES_MAX};
use tokio::sync::mpsc::error::TrySendError;

use super::{
    Hub,
    elsewhere::SEATS_AT_ONCE,
    follow::Reached,
    portions::Portions,
    task::{Event, Pending},
};
use crate::bus::{HINTS_MAX, Hints, hints};

/// What was told and not taken. Empty as long as the hub keeps up.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// Up to where threads moved, and what else there is to look at.
    hints: Hints,
    /// The first entry of each of those threads that is to be told.
    first: BTreeMap<ThreadId, Rev>,
    /// The store was away, or more was told than is kept: all that is known is compared with the store.
    is_all: bool,
}

impl Behind {
    fn is_empty(&self) -> bool {
        !self.is_all && self.hints.is_empty()
    }

    fn keep(&mut self, news: &News) {
        for (entry, _) in &news.entries {
            let id = entry.thread_id;
            if self.first.len() < HINTS_MAX || self.first.contains_key(&id) {
                let first = self.first.entry(id).or_insert(entry.rev);
                *first = entry.rev.min(*first);
            }
        }
        self.is_all |= self.hints.merge(Hints::of(news)) > 0;
    }

    /// Takes back what could not be made up for.
    fn put_back(&mut self, other: Self) {
        for (id, rev) in other.first {
            let first = self.first.entry(id).or_insert(rev);
            *first = rev.min(*first);
        }
        self.is_all |= other.is_all | (self.hints.merge(other.hints) > 0);
    }
}

impl Hub {
    /// Takes what was committed, for the task of the hub. Never waits: it is called where the next commit would wait too.
    pub(super) fn hear_news(&self, news: News) {
        let mut behind = self.behind();
        if !behind.is_empty() {
            return behind.keep(&news);
        }
        match self.news.try_send(Event::News(news)) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(event)) => {
                tracing::warn!("delivery is behind: what comes now is told from the store");
                metrics::counter!("semel_hub_behind_total").increment(1);
                if let Event::News(news) = event {
                    behind.keep(&news);
                }
            }
        }
    }

    /// The store was away and is back.
    pub(super) fn hear_recovery(&self) {
        let mut behind = self.behind();
        if !behind.is_empty()
            || matches!(
                self.news.try_send(Event::Recovered),
                Err(TrySendError::Full(_))
            )
        {
            behind.is_all = true;
        }
    }

    /// On the hub's task, when nothing waits any more: tells from the store what was kept. What the store does not answer now
    /// is tried again soon.
    pub(super) async fn make_up(self: &Arc<Self>, pending: &mut Pending) {
        let behind = std::mem::take(&mut *self.behind());
        if behind.is_empty() {
            return;
        }
        if let Some(shared) = &self.shared {
            shared.bus.tell(behind.hints.clone());
        }
        if self.people.read(std::collections::HashMap::is_empty) {
            return self.make_up_for_nobody(&behind, pending);
        }
        match self.make_up_for(behind, pending).await {
            Ok(()) => tracing::info!("delivery has caught up"),
            Err((_, LedgerError::Closing)) => {}
            Err((left, error)) => {
                tracing::warn!(%error, "failed to catch up with what was committed");
                self.behind().put_back(left);
            }
        }
    }

    /// Whoever comes syncs.
    fn make_up_for_nobody(&self, behind: &Behind, pending: &mut Pending) {
        for (id, (epoch, rev)) in &behind.hints.moved {
            let place = Reached {
                epoch: *epoch,
                rev: *rev,
            };
            self.note_told(*id, place);
        }
        self.threads().clear();
        pending.in_doubt.clear();
    }

    /// What is left, and why, when the store does not answer.
    async fn make_up_for(
        self: &Arc<Self>,
        mut behind: Behind,
        pending: &mut Pending,
    ) -> Result<(), (Behind, LedgerError)> {
        if std::mem::take(&mut behind.is_all) {
            self.catch_up_all(pending).await;
            if let Some(shared) = &self.shared {
                shared.look_now.notify_one();
            }
        }
        for line in std::mem::take(&mut behind.hints.own) {
            self.note_own(hints::line(line));
        }
        while let Some((id, (epoch, rev))) = behind.hints.moved.pop_first() {
            // Without one it was too much to be kept; then all is compared, too.
            let first = behind.first.get(&id).copied().unwrap_or(rev);
            let made_up = self.make_up_thread(id, epoch, first, pending).await;
            let is_known = |hub: &Self| {
                let mut threads = hub.threads();
                threads.get(id).is_some_and(|live| live.delivered.is_some())
            };
            match made_up {
                Ok(()) => {}
                Err(LedgerError::Internal(error)) => {
                    tracing::error!(error, thread_id = %id, "failed to catch up with a thread");
                    self.doubt(id, pending);
                }
                Err(error) => {
                    if is_known(self) {
                        self.doubt(id, pending);
                    } else {
                        behind.hints.moved.insert(id, (epoch, rev));
                    }
                    return Err((behind, error));
                }
            }
        }
        let seats = std::mem::take(&mut behind.hints.positions);
        let mut seats = Portions::new(seats, SEATS_AT_ONCE);
        while let Some(some) = seats.next() {
            let found = self.positions(some.clone()).await;
            let found = seats
                .take(some, found)
                .map_err(|error| (Behind::default(), error))?;
            for (id, who, position) in found.into_iter().flatten() {
                pending.note_position(id, who, position);
            }
        }
        behind.hints.positions = seats.later().collect();
        if behind.hints.positions.is_empty() {
            return Ok(());
        }
        let error = "some positions were not answered".to_owned();
        Err((behind, LedgerError::Unavailable(error)))
    }

    async fn make_up_thread(
        &self,
        id: ThreadId,
        epoch: u64,
        first: Rev,
        pending: &mut Pending,
    ) -> Result<(), LedgerError> {
        let is_other_log = |hub: &Self| {
            let mut threads = hub.threads();
            threads
                .get(id)
                .is_some_and(|live| live.thread.epoch != epoch)
        };
        if is_other_log(self) {
            self.threads().remove(id);
        }
        if !self.refresh(id).await? {
            return Ok(());
        }
        let (next, last, is_large) = {
            let mut threads = self.threads();
            let Some(live) = threads.get(id) else {
                return Ok(());
            };
            // What came before that was told, or nobody was there to be told.
            let delivered = *live.delivered.get_or_insert(first.saturating_sub(1));
            (delivered + 1, live.head.last_rev, live.is_large())
        };
        if next <= last {
            self.catch_up(id, next, last, PAGE_ENTRIES_MAX).await?;
        }
        pending.lists.insert(id);
        let moved = if is_large {
            &mut pending.moved_large
        } else {
            &mut pending.moved
        };
        moved.insert(id, last);
        Ok(())
    }
}
