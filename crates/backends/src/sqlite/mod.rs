//! The ledger in one `SQLite` file, for one server.

mod backup;
mod bare;
mod checkpoint;
mod codec;
mod doctor;
mod lane;
mod load;
mod load_answers;
mod load_log;
mod load_people;
mod memory;
mod meta;
mod migrate;
mod open;
mod plain;
mod readers;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod transaction;
mod transfer;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use async_trait::async_trait;
pub use backup::{BackupReport, Existing, backup, restore};
pub use bare::bare_insert_rate;
pub use doctor::doctor;
pub use memory::{Memory, broken_disk, full_disk};
#[cfg(test)]
pub(crate) use migrate::STEPS;
use rusqlite::InterruptHandle;
use semel_core::{
    Command, Reply,
    ports::{Clock, Entropy, Ledger, LedgerError, Listener, Question, Renderer},
};
use tokio::sync::watch;
pub(crate) use transfer::End;

use self::{
    lane::{LaneThread, Work},
    open::{DirectoryLock, Use, connect, database_path, make_private_file},
    readers::Questions,
};
use crate::{
    Error, Stats,
    doctor::Finding,
    lane::{Job, QUEUE_COMMANDS_MAX, Watch},
};

/// What a ledger needs.
#[derive(Clone)]
pub struct Options {
    /// Where the database is, or will be. Made if it is not there.
    pub data_dir: PathBuf,
    /// Threads that answer callers' questions; the server's own have one more.
    pub readers: usize,
    /// How long stored answers are replayed, in milliseconds.
    pub idempotency_ms: i64,
    /// After how many people with whom they share no thread one person asks in a day.
    pub strangers_day_max: u64,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Makes the bytes of answers.
    pub renderer: Arc<dyn Renderer>,
    /// Told after every commit.
    pub listener: Arc<dyn Listener>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// What the check of the whole database after an unclean stop found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The last stop was orderly.
    NotNeeded,
    /// At work, in the background.
    Running,
    /// Could not be made; why.
    Failed(String),
    /// Done.
    Done(Vec<Finding>),
}

/// What the threads of a ledger share.
struct Shared {
    lane: Arc<Watch>,
    /// Of callers.
    questions: Questions,
    /// The server's own, which wait for none of the callers': they have a reader of their own.
    own_questions: Questions,
    check: Mutex<Check>,
    stop: Mutex<Stop>,
    stopping: Condvar,
    wants_restart: AtomicBool,
    /// Stops the check in the background.
    interrupt: Mutex<Option<InterruptHandle>>,
    /// Every thread that uses the store holds a receiver of it.
    ended: watch::Sender<()>,
}

/// Whether the threads shall end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// No.
    No,
    /// Yes, when everything is answered.
    Orderly,
    /// Yes: the ledger was dropped.
    Abandoned,
}

impl Shared {
    fn stop(&self) -> Stop {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        self.stop() != Stop::No
    }

    /// Waits, and tells whether it is time to end.
    fn wait_for_stop(&self, time: Duration) -> bool {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self
            .stopping
            .wait_timeout_while(stop, time, |stop| *stop == Stop::No);
        *wait.unwrap_or_else(PoisonError::into_inner).0 != Stop::No
    }

    fn end(&self, how: Stop) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = how;
        self.stopping.notify_all();
        self.questions.close();
        self.own_questions.close();
        if let Some(check) = &*self
            .interrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            check.interrupt();
        }
    }

    fn set_check(&self, check: Check) {
        *self.check.lock().unwrap_or_else(PoisonError::into_inner) = check;
    }
}

/// The ledger in one `SQLite` file. Dropping it without [`Ledger::close`] is like a crash, only tidier.
pub struct SqliteLedger {
    shared: Arc<Shared>,
    /// Bytes of the commands that wait.
    waiting: Arc<AtomicUsize>,
    entropy: Arc<dyn Entropy>,
    incarnation: String,
    work: Option<SyncSender<Work>>,
    threads: Vec<JoinHandle<()>>,
    lock: Mutex<Option<Arc<DirectoryLock>>>,
}

impl SqliteLedger {
    /// Opens the database of a data directory, or makes one, and starts the threads that serve it.
    pub fn open(options: Options) -> Result<Arc<Self>, Error> {
        let lock = Arc::new(DirectoryLock::take(&options.data_dir)?);
        make_private_file(&database_path(&options.data_dir))?;
        let connection = connect(&database_path(&options.data_dir), Use::Writer)?;
        migrate::migrate(&connection)?;
        meta::refuse_half_filled(&connection)?;
        let identity = meta::identity(&connection, &*options.entropy)?;
        let is_clean = meta::number(&connection, meta::IS_CLEAN)? != Some(0);
        // Nobody has read anything yet. This commit also forces what an earlier process had written, but not forced, when it
        // was killed: nobody may see what a power cut could still take back.
        meta::put(&connection, meta::IS_CLEAN, 0)?;
        meta::stay(&connection)?;
        open::sync_directory(&options.data_dir)?;

        let shared = Arc::new(Shared {
            lane: Arc::default(),
            questions: Questions::default(),
            own_questions: Questions::default(),
            check: Mutex::new(Check::NotNeeded),
            stop: Mutex::new(Stop::No),
            stopping: Condvar::new(),
            wants_restart: AtomicBool::new(false),
            interrupt: Mutex::new(None),
            ended: watch::Sender::new(()),
        });
        let (work, receiver) = sync_channel(QUEUE_COMMANDS_MAX);
        let mut ledger = Self {
            shared: Arc::clone(&shared),
            waiting: Arc::default(),
            entropy: Arc::clone(&options.entropy),
            incarnation: identity.incarnation.clone(),
            work: Some(work),
            threads: Vec::new(),
            lock: Mutex::new(Some(lock)),
        };
        for number in 0..options.readers.max(1) {
            let (data_dir, shared) = (options.data_dir.clone(), Arc::clone(&shared));
            ledger.spawn(&format!("reader-{number}"), move || {
                readers::serve(&data_dir, &shared, &shared.questions);
            })?;
        }
        let (data_dir, of_reader) = (options.data_dir.clone(), Arc::clone(&shared));
        ledger.spawn("reader-own", move || {
            readers::serve(&data_dir, &of_reader, &of_reader.own_questions);
        })?;
        let (data_dir, of_checkpoint) = (options.data_dir.clone(), Arc::clone(&shared));
        ledger.spawn("checkpoint", move || {
            checkpoint::serve(&data_dir, &of_checkpoint);
        })?;
        if !is_clean {
            tracing::warn!(
                "the last stop was not orderly: checking the database in the background"
            );
            check_in_background(&options.data_dir, &shared);
        }
        let lane = LaneThread::new(options, identity, Arc::clone(&shared), receiver, connection);
        ledger.spawn("lane", move || {
            if catch_unwind(AssertUnwindSafe(|| lane.run())).is_err() {
                tracing::error!("the lane has ended by a panic");
                let why = "the lane has ended by a panic: restart the server".to_owned();
                shared.lane.set_trouble(Some(why));
            }
        })?;
        Ok(Arc::new(ledger))
    }

    /// What the lane counts.
    pub fn stats(&self) -> &Stats {
        &self.shared.lane.stats
    }

    /// What the check after an unclean stop found.
    pub fn check(&self) -> Check {
        self.shared
            .check
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let lock = self
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let is_alive = self.shared.ended.subscribe();
        let run = move || {
            body();
            drop(lock);
            drop(is_alive);
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads
            .push(thread.map_err(Error::io("start a thread", name))?);
        Ok(())
    }

    fn send(&self, work: Work) -> Result<(), LedgerError> {
        let sender = self.work.as_ref().ok_or(LedgerError::Closing)?;
        sender.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => LedgerError::Overloaded,
            TrySendError::Disconnected(_) => LedgerError::Closing,
        })
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        if self.shared.is_stopping() {
            return Err(LedgerError::Closing);
        }
        let (job, answer) = Job::new(command, self.entropy.seed(), &self.waiting)?;
        self.send(Work::Job(Box::new(job)))?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        let answer = self.shared.questions.ask(question)?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        let answer = self.shared.own_questions.ask(question)?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    fn incarnation(&self) -> String {
        self.incarnation.clone()
    }

    fn health(&self) -> Result<(), String> {
        self.shared.lane.health()
    }

    async fn close(&self) {
        self.shared.end(Stop::Orderly);
        // A lane with a full queue is awake already.
        let _ = self.send(Work::Wake);
        self.shared.ended.closed().await;
        self.lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        self.work = None;
        if !self.shared.is_stopping() {
            self.shared.end(Stop::Abandoned);
        }
        for thread in self.threads.drain(..) {
            // The last owner may be one of the threads: it ends by itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// Checks the whole database beside the work, one thing after another, each from a snapshot of its own.
fn check_in_background(data_dir: &Path, shared: &Arc<Shared>) {
    {
        let mut check = shared.check.lock().unwrap_or_else(PoisonError::into_inner);
        if *check == Check::Running {
            return;
        }
        *check = Check::Running;
    }
    let (data_dir, of_check) = (data_dir.to_owned(), Arc::clone(shared));
    let is_alive = shared.ended.subscribe();
    let run = move || {
        let hand_out = |handle| {
            *of_check
                .interrupt
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(handle);
        };
        let check = match doctor::check(&data_dir, hand_out, &|_| {}, &|| of_check.is_stopping()) {
            Ok(findings) => Check::Done(findings),
            Err(error) => Check::Failed(error.chain()),
        };
        match &check {
            Check::Done(findings) if findings.is_empty() => tracing::info!("the database is sound"),
            Check::Done(findings) => {
                for finding in findings {
                    tracing::error!(%finding, "the check of the database found something");
                }
            }
            _ => tracing::warn!(?check, "the check of the database did not end"),
        }
        of_check.set_check(check);
        drop(is_alive);
    };
    if let Err(error) = thread::Builder::new().name("check".to_owned()).spawn(run) {
        shared.set_check(Check::Failed(error.to_string()));
    }
}
