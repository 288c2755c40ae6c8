//! One batch: one transaction around loading, deciding and storing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use semel_core::{
    Changes, Command, Context, Key, Reply, Rows, execute,
    ports::{Listener, News, Renderer},
};
use semel_sabotage::{Defect, is_on};

use super::{Job, NotCommitted, Store, rehearse::rehearse};
use crate::{
    Error,
    keys::{is_known, is_list, single_keys},
};

/// How often in a batch the keys of the commands to come are sought: they need a few rounds, together.
const REHEARSALS_MAX: usize = 12;

/// Why a batch did not happen.
pub(super) enum Failure {
    /// The rules panicked over the command at this place. Nothing happened.
    Panic(usize),
    /// Nothing happened, and it is nobody's fault: the store did not let the batch begin.
    NotBegun(Error),
    /// Nothing happened.
    Aborted(Error),
    /// The commit did not say whether it happened.
    Unknown(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Aborted(error)
    }
}

impl From<NotCommitted> for Failure {
    fn from(error: NotCommitted) -> Self {
        match error {
            NotCommitted::Aborted(error) => Self::Aborted(error),
            NotCommitted::Unknown(error) => Self::Unknown(error),
        }
    }
}

/// What a committed batch brought.
pub(super) struct Done {
    /// In the order of the jobs.
    pub(super) replies: Vec<Reply>,
    /// For those who watch.
    pub(super) news: News,
    /// Whether there was anything to commit.
    pub(super) is_changed: bool,
    /// How often the keys of commands to come were sought.
    rehearsals: usize,
}

/// A batch at work.
pub(super) struct Batch<'a, S> {
    pub(super) store: &'a mut S,
    pub(super) rows: &'a mut Rows,
    pub(super) renderer: &'a dyn Renderer,
    pub(super) listener: &'a dyn Listener,
    /// Its seed is replaced by that of each job.
    pub(super) context: Context<'a>,
}

impl<S: Store> Batch<'_, S> {
    /// Decides all jobs and commits what they changed. After a failure nothing is left of them, in `rows` neither.
    pub(super) async fn run(mut self, jobs: &[Job]) -> Result<Done, Failure> {
        let attempt = AssertUnwindSafe(self.attempt(jobs)).catch_unwind().await;
        let done = attempt.unwrap_or_else(|_| {
            let what = "the lane panicked over a batch".to_owned();
            Err(Failure::Aborted(Error::Corrupt(what)))
        });
        if done.is_err() {
            if !is_on(Defect::NumbersFromMemory) {
                self.rows.forget();
            }
            if let Err(error) = self.store.roll_back().await {
                tracing::error!(error = error.chain(), "failed to roll back");
            }
        }
        done
    }

    async fn attempt(&mut self, jobs: &[Job]) -> Result<Done, Failure> {
        if is_on(Defect::AnswerBeforeCommit) {
            // Of the batch before, which was answered.
            let _ = self.store.commit().await;
        }
        self.store.begin().await.map_err(Failure::NotBegun)?;
        let mut done = Done {
            replies: Vec::with_capacity(jobs.len()),
            news: News::default(),
            is_changed: false,
            rehearsals: 0,
        };
        self.load_foreseen(jobs).await?;
        for (at, job) in jobs.iter().enumerate() {
            let decide = AssertUnwindSafe(self.decide(job, &jobs[at + 1..], &mut done));
            let reply = decide.catch_unwind().await;
            done.replies.push(reply.map_err(|_| Failure::Panic(at))??);
        }
        self.flush(&mut done).await?;
        if !done.is_changed {
            return self
                .store
                .end_unchanged()
                .await
                .map_err(Failure::from)
                .map(|()| done);
        }
        if is_on(Defect::TellBeforeCommit) {
            self.listener.committed(std::mem::take(&mut done.news));
        }
        if is_on(Defect::AnswerBeforeCommit) {
            return Ok(done);
        }
        self.store
            .commit()
            .await
            .map_err(Failure::from)
            .map(|()| done)
    }

    async fn load_foreseen(&mut self, jobs: &[Job]) -> Result<(), Failure> {
        let mut keys = Vec::with_capacity(jobs.len() * 8);
        for (at, job) in jobs.iter().enumerate() {
            let Command {
                actor,
                action,
                idempotency,
                ..
            } = &job.command;
            keys.push(Key::Actor(actor.clone()));
            catch_unwind(AssertUnwindSafe(|| action.keys(actor, &mut keys)))
                .map_err(|_| Failure::Panic(at))?;
            if let Some(idempotency) = idempotency {
                keys.push(Key::Answer(actor.clone(), idempotency.key.clone()));
            }
        }
        // A list of stored answers can change within the batch: it is loaded when it is asked for.
        let mut keys: Vec<Key> = keys.into_iter().flat_map(single_keys).collect();
        keys.retain(|key| !is_list(key) || matches!(key, Key::Roster(_)));
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| !is_known(key, self.rows));
        if !keys.is_empty() {
            self.store.load(&Key::Many(keys), self.rows).await?;
        }
        Ok(())
    }

    /// Decides one command, loading what it asks for. Lists are read after everything before is stored, so that they
    /// have it.
    async fn decide(&mut self, job: &Job, next: &[Job], done: &mut Done) -> Result<Reply, Error> {
        let context = Context {
            seed: job.seed,
            ..self.context
        };
        let mut asked: Option<Key> = None;
        let mut lists = Vec::new();
        let reply = loop {
            let key = match execute(&job.command, self.rows, &context, self.renderer) {
                Ok(reply) => break reply,
                Err(key) => key,
            };
            if asked.as_ref() == Some(&key) {
                return Err(Error::Corrupt(format!(
                    "{key:?} was loaded and is still asked for"
                )));
            }
            let loaded = self.with_what_others_need(&key, next, done);
            if is_list(&loaded) {
                self.flush(done).await?;
            }
            self.store.load(&loaded, self.rows).await?;
            if is_list(&key) {
                lists.push(key.clone());
            }
            asked = Some(key);
        };
        for key in &lists {
            self.forget_list(key);
        }
        Ok(reply)
    }

    /// Where each load is a round trip: the key, and what the commands after this one would ask for next. Other lists than
    /// rosters may be changed by this command yet, so that they are left to those who need them.
    fn with_what_others_need(&self, key: &Key, next: &[Job], done: &mut Done) -> Key {
        if !S::IS_SHARED || next.is_empty() || done.rehearsals >= REHEARSALS_MAX {
            return key.clone();
        }
        done.rehearsals += 1;
        let mut keys = rehearse(next, self.rows, &self.context, self.renderer);
        keys.retain(|key| !is_list(key) || matches!(key, Key::Roster(_)));
        keys.retain(|key| !is_known(key, self.rows));
        keys.extend(single_keys(key.clone()));
        keys.sort_unstable();
        keys.dedup();
        Key::Many(keys)
    }

    /// A list may be another one after the next command, apart from rosters: `Rows` keeps those up to date.
    fn forget_list(&mut self, key: &Key) {
        match key {
            Key::Many(keys) => keys.iter().for_each(|key| self.forget_list(key)),
            Key::Roster(_) => {}
            list => {
                self.rows.lists.remove(list);
            }
        }
    }

    /// Stores what was decided so far, within the transaction.
    async fn flush(&mut self, done: &mut Done) -> Result<(), Error> {
        let changes = self.rows.take_changes();
        if !changes.is_empty() {
            done.is_changed = true;
            self.store.put(&changes).await?;
            add_news(&mut done.news, &changes);
        }
        Ok(())
    }
}

/// Puts the news of consecutive changes together.
fn add_news(news: &mut News, changes: &Changes) {
    let more = News::of(changes);
    if news.entries.is_empty() && news.positions.is_empty() && news.own.is_empty() {
        *news = more;
    } else {
        news.entries.extend(more.entries);
        news.positions.extend(more.positions);
        news.own.extend(more.own);
    }
}
