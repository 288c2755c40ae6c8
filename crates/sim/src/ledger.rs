//! The ledger of a simulated server: the real lane over the simulated disk, in a task instead of a thread.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use async_trait::async_trait;
use semel_backends::lane::{Job, Lane, QUEUE_COMMANDS_MAX, Setup, TICK, Watch, gather};
use semel_core::{
    Command, Reply,
    ports::{Entropy, Ledger, LedgerError, Question},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    dice::Dice,
    disk::{Disk, SimStore},
    life::{Flag, Life},
};

/// A question takes up to this.
const QUESTION_MAX: Duration = Duration::from_millis(20);

/// A ledger over a disk.
#[derive(Debug)]
pub(crate) struct SimLedger {
    disk: Disk,
    life: Life,
    entropy: Arc<dyn Seeded>,
    dice: std::sync::Mutex<Dice>,
    work: mpsc::Sender<Job>,
    waiting: Arc<AtomicUsize>,
    watch: Arc<Watch>,
    closing: Flag,
    /// Raised when the lane has ended.
    ended: Flag,
}

/// Randomness that can be shown.
pub(crate) trait Seeded: Entropy + std::fmt::Debug {}

impl<T: Entropy + std::fmt::Debug> Seeded for T {}

impl SimLedger {
    /// A ledger, and the task of its lane.
    pub(crate) fn start(
        disk: &Disk,
        life: &Life,
        entropy: Arc<dyn Seeded>,
        dice: Dice,
        setup: Setup,
    ) -> (Arc<Self>, JoinHandle<()>) {
        disk.begin();
        let (work, waiting) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (closing, ended) = (Flag::default(), Flag::default());
        let lane = run(
            Lane::new(setup.clone(), SimStore::new(disk.clone(), life.clone())),
            waiting,
            closing.clone(),
            ended.clone(),
        );
        let ledger = Arc::new(Self {
            disk: disk.clone(),
            life: life.clone(),
            entropy,
            dice: std::sync::Mutex::new(dice),
            work,
            waiting: Arc::default(),
            watch: setup.watch,
            closing,
            ended,
        });
        (ledger, tokio::spawn(lane))
    }

    async fn ask(&self, mut question: Question) -> Result<(), LedgerError> {
        let time = self
            .dice
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .time(QUESTION_MAX);
        sleep(time).await;
        self.life.go_on().await;
        if self.closing.is_raised() {
            return Err(LedgerError::Closing);
        }
        let answered = self.disk.answer(&mut question);
        answered.map_err(|error| LedgerError::Unavailable(error.chain()))
    }
}

/// What the thread of the real engine does, without what belongs to files.
async fn run(
    mut lane: Lane<SimStore>,
    mut waiting: mpsc::Receiver<Job>,
    closing: Flag,
    ended: Flag,
) {
    loop {
        let next = tokio::select! {
            biased;
            job = waiting.recv() => Ok(job),
            () = closing.raised() => Ok(None),
            () = sleep(TICK) => Err(()),
        };
        match next {
            Ok(Some(job)) => {
                let jobs = gather(job, || waiting.try_recv().ok());
                lane.serve(jobs).await;
            }
            Ok(None) => return ended.raise(),
            Err(()) => lane.look_after().await,
        }
    }
}

#[async_trait]
impl Ledger for SimLedger {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        self.life.go_on().await;
        if self.closing.is_raised() {
            return Err(LedgerError::Closing);
        }
        let (job, answer) = Job::new(command, self.entropy.seed(), &self.waiting)?;
        let sent = self.work.try_send(job);
        sent.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LedgerError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => LedgerError::Closing,
        })?;
        let answer = answer.await;
        self.life.go_on().await;
        answer.unwrap_or(Err(LedgerError::Closing))
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        self.ask(question).await
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        self.ask(question).await
    }

    fn incarnation(&self) -> String {
        self.disk.with(|memory| memory.incarnation().to_owned())
    }

    fn health(&self) -> Result<(), String> {
        self.watch.health()
    }

    async fn close(&self) {
        self.closing.raise();
        // A lane whose store does not come back would wait for ever.
        let _ = timeout(Duration::from_mins(1), self.ended.raised()).await;
    }
}
