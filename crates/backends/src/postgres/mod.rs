//! The ledger in a `PostgreSQL` database, for one server or several.
//!
//! Commands go to lanes by their thread; each lane commits batches through a session of its own. Nothing that was read
//! is kept beyond the transaction: other servers write the same database.
//!
//! What other servers commit is not told here. Whoever tells a server that thread T has reached rev R (a hint, a sweep)
//! finds the heads with [`Ledger::answer_first`] and [`Key::Thread`](semel_core::Key::Thread), many at once, and the
//! entries in between with [`Key::Entries`](semel_core::Key::Entries); [`Listener::committed`] has what to send out.

mod codec;
mod connect;
mod doctor;
mod fault;
mod lane;
mod leases;
mod load;
mod load_lists;
mod load_log;
mod load_people;
mod locks;
mod meta;
mod migrate;
mod order;
mod plain;
mod readers;
mod restored;
mod statements;
mod store;
mod store_sql;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod transaction;
mod transfer;

use std::{
    fmt,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
};

use async_trait::async_trait;
pub use connect::Address;
pub use doctor::{Report, doctor};
pub(crate) use fault::{Fault, fault};
pub use restored::{Restored, restored};
use semel_core::{
    Command, Key, Reply,
    ports::{Clock, Entropy, Ledger, LedgerError, Listener, Question, Renderer},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
pub(crate) use transfer::End;
use uuid::Uuid;

use self::{
    connect::Session,
    lane::LaneTask,
    order::{LaneOrder, Order},
    readers::Questions,
    transaction::{Server, Writer},
};
use crate::{
    Error, StatsView,
    lane::{Job, QUEUE_COMMANDS_MAX, Setup, Watch},
};

/// What a ledger needs.
#[derive(Clone)]
pub struct Options {
    /// Where the database is.
    pub address: Address,
    /// Lanes that commit side by side, each with a connection.
    pub lanes: usize,
    /// Connections that answer callers' questions; the server's own have one more.
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
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The ledger in a `PostgreSQL` database. Dropping it without [`Ledger::close`] is like a crash.
pub struct PostgresLedger {
    lanes: Vec<LaneEnd>,
    /// Bytes of the commands that wait.
    waiting: Arc<AtomicUsize>,
    hasher: std::hash::BuildHasherDefault<std::hash::DefaultHasher>,
    entropy: Arc<dyn Entropy>,
    incarnation: String,
    /// Of callers.
    questions: Arc<Questions>,
    /// The server's own, which wait for none of the callers'.
    own_questions: Arc<Questions>,
    is_closing: AtomicBool,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// The near end of a lane.
struct LaneEnd {
    jobs: mpsc::Sender<Job>,
    watch: Arc<Watch>,
}

impl PostgresLedger {
    /// Opens a database, brings it to the schema of this program, and starts the tasks that serve it.
    pub async fn open(options: Options) -> Result<Arc<Self>, Error> {
        options.address.tell(Arc::clone(&options.listener));
        let mut session = Session::open(&options.address, "start").await?;
        migrate::migrate(session.client_mut()).await?;
        let identity = meta::identity(session.client_mut(), &*options.entropy).await?;
        // After it: of a server and a transfer that begin together, one finds what the other has written.
        meta::refuse_half_filled(session.client()).await?;
        let (stop, _) = watch::channel(false);
        let mut ledger = Self {
            lanes: Vec::new(),
            waiting: Arc::default(),
            hasher: std::hash::BuildHasherDefault::default(),
            entropy: Arc::clone(&options.entropy),
            incarnation: identity.incarnation.clone(),
            questions: Questions::new(),
            own_questions: Questions::new(),
            is_closing: AtomicBool::new(false),
            stop,
            tasks: Mutex::default(),
        };
        let id = Uuid::from_u128(options.entropy.seed());
        let server = Server::new(options.address.clone(), id, identity.incarnation);
        let order = Order::new(Arc::clone(&options.listener));
        for number in 0..options.lanes.max(1) as i64 {
            let watch: Arc<Watch> = Arc::default();
            let lane_order = LaneOrder::new(Arc::clone(&order));
            let setup = Setup {
                content_key: identity.content_key,
                idempotency_ms: options.idempotency_ms,
                strangers_day_max: options.strangers_day_max,
                clock: Arc::clone(&options.clock),
                renderer: Arc::clone(&options.renderer),
                listener: Arc::clone(&lane_order) as Arc<dyn Listener>,
                watch: Arc::clone(&watch),
            };
            let writer = Writer::new(Arc::clone(&server), number, lane_order);
            let (jobs, receiver) = mpsc::channel(QUEUE_COMMANDS_MAX);
            let lane = LaneTask::open(setup, writer, receiver, ledger.stop.subscribe()).await?;
            ledger.spawn(lane.run());
            ledger.lanes.push(LaneEnd { jobs, watch });
        }
        let watch = Arc::clone(&ledger.lanes[0].watch);
        for questions in std::iter::repeat_n(&ledger.questions, options.readers.max(1))
            .chain([&ledger.own_questions])
        {
            let questions = Arc::clone(questions);
            ledger.spawn(readers::serve(
                options.address.clone(),
                questions,
                Arc::clone(&watch),
            ));
        }
        Ok(Arc::new(ledger))
    }

    /// What the lanes count, together.
    pub fn stats(&self) -> StatsView {
        let views = self.lanes.iter().map(|lane| lane.watch.stats.view());
        views.fold(StatsView::default(), StatsView::plus)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.push(tokio::spawn(task));
    }

    /// Commands of a thread go to one lane, as far as they name it; those about a set of people, too.
    fn lane_of(&self, command: &Command) -> &LaneEnd {
        let mut keys = Vec::new();
        command.action.keys(&command.actor, &mut keys);
        let thread = keys.iter().find(|key| matches!(key, Key::Thread(_)));
        let people = || {
            keys.iter()
                .find(|key| matches!(key, Key::ParticipantsKey(_)))
        };
        let hash = match thread.or_else(people) {
            Some(key) => self.hasher.hash_one(key),
            None => self.hasher.hash_one(&command.actor),
        };
        &self.lanes[(hash % self.lanes.len() as u64) as usize]
    }
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        if self.is_closing.load(SeqCst) {
            return Err(LedgerError::Closing);
        }
        let lane = self.lane_of(&command);
        let (job, answer) = Job::new(command, self.entropy.seed(), &self.waiting)?;
        lane.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LedgerError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => LedgerError::Closing,
        })?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        let answer = self.questions.ask(question)?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        let answer = self.own_questions.ask(question)?;
        answer.await.unwrap_or(Err(LedgerError::Closing))
    }

    fn incarnation(&self) -> String {
        self.incarnation.clone()
    }

    fn health(&self) -> Result<(), String> {
        self.lanes.iter().try_for_each(|lane| lane.watch.health())
    }

    async fn close(&self) {
        self.is_closing.store(true, SeqCst);
        self.questions.close();
        self.own_questions.close();
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // One that panicked has ended as well.
            let _ = task.await;
        }
    }
}

impl Drop for PostgresLedger {
    fn drop(&mut self) {
        for task in self
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
        {
            task.abort();
        }
    }
}
