//! Keeping the logs whole: what is pushed, what a `sync` brings, what has to be fetched.

use std::{sync::atomic::Ordering, time::Duration};

use semel_protocol::{
    Entry, Message, Rev, ThreadId,
    socket::{Ack, Heads},
    sync::{SyncResult, SyncThread},
};
use tokio::time::timeout;

use super::{End, Worker};
use crate::{ApiError, Link, NewThread, Note, Payload, Step, Timeline};

/// Time in which a fetch must be answered.
const FETCH_SECONDS_MAX: u64 = 20;
/// What a bug between the two sides costs at most: a thread that cannot be filled is left for the next `sync`.
const FETCH_ROUNDS_MAX: usize = 10_000;

impl Worker {
    pub(super) async fn take_entry(&mut self, payload: &Payload) -> Result<(), End> {
        let Ok(entry) = payload.parse::<Entry>() else {
            return Err(End::Broken(None));
        };
        if let Some(witness) = &self.options.witness {
            witness.arrival(&entry);
        }
        let thread_id = entry.thread_id;
        match self.timelines.entry(thread_id).or_default().offer(&entry) {
            Step::Apply => self.apply(entry).await,
            Step::Repeat => drop(self.counters.repeats.fetch_add(1, Ordering::Relaxed)),
            Step::Gap { .. } => self.want(thread_id, entry.rev),
            // The answer to the cursor of the old log says where the new one goes on.
            Step::Replaced => drop(self.behind.insert(thread_id, Rev::MAX)),
        }
        self.catch_up().await
    }

    pub(super) async fn take_heads(&mut self, payload: &Payload) -> Result<(), End> {
        let Ok(Heads { heads }) = payload.parse::<Heads>() else {
            return Err(End::Broken(None));
        };
        for (thread_id, rev) in heads {
            self.want(thread_id, rev);
        }
        self.catch_up().await
    }

    pub(super) async fn take_sync(
        &mut self,
        payload: &Payload,
        link: &mut dyn Link,
    ) -> Result<(), End> {
        self.syncing = None;
        // A refused `sync` is asked again on the next connection.
        let Ok(Ack::Success { data }) = payload.parse::<Ack<SyncResult>>() else {
            return Err(End::Broken(None));
        };
        for thread_id in data.left {
            self.timelines.remove(&thread_id);
            self.behind.remove(&thread_id);
            if let Some(witness) = &self.options.witness {
                witness.left(thread_id);
            }
            self.note(Note::Left(thread_id)).await;
        }
        for thread in data.threads {
            self.take_thread(thread).await;
        }
        if let Some(cursor) = data.next_cursor {
            return self
                .ask_sync(link, Some(cursor))
                .await
                .map_err(|_| End::Broken(None));
        }
        // Only when every page is taken, nothing before `since` is missing.
        self.since = Some(data.since);
        self.incarnation = Some(data.incarnation);
        self.catch_up().await
    }

    async fn take_thread(&mut self, news: SyncThread) {
        let thread_id = news.thread.id;
        let is_new = !self.timelines.contains_key(&thread_id);
        let wants_newest = self.options.new_thread == NewThread::Newest;
        if (news.too_old && !is_new) || (is_new && wants_newest) {
            let timeline = Timeline::at(news.head_rev, Some(news.thread.chain), news.epoch);
            return self.reset(thread_id, timeline, news.messages).await;
        }
        for entry in news.entries {
            let timeline = self.timelines.entry(thread_id).or_default();
            if timeline.offer(&entry) == Step::Apply {
                self.apply(entry).await;
            }
        }
        self.want(thread_id, news.head_rev);
    }

    fn want(&mut self, thread_id: ThreadId, rev: Rev) {
        let head = self.timelines.get(&thread_id).map_or(0, Timeline::head);
        if rev > head {
            let wanted = self.behind.entry(thread_id).or_default();
            *wanted = rev.max(*wanted);
        }
    }

    /// Fetches what is missing. During a `sync` its pages come first: they bring most of it.
    async fn catch_up(&mut self) -> Result<(), End> {
        if self.syncing.is_some() {
            return Ok(());
        }
        while let Some((thread_id, rev)) = self.behind.pop_first() {
            let limit = Duration::from_secs(FETCH_SECONDS_MAX);
            let fetched = timeout(limit, self.fetch(thread_id, rev)).await;
            match fetched.map_err(|_| End::Broken(None))? {
                Ok(()) => {}
                // Left in the meantime; `sync` tells.
                Err(ApiError::Refused(problem)) if !problem.code.is_retryable() => {}
                Err(_) => return Err(End::Broken(None)),
            }
        }
        Ok(())
    }

    async fn fetch(&mut self, thread_id: ThreadId, rev: Rev) -> Result<(), ApiError> {
        for _ in 0..FETCH_ROUNDS_MAX {
            let mut timeline = self.timelines.get(&thread_id).cloned().unwrap_or_default();
            let head = timeline.head();
            if head >= rev {
                return Ok(());
            }
            if head == 0 && self.options.new_thread == NewThread::Newest {
                return self.fetch_newest(thread_id).await;
            }
            self.counters.fetches.fetch_add(1, Ordering::Relaxed);
            let options = &self.options;
            let (token, cursor) = (&options.token, timeline.cursor());
            let page = options.network.entries_after(token, thread_id, &cursor);
            let page = page.await?;
            let mut applied = Vec::new();
            if !timeline.fill(page, |entry| applied.push(entry)) {
                return self.fetch_newest(thread_id).await;
            }
            if applied.is_empty() {
                return Ok(());
            }
            self.timelines.insert(thread_id, timeline);
            for entry in applied {
                self.apply(entry).await;
            }
        }
        Ok(())
    }

    async fn fetch_newest(&mut self, thread_id: ThreadId) -> Result<(), ApiError> {
        self.counters.fetches.fetch_add(1, Ordering::Relaxed);
        let options = &self.options;
        let page = options.network.newest_messages(&options.token, thread_id);
        let page = page.await?;
        let timeline = Timeline::at(page.as_of_rev, None, page.epoch);
        self.reset(thread_id, timeline, page.messages).await;
        Ok(())
    }

    async fn apply(&mut self, entry: Entry) {
        if let Some(witness) = &self.options.witness {
            witness.apply(&entry);
        }
        self.note(Note::Entry(Box::new(entry))).await;
    }

    async fn reset(&mut self, thread_id: ThreadId, timeline: Timeline, messages: Vec<Message>) {
        let (head_rev, epoch) = (timeline.head(), timeline.epoch().unwrap_or_default());
        self.timelines.insert(thread_id, timeline);
        if let Some(witness) = &self.options.witness {
            witness.reset(thread_id, epoch, head_rev);
        }
        self.note(Note::Reset {
            thread_id,
            head_rev,
            messages,
        })
        .await;
    }
}
