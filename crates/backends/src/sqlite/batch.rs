//! One batch: one transaction around loading, deciding and storing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use semel_core::{
    Command, Context, Key, Reply, Rows, execute,
    ports::{News, Renderer},
};

use super::{
    load::{is_known, is_list, load},
    store::store,
};
use crate::{
    Error,
    lane::{Job, add_news},
};

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

/// What a committed batch brought.
pub(super) struct Done {
    /// In the order of the jobs.
    pub(super) replies: Vec<Reply>,
    /// For those who watch.
    pub(super) news: News,
    /// Whether there was anything to commit.
    pub(super) is_changed: bool,
}

/// A batch at work.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    pub(super) rows: &'a mut Rows,
    pub(super) renderer: &'a dyn Renderer,
    /// Its seed is replaced by that of each job.
    pub(super) context: Context<'a>,
}

impl Batch<'_> {
    /// Decides all jobs and commits what they changed. After a failure nothing is left of them, in `rows` neither.
    pub(super) fn run(mut self, jobs: &[Job]) -> Result<Done, Failure> {
        let done = catch_unwind(AssertUnwindSafe(|| self.attempt(jobs))).unwrap_or_else(|_| {
            let what = "the lane panicked over a batch".to_owned();
            Err(Failure::Aborted(Error::Corrupt(what)))
        });
        if done.is_err() {
            self.rows.forget();
            self.roll_back();
        }
        done
    }

    fn attempt(&mut self, jobs: &[Job]) -> Result<Done, Failure> {
        run(self.connection, "BEGIN IMMEDIATE").map_err(Failure::NotBegun)?;
        let mut done = Done {
            replies: Vec::with_capacity(jobs.len()),
            news: News::default(),
            is_changed: false,
        };
        self.load_foreseen(jobs)?;
        for (at, job) in jobs.iter().enumerate() {
            let reply = catch_unwind(AssertUnwindSafe(|| self.decide(job, &mut done)));
            done.replies.push(reply.map_err(|_| Failure::Panic(at))??);
        }
        self.flush(&mut done)?;
        if !done.is_changed {
            run(self.connection, "ROLLBACK")?;
            return Ok(done);
        }
        match run(self.connection, "COMMIT") {
            Ok(()) => Ok(done),
            // The last page of the transaction found no room, so nobody can ever take it for whole.
            Err(error) if error.is_disk_full() => Err(Failure::Aborted(error)),
            // SQLite has ended the transaction, one way or the other.
            Err(error) if self.connection.is_autocommit() => Err(Failure::Unknown(error)),
            Err(error) => Err(Failure::Aborted(error)),
        }
    }

    fn load_foreseen(&mut self, jobs: &[Job]) -> Result<(), Failure> {
        let mut keys = Vec::with_capacity(jobs.len() * 8);
        for (at, job) in jobs.iter().enumerate() {
            let Command {
                actor,
                action,
                idempotency,
                ..
            } = &job.command;
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
        for key in keys {
            if !is_known(&key, self.rows) {
                load(self.connection, &key, self.rows)?;
            }
        }
        Ok(())
    }

    /// Decides one command, loading what it asks for. Lists are read after everything before is stored, so that they
    /// have it.
    fn decide(&mut self, job: &Job, done: &mut Done) -> Result<Reply, Error> {
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
            if is_list(&key) {
                self.flush(done)?;
                lists.push(key.clone());
            }
            load(self.connection, &key, self.rows)?;
            asked = Some(key);
        };
        for key in &lists {
            self.forget_list(key);
        }
        Ok(reply)
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
    fn flush(&mut self, done: &mut Done) -> Result<(), Error> {
        let changes = self.rows.take_changes();
        if !changes.is_empty() {
            done.is_changed = true;
            store(self.connection, &changes)?;
            add_news(&mut done.news, &changes);
        }
        Ok(())
    }

    /// Some errors end the transaction by themselves.
    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = run(self.connection, "ROLLBACK")
        {
            tracing::error!(error = error.chain(), "failed to roll back");
        }
    }
}

fn single_keys(key: Key) -> Vec<Key> {
    match key {
        Key::Many(keys) => keys.into_iter().flat_map(single_keys).collect(),
        key => vec![key],
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
