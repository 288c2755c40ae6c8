//! Keeping the logs whole: what is pushed, what a `sync` brings, what has to be fetched.

use std::{sync::atomic::Ordering, time::Duration};

use semel_protocol::{
    Entry, Message, Problem, Rev, ThreadId,
    socket::{Ack, Heads},
    sync::{SyncResult, SyncThread},
};
use tokio::time::timeout;

use super::{End, Worker, wait};
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
            Step::Apply => self.apply(entry).await?,
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
        let data = match payload.parse::<Ack<SyncResult>>() {
            Ok(Ack::Success { data }) => data,
            Ok(Ack::Error { error }) => return Err(broken_by(&error)),
            Err(_) => return Err(End::Broken(None)),
        };
        if !self.is_named {
            self.begin(&data.incarnation).await?;
        }
        for thread_id in data.left {
            self.timelines.remove(&thread_id);
            self.behind.remove(&thread_id);
            self.options.store.left(thread_id).await?;
            if let Some(witness) = &self.options.witness {
                witness.left(thread_id);
            }
            self.note(Note::Left(thread_id)).await;
        }
        for thread in data.threads {
            self.take_thread(thread).await?;
        }
        if let Some(cursor) = data.next_cursor {
            return self
                .ask_sync(link, Some(cursor))
                .await
                .map_err(|_| End::Broken(None));
        }
        // Only when every page is taken, nothing before `since` is missing.
        self.options.store.synced(data.since).await?;
        self.since = Some(data.since);
        self.incarnation = Some(data.incarnation);
        self.failures = 0;
        self.catch_up().await
    }

    /// The server has said which database it serves. If it was restored from a backup, what it had acknowledged may be
    /// gone: it is offered again, before anything newer.
    async fn begin(&mut self, incarnation: &str) -> Result<(), End> {
        let again = self.options.store.begin(incarnation).await?;
        let count = again.len() as u64;
        self.counters
            .offered_again
            .fetch_add(count, Ordering::Relaxed);
        self.outbox.push_first(again);
        self.is_named = true;
        Ok(())
    }

    async fn take_thread(&mut self, news: SyncThread) -> Result<(), End> {
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
                self.apply(entry).await?;
            }
        }
        self.want(thread_id, news.head_rev);
        Ok(())
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
            self.fetch(thread_id, rev).await?;
        }
        Ok(())
    }

    async fn fetch(&mut self, thread_id: ThreadId, rev: Rev) -> Result<(), End> {
        for _ in 0..FETCH_ROUNDS_MAX {
            let mut timeline = self.timelines.get(&thread_id).cloned().unwrap_or_default();
            let head = timeline.head();
            if head >= rev {
                return Ok(());
            }
            if head == 0 && self.options.new_thread == NewThread::Newest {
                return self.fetch_newest(thread_id).await;
            }
            let options = &self.options;
            let (token, cursor) = (&options.token, timeline.cursor());
            let page = options.network.entries_after(token, thread_id, &cursor);
            let Some(page) = self.read(page).await? else {
                return Ok(());
            };
            let mut applied = Vec::new();
            if !timeline.fill(page, |entry| applied.push(entry)) {
                return self.fetch_newest(thread_id).await;
            }
            if applied.is_empty() {
                return Ok(());
            }
            self.timelines.insert(thread_id, timeline);
            for entry in applied {
                self.apply(entry).await?;
            }
        }
        Ok(())
    }

    async fn fetch_newest(&mut self, thread_id: ThreadId) -> Result<(), End> {
        let options = &self.options;
        let page = options.network.newest_messages(&options.token, thread_id);
        let Some(page) = self.read(page).await? else {
            return Ok(());
        };
        let timeline = Timeline::at(page.as_of_rev, None, page.epoch);
        self.reset(thread_id, timeline, page.messages).await
    }

    /// Waits for what a read brings: none when the person may not read this thread any more, which `sync` tells.
    async fn read<T>(
        &self,
        answer: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<Option<T>, End> {
        self.counters.fetches.fetch_add(1, Ordering::Relaxed);
        match timeout(Duration::from_secs(FETCH_SECONDS_MAX), answer).await {
            Ok(Ok(page)) => Ok(Some(page)),
            Ok(Err(ApiError::Refused(problem))) if !problem.code.is_retryable() => Ok(None),
            Ok(Err(ApiError::Refused(problem))) => Err(broken_by(&problem)),
            Ok(Err(_)) | Err(_) => Err(End::Broken(None)),
        }
    }

    async fn apply(&mut self, entry: Entry) -> Result<(), End> {
        // Room for the note comes first: what was kept is handed over without waiting.
        let place = self.notes.reserve().await;
        if let Some(witness) = &self.options.witness {
            witness.apply(&entry);
        }
        let timeline = Timeline::behind(&entry);
        self.options.store.applied(&timeline, &entry).await?;
        if let Ok(place) = place {
            place.send(Note::Entry(Box::new(entry)));
        }
        Ok(())
    }

    async fn reset(
        &mut self,
        thread_id: ThreadId,
        timeline: Timeline,
        messages: Vec<Message>,
    ) -> Result<(), End> {
        let place = self.notes.reserve().await;
        let (head_rev, epoch) = (timeline.head(), timeline.epoch().unwrap_or_default());
        if let Some(witness) = &self.options.witness {
            witness.reset(thread_id, epoch, head_rev);
        }
        let kept = self.options.store.reset(thread_id, &timeline, &messages);
        kept.await?;
        if let Ok(place) = place {
            place.send(Note::Reset {
                thread_id,
                head_rev,
                messages,
            });
        }
        self.timelines.insert(thread_id, timeline);
        Ok(())
    }
}

/// Whoever refuses for now says when to come back.
fn broken_by(problem: &Problem) -> End {
    End::Broken(problem.retry_after_ms.map(wait))
}
