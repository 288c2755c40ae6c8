//! The lane: the one thread that writes.
//!
//! Invariant: nothing is told and nobody is answered before COMMIT has returned.
//! Invariant: after an error of the disk the connection is not used again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use semel_core::{Context, Rows, ports::LedgerError};

use super::{
    Options, Shared, Stop,
    batch::{Batch, Done, Failure},
    checkpoint::{self, Mode, WAL_BYTES_MAX, WAL_IDLE_BYTES_MAX},
    meta::{self, Identity},
    open::{Use, connect, database_path},
};
use crate::{
    Error,
    lane::{BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, HOT_ROWS_MAX, Job, Stats},
};

/// How often an idle lane looks after its store, and how often it tries to get a lost one back.
const TICK: Duration = Duration::from_secs(1);

/// Room that a store must have to be called well again: some of the largest commands.
const PROBE_BYTES: usize = 1024 * 1024;

/// What comes to the lane.
pub(super) enum Work {
    /// A command.
    Job(Box<Job>),
    /// Look around.
    Wake,
    /// Something for the writer's own connection.
    #[cfg(test)]
    Inspect(Box<dyn FnOnce(&mut Connection) + Send>),
}

pub(super) struct Lane {
    options: Options,
    identity: Identity,
    shared: Arc<Shared>,
    work: Receiver<Work>,
    connection: Option<Connection>,
    rows: Rows,
    is_unwell: bool,
    tried: Instant,
}

enum Next {
    Work(Work),
    Idle,
    Close,
    Abandoned,
}

impl Lane {
    pub(super) fn new(
        options: Options,
        identity: Identity,
        shared: Arc<Shared>,
        work: Receiver<Work>,
        connection: Connection,
    ) -> Self {
        let (rows, tried) = (Rows::default(), Instant::now());
        let connection = Some(connection);
        Self {
            options,
            identity,
            shared,
            work,
            connection,
            rows,
            is_unwell: false,
            tried,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Next::Work(Work::Job(job)) => {
                    let jobs = self.gather(*job);
                    self.serve(jobs);
                }
                Next::Work(Work::Wake) => {}
                #[cfg(test)]
                Next::Work(Work::Inspect(inspect)) => self.inspect(inspect),
                Next::Idle => self.look_after(),
                Next::Close => return self.finish(),
                Next::Abandoned => return,
            }
        }
    }

    fn next(&self) -> Next {
        if self.shared.stop() == Stop::Orderly {
            return self.work.try_recv().map_or(Next::Close, Next::Work);
        }
        match self.work.recv_timeout(TICK) {
            Ok(work) => Next::Work(work),
            Err(RecvTimeoutError::Timeout) => Next::Idle,
            Err(RecvTimeoutError::Disconnected) => Next::Abandoned,
        }
    }

    /// What waits already joins the batch; nothing is waited for.
    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut bytes = first.bytes();
        let mut jobs = vec![first];
        while jobs.len() < BATCH_COMMANDS_MAX && bytes < BATCH_BYTES_MAX {
            match self.work.try_recv() {
                Ok(Work::Job(job)) => {
                    bytes += job.bytes();
                    jobs.push(*job);
                }
                Ok(Work::Wake) => {}
                #[cfg(test)]
                Ok(Work::Inspect(inspect)) => self.inspect(inspect),
                Err(_) => break,
            }
        }
        jobs
    }

    #[cfg(test)]
    fn inspect(&mut self, inspect: Box<dyn FnOnce(&mut Connection) + Send>) {
        if let Some(connection) = &mut self.connection {
            inspect(connection);
        }
    }

    fn serve(&mut self, jobs: Vec<Job>) {
        Stats::add(&self.shared.stats.batches, 1);
        Stats::add(&self.shared.stats.commands, jobs.len());
        if self.is_unwell {
            self.probe();
        }
        if self.shared.wants_restart.swap(false, Relaxed) {
            self.checkpoint(Mode::Restart);
        }
        if self.shared.stats.wal_bytes.load(Relaxed) > WAL_BYTES_MAX {
            let why =
                "the write-ahead log has reached its greatest size: something reads for too long";
            return self.fail(jobs, &LedgerError::Unavailable(why.to_owned()));
        }
        self.commit(jobs);
    }

    fn commit(&mut self, mut jobs: Vec<Job>) {
        while !jobs.is_empty() {
            self.open_again();
            let Some(connection) = &self.connection else {
                let why = self.shared.health().err().unwrap_or_default();
                return self.fail(jobs, &LedgerError::Unavailable(why));
            };
            let batch = Batch {
                connection,
                rows: &mut self.rows,
                renderer: &*self.options.renderer,
                context: Context {
                    now: self.options.clock.now(),
                    seed: 0,
                    content_key: &self.identity.content_key,
                    idempotency_ms: self.options.idempotency_ms,
                },
            };
            match batch.run(&jobs) {
                Ok(done) => return self.tell(jobs, done),
                Err(Failure::Panic(at)) => {
                    let job = jobs.remove(at);
                    let (action, request_id) = (job.command.action.name(), &job.command.request_id);
                    tracing::error!(action, request_id, "an action panicked");
                    let error = LedgerError::Internal("an action panicked".to_owned());
                    self.fail(vec![job], &error);
                }
                Err(Failure::Unknown(error)) => {
                    Stats::add(&self.shared.stats.unknown_outcomes, jobs.len());
                    self.lose(&error);
                    return self.fail(jobs, &LedgerError::OutcomeUnknown(error.chain()));
                }
                Err(Failure::NotBegun(error) | Failure::Aborted(error))
                    if error.is_broken_connection() =>
                {
                    self.lose(&error);
                    return self.fail(jobs, &error.for_caller());
                }
                // Alone they would not begin either, and each would wait for the lock anew.
                Err(Failure::NotBegun(error)) => {
                    self.note(&error);
                    return self.fail(jobs, &error.for_caller());
                }
                Err(Failure::Aborted(error)) if jobs.len() == 1 => {
                    self.note(&error);
                    return self.fail(jobs, &error.for_caller());
                }
                Err(Failure::Aborted(_)) => {
                    // Alone, so that only the culprit fails.
                    for job in jobs {
                        self.commit(vec![job]);
                    }
                    return;
                }
            }
        }
    }

    /// After the commit: those who watch, then those who asked.
    fn tell(&mut self, jobs: Vec<Job>, done: Done) {
        if done.is_changed {
            Stats::add(&self.shared.stats.commits, 1);
            self.told("news", |lane| lane.options.listener.committed(done.news));
        }
        for (job, reply) in jobs.into_iter().zip(done.replies) {
            job.answer(Ok(reply));
        }
        self.rows.forget_cold();
        if self.rows.len() > HOT_ROWS_MAX {
            self.rows.forget();
        }
    }

    fn fail(&self, jobs: Vec<Job>, error: &LedgerError) {
        Stats::add(&self.shared.stats.failures, jobs.len());
        for job in jobs {
            job.answer(Err(error.clone()));
        }
    }

    fn told(&self, what: &str, tell: impl FnOnce(&Self)) {
        if catch_unwind(AssertUnwindSafe(|| tell(self))).is_err() {
            tracing::error!(what, "a listener panicked");
        }
    }

    /// The store refused one command; it may be the store.
    fn note(&mut self, error: &Error) {
        tracing::error!(error = error.chain(), "failed to store a command");
        if error.is_outage() {
            self.is_unwell = true;
            self.shared.set_health(Some(error.reason()));
        }
    }

    fn is_well(&mut self) {
        if std::mem::take(&mut self.is_unwell) {
            tracing::info!("the store takes writes again");
            self.shared.set_health(None);
        }
    }

    /// The connection is given up: what it believes to be stored may not be.
    fn lose(&mut self, error: &Error) {
        tracing::error!(error = error.chain(), "lost the store");
        self.shared.set_health(Some(error.reason()));
        self.rows.forget();
        self.connection = None;
    }

    /// A lost connection is opened anew, tried once in a while.
    fn open_again(&mut self) {
        if self.connection.is_some() || self.tried.elapsed() < TICK {
            return;
        }
        self.tried = Instant::now();
        match self.reopen() {
            Ok(connection) => {
                self.connection = Some(connection);
                self.is_unwell = false;
                tracing::info!("the store is back");
                self.told("recovery", |lane| lane.options.listener.recovered());
                self.shared.set_health(None);
                super::check_in_background(&self.options.data_dir, &self.shared);
            }
            Err(error) => self.shared.set_health(Some(error.reason())),
        }
    }

    fn reopen(&self) -> Result<Connection, Error> {
        let connection = connect(&database_path(&self.options.data_dir), Use::Writer)?;
        if checkpoint::run(&connection, Mode::Truncate)?.is_blocked {
            return Err(Error::Unusable(
                "the write-ahead log is still being read".to_owned(),
            ));
        }
        let incarnation: Option<String> = meta::get(&connection, meta::INCARNATION)?;
        if incarnation.as_ref() != Some(&self.identity.incarnation) {
            return Err(Error::Unusable(
                "another database lies in the data directory".to_owned(),
            ));
        }
        Ok(connection)
    }

    fn look_after(&mut self) {
        self.open_again();
        if self.is_unwell {
            self.probe();
        }
        if self.shared.stats.wal_bytes.load(Relaxed) > WAL_IDLE_BYTES_MAX {
            self.checkpoint(Mode::Truncate);
        }
    }

    /// Nobody may send commands to a server that says it is unwell: so it finds out by itself. A small write proves
    /// nothing: it may find room in what a large one, which failed, has left.
    fn probe(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        if self.tried.elapsed() < TICK {
            return;
        }
        self.tried = Instant::now();
        let now = self.options.clock.now().0;
        let probed = meta::put(connection, meta::PROBE, vec![0_u8; PROBE_BYTES])
            .and_then(|()| meta::put(connection, meta::PROBE, now));
        match probed {
            Ok(()) => self.is_well(),
            Err(error) if error.is_broken_connection() => self.lose(&error),
            Err(error) => self.shared.set_health(Some(error.reason())),
        }
    }

    fn checkpoint(&mut self, mode: Mode) {
        let Some(connection) = &self.connection else {
            return;
        };
        match checkpoint::run(connection, mode) {
            Ok(progress) if progress.is_blocked => {}
            Ok(_) => self.shared.stats.wal_bytes.store(0, Relaxed),
            Err(error) if error.is_broken_connection() => self.lose(&error),
            Err(error) => tracing::warn!(error = error.chain(), "failed to checkpoint"),
        }
    }

    /// Everything is answered: leave the database as one file, and say that it was an orderly stop.
    fn finish(mut self) {
        self.checkpoint(Mode::Truncate);
        let Some(connection) = &self.connection else {
            return;
        };
        if let Err(error) = meta::put(connection, meta::IS_CLEAN, 1) {
            tracing::warn!(error = error.chain(), "failed to mark an orderly stop");
        }
    }
}
