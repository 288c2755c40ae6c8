//! The lane: takes the commands that wait, decides them one after the other, commits what they changed in one
//! transaction, and only then tells those who watch and answers those who asked. The same for every engine; how
//! commands come to it, and on which thread or task it runs, is the engine's.
//!
//! Invariant: nothing is told and nobody is answered before the commit has returned.
//! Invariant: after an error that leaves in doubt what is stored, the connection is given up and nothing that was loaded
//! through it is used again.

mod batch;
mod job;
mod rehearse;
mod watch;

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

pub use job::{Job, gather};
use semel_core::{
    Changes, Context, Key, Rows,
    ports::{Clock, LedgerError, Listener, Renderer},
};
use semel_protocol::Timestamp;
use tokio::time::Instant;
pub use watch::{Stats, StatsView, Watch};

use self::batch::{Batch, Done, Failure};
use crate::Error;

/// Commands that may wait.
pub const QUEUE_COMMANDS_MAX: usize = 16 * 1024;
/// How often an idle lane should look after its store, and how often it tries to get a lost one back.
pub const TICK: Duration = Duration::from_secs(1);
/// Rows that a lane keeps between batches.
const HOT_ROWS_MAX: usize = 300_000;

/// Where a lane writes: one connection, one transaction at a time. An engine that waits in its own calls returns futures
/// that are ready at once.
pub trait Store: Send {
    /// Whether others write the same database, from afar: then nothing that was loaded is true beyond its transaction,
    /// and what several commands need is loaded together.
    const IS_SHARED: bool = false;

    /// Begins a transaction that sees everything that was committed.
    fn begin(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Loads what a key names, as the transaction sees it. [`Key::Many`] comes in as few round trips as the engine can,
    /// without what `rows` knows already.
    fn load(
        &mut self,
        key: &Key,
        rows: &mut Rows,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes changes within the transaction.
    fn put(&mut self, changes: &Changes) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes the transaction durable, all of it or nothing.
    fn commit(&mut self) -> impl Future<Output = Result<(), NotCommitted>> + Send;

    /// Ends a transaction without changes, which may have read what others wrote: that is durable after this.
    fn end_unchanged(&mut self) -> impl Future<Output = Result<(), NotCommitted>> + Send {
        async { self.roll_back().await.map_err(NotCommitted::Aborted) }
    }

    /// Ends the transaction without an effect, if there still is one.
    fn roll_back(&mut self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Finds out by a write of its own whether the store takes large and small ones.
    fn probe(&mut self, now: Timestamp) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether there is a connection.
    fn is_open(&self) -> bool;

    /// Gives the connection up.
    fn close(&mut self);

    /// Connects anew, and makes sure that it is the same database.
    fn open(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Why a commit did not succeed.
#[derive(Debug)]
pub enum NotCommitted {
    /// It has definitely not happened.
    Aborted(Error),
    /// It may have happened.
    Unknown(Error),
}

/// What a lane needs besides its store.
#[derive(Clone)]
pub struct Setup {
    /// Secret of the content hashes.
    pub content_key: [u8; 32],
    /// How long stored answers are replayed, in milliseconds.
    pub idempotency_ms: i64,
    /// After how many people with whom they share no thread one person asks in a day.
    pub strangers_day_max: u64,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Makes the bytes of answers.
    pub renderer: Arc<dyn Renderer>,
    /// Told after every commit.
    pub listener: Arc<dyn Listener>,
    /// Where others see how the lane is.
    pub watch: Arc<Watch>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").finish_non_exhaustive()
    }
}

/// A lane over a store.
pub struct Lane<S> {
    setup: Setup,
    store: S,
    rows: Rows,
    is_unwell: bool,
    tried: Instant,
}

impl<S: Store> Lane<S> {
    /// A lane that knows nothing yet.
    pub fn new(setup: Setup, store: S) -> Self {
        Self {
            setup,
            store,
            rows: Rows::default(),
            is_unwell: false,
            tried: Instant::now(),
        }
    }

    /// Its store.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Commits jobs as one batch and answers all of them.
    pub async fn serve(&mut self, jobs: Vec<Job>) {
        let stats = &self.setup.watch.stats;
        Stats::add(&stats.batches, 1);
        Stats::add(&stats.commands, jobs.len());
        let waited = jobs.iter().map(|job| job.came_at.elapsed());
        let waited: Duration = waited.sum();
        Stats::add(&stats.waited_micros, waited.as_micros() as usize);
        if self.is_unwell {
            self.probe().await;
        }
        let mut batches = VecDeque::from([jobs]);
        while let Some(jobs) = batches.pop_front() {
            for again in self.attempt(jobs).await.into_iter().rev() {
                batches.push_front(again);
            }
        }
    }

    /// Answers all of them with an error: nothing was done.
    pub fn refuse(&self, jobs: Vec<Job>, error: &LedgerError) {
        Stats::add(&self.setup.watch.stats.failures, jobs.len());
        for job in jobs {
            job.answer(Err(error.clone()));
        }
    }

    /// The store's connection is given up: what it believes to be stored may not be.
    pub fn lose(&mut self, error: &Error) {
        tracing::error!(error = error.chain(), "lost the store");
        self.setup.watch.set_trouble(Some(error.reason()));
        self.rows.forget();
        self.store.close();
    }

    /// For idle moments: connects again if the connection was lost, and finds out whether the store is well again.
    pub async fn look_after(&mut self) {
        self.open_again().await;
        if self.is_unwell {
            self.probe().await;
        }
    }

    /// Commits jobs as one batch. Gives back what has to be tried once more, in order.
    async fn attempt(&mut self, mut jobs: Vec<Job>) -> Vec<Vec<Job>> {
        if jobs.is_empty() {
            return Vec::new();
        }
        self.open_again().await;
        if !self.store.is_open() {
            let why = self.setup.watch.health().err().unwrap_or_default();
            self.refuse(jobs, &LedgerError::Unavailable(why));
            return Vec::new();
        }
        match self.run_batch(&jobs).await {
            Ok(done) => self.tell(jobs, done),
            Err(Failure::Panic(at)) => {
                let job = jobs.remove(at);
                let (action, request_id) = (job.command.action.name(), &job.command.request_id);
                tracing::error!(action, request_id, "an action panicked");
                let error = LedgerError::Internal("an action panicked".to_owned());
                self.refuse(vec![job], &error);
                return vec![jobs];
            }
            Err(Failure::Unknown(error)) => {
                Stats::add(&self.setup.watch.stats.unknown_outcomes, jobs.len());
                self.lose(&error);
                self.refuse(jobs, &LedgerError::OutcomeUnknown(error.chain()));
            }
            Err(Failure::NotBegun(error) | Failure::Aborted(error))
                if error.is_broken_connection() =>
            {
                self.lose(&error);
                self.refuse(jobs, &error.for_caller());
            }
            Err(Failure::Aborted(error))
                if error.is_conflict() && jobs.iter_mut().all(Job::may_run_again) =>
            {
                tracing::debug!(error = error.chain(), "a batch runs again");
                Stats::add(&self.setup.watch.stats.reruns, 1);
                return vec![jobs];
            }
            Err(Failure::Aborted(error)) if error.is_busy() => {
                self.note(&error);
                self.refuse(jobs, &error.for_caller());
            }
            // Alone they would not begin either, and each would wait for the lock anew.
            Err(Failure::NotBegun(error)) => {
                self.note(&error);
                self.refuse(jobs, &error.for_caller());
            }
            Err(Failure::Aborted(error)) if jobs.len() == 1 => {
                self.note(&error);
                self.refuse(jobs, &error.for_caller());
            }
            // Alone, so that only the culprit fails.
            Err(Failure::Aborted(_)) => return jobs.into_iter().map(|job| vec![job]).collect(),
        }
        Vec::new()
    }

    async fn run_batch(&mut self, jobs: &[Job]) -> Result<Done, Failure> {
        let setup = &self.setup;
        let batch = Batch {
            store: &mut self.store,
            rows: &mut self.rows,
            renderer: &*setup.renderer,
            listener: &*setup.listener,
            context: Context {
                now: setup.clock.now(),
                seed: 0,
                content_key: &setup.content_key,
                idempotency_ms: setup.idempotency_ms,
                strangers_day_max: setup.strangers_day_max,
            },
        };
        batch.run(jobs).await
    }

    /// After the commit: those who watch, then those who asked.
    fn tell(&mut self, jobs: Vec<Job>, done: Done) {
        if done.is_changed {
            Stats::add(&self.setup.watch.stats.commits, 1);
            self.told("news", |listener| listener.committed(done.news));
        }
        for (job, reply) in jobs.into_iter().zip(done.replies) {
            job.answer(Ok(reply));
        }
        self.rows.forget_cold();
        if S::IS_SHARED || self.rows.len() > HOT_ROWS_MAX {
            self.rows.forget();
        }
    }

    fn told(&self, what: &str, tell: impl FnOnce(&dyn Listener)) {
        let listener = &*self.setup.listener;
        if catch_unwind(AssertUnwindSafe(|| tell(listener))).is_err() {
            tracing::error!(what, "a listener panicked");
        }
    }

    /// The store refused one command; it may be the store.
    fn note(&mut self, error: &Error) {
        tracing::error!(error = error.chain(), "failed to store a command");
        if error.is_outage() {
            self.is_unwell = true;
            self.setup.watch.set_trouble(Some(error.reason()));
        }
    }

    fn is_well(&mut self) {
        if std::mem::take(&mut self.is_unwell) {
            tracing::info!("the store takes writes again");
            self.setup.watch.set_trouble(None);
        }
    }

    /// A lost connection is opened anew, tried once in a while.
    async fn open_again(&mut self) {
        if self.store.is_open() || self.tried.elapsed() < TICK {
            return;
        }
        self.tried = Instant::now();
        match self.store.open().await {
            Ok(()) => {
                self.is_unwell = false;
                tracing::info!("the store is back");
                self.told("recovery", |listener| listener.recovered());
                self.setup.watch.set_trouble(None);
            }
            Err(error) => self.setup.watch.set_trouble(Some(error.reason())),
        }
    }

    /// Nobody may send commands to a server that says it is unwell: so it finds out by itself.
    async fn probe(&mut self) {
        if !self.store.is_open() || self.tried.elapsed() < TICK {
            return;
        }
        self.tried = Instant::now();
        match self.store.probe(self.setup.clock.now()).await {
            Ok(()) => self.is_well(),
            Err(error) if error.is_broken_connection() => self.lose(&error),
            Err(error) => self.setup.watch.set_trouble(Some(error.reason())),
        }
    }
}
