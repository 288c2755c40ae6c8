//! What every scenario begins with: people, connections and threads.

use std::{
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_client::{Api, ConnectError, Transport};
use semel_protocol::{ThreadId, ThreadType, UserId, requests::CreateOrGet};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    LoadError, MadeThread, Run, Summary,
    device::{Device, Interest, Shared, Source},
    orders::{Desk, Orders, desk},
    pace::{Arrival, Schedule},
    plan::{Plan, Rate},
    tally::{Tally, Timed},
    target::Target,
};
use crate::record::{CallRecord, Level, NodeState, RecordedApi, Recorder, SessionRecord};

/// Connections that are made at the same time.
const CONNECTING_AT_ONCE: usize = 50;
/// Time after the load in which everything must be answered and seen.
const DRAIN: Duration = Duration::from_secs(15);
/// Pause between looks whether it is.
const LOOK: Duration = Duration::from_millis(5);
/// Time without an entry after which no more is to come.
const QUIET: Duration = Duration::from_millis(300);
/// Time in which a recorded call must be answered.
const CALL: Duration = Duration::from_mins(1);
/// From when everything is connected to the beginning of the load.
const BREATH: Duration = Duration::from_millis(200);

/// A run.
pub(super) struct Stage<'a> {
    pub(super) target: &'a Target,
    pub(super) plan: &'a Plan,
    pub(super) tally: Arc<Tally>,
    pub(super) shared: Shared,
    begin: Instant,
    recorder: Option<Recorder>,
    records: Mutex<Vec<Arc<SessionRecord>>>,
    threads: Mutex<Vec<MadeThread>>,
    /// Ends with the stage: so do all devices.
    pub(super) devices: JoinSet<()>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        target: &'a Target,
        plan: &'a Plan,
        tally: Arc<Tally>,
        recorder: Option<Recorder>,
    ) -> Self {
        let shared = Shared {
            tally: Arc::clone(&tally),
            now: Arc::clone(&target.now),
            zero: Instant::now(),
        };
        Self {
            target,
            plan,
            tally,
            begin: shared.zero,
            recorder,
            records: Mutex::default(),
            threads: Mutex::default(),
            shared,
            devices: JoinSet::new(),
        }
    }

    /// The name of somebody in this run.
    pub(super) fn name(&self, role: &str, number: usize) -> String {
        format!("{}-{role}-{number}", self.target.prefix())
    }

    /// Connects everybody, some at a time, in their order. Whoever connects becomes known to the server.
    pub(super) async fn connect(&self, names: &[String]) -> Result<Vec<Transport>, LoadError> {
        let mut open = Vec::with_capacity(names.len());
        for some in names.chunks(CONNECTING_AT_ONCE) {
            let opening: Vec<_> = some
                .iter()
                .zip(open.len()..)
                .map(|(name, number)| {
                    let (address, token) = (self.target.address(number).clone(), self.token(name));
                    let tally = Arc::clone(&self.tally);
                    tokio::spawn(async move {
                        let begin = Instant::now();
                        let transport = Transport::connect(&address, &token, None).await?;
                        tally.connect(begin.elapsed());
                        Ok::<_, ConnectError>(transport)
                    })
                })
                .collect();
            for one in opening {
                let connected = one.await.map_err(LoadError::Task)?;
                open.push(connected.map_err(|error| LoadError::Connect(open.len(), error))?);
            }
            self.tally
                .enter(format!("connecting, {} of {}", open.len(), names.len()));
        }
        Ok(open)
    }

    /// The thread of these people, the first of whom makes it; all are known to the server.
    pub(super) async fn thread(
        &self,
        people: &[String],
        thread_type: ThreadType,
    ) -> Result<ThreadId, LoadError> {
        let people: Vec<UserId> = people.iter().map(|name| user(name)).collect();
        let body = CreateOrGet {
            participants: people[1..].to_vec(),
            thread_type: Some(thread_type),
            title: None,
            distinct: None,
            client_id: None,
        };
        let token = (self.target.sign)(&people[0]);
        let address = self.target.address(locked(&self.threads).len()).clone();
        let thread = if let Some(recorder) = &self.recorder {
            let calls = recorder.calls(&people[0]);
            let api = RecordedApi::new(address, &token, calls, CALL);
            api.create_or_get(&body, None)
                .await
                .map_err(LoadError::Call)?
                .data
                .thread
        } else {
            let api = Api::new(address, &token);
            api.create_or_get(&body)
                .await
                .map_err(LoadError::Api)?
                .data
                .thread
        };
        locked(&self.threads).push(MadeThread {
            thread_id: thread.id,
            people,
        });
        Ok(thread.id)
    }

    /// HTTP calls in somebody's name, to the server of this number.
    pub(super) fn api(&self, name: &str, number: usize) -> Api {
        Api::new(self.target.address(number).clone(), &self.token(name))
    }

    /// Where the device of this number fetches what it is only told of.
    pub(super) fn source(&self, name: &str, number: usize) -> Arc<Source> {
        let address = self.target.address(number).clone();
        Arc::new(Source::new(address, self.token(name)))
    }

    /// Somebody's access token.
    pub(super) fn token(&self, name: &str) -> String {
        (self.target.sign)(&user(name))
    }

    /// Who writes down what a device of somebody sends and sees.
    pub(super) fn witness(&self, name: &str) -> Option<Arc<SessionRecord>> {
        self.record(name, Level::Everything)
    }

    /// Who writes down what somebody sends otherwise.
    pub(super) fn witness_of_sends(&self, name: &str) -> Option<Arc<SessionRecord>> {
        self.record(name, Level::Sends)
    }

    fn record(&self, name: &str, level: Level) -> Option<Arc<SessionRecord>> {
        let recorder = self.recorder.as_ref()?;
        let mut records = locked(&self.records);
        let device = format!("device-{}", records.len());
        let record = recorder.session_at(&user(name), &device, level);
        records.push(Arc::clone(&record));
        Some(record)
    }

    /// Who writes down somebody's calls that are no messages.
    pub(super) fn calls(&self, name: &str) -> Option<CallRecord> {
        let recorder = self.recorder.as_ref()?;
        Some(recorder.calls(&user(name)))
    }

    /// The server is killed, or serves again.
    pub(super) fn node(&self, state: NodeState) {
        if let Some(recorder) = &self.recorder {
            recorder.node(0, state);
        }
    }

    /// Ends what still runs.
    pub(super) async fn finish(mut self, summary: Summary) -> Run {
        self.devices.shutdown().await;
        Run {
            summary,
            threads: std::mem::take(&mut *locked(&self.threads)),
            records: std::mem::take(&mut *locked(&self.records)),
        }
    }

    /// A device begins to work.
    pub(super) fn put_to_work(
        &mut self,
        number: usize,
        transport: Transport,
        interest: Interest,
        orders: Orders,
    ) {
        let ids = self.target.ids(number as u64 + 1);
        let device = Device::new(Box::new(transport), ids, self.shared.clone(), interest);
        self.devices.spawn(device.run(orders));
    }

    /// Says when the load begins: in a moment. Orders for writers follow from it.
    pub(super) fn begin(&mut self) {
        self.begin = Instant::now() + BREATH;
    }

    /// When the load goes on.
    pub(super) fn time(&self) -> Range<Instant> {
        self.begin..self.begin + self.plan.duration
    }

    /// The orders of one who writes to a thread: of an open loop those that are handed in at the desk, of a closed one the
    /// next as soon as the last is answered.
    pub(super) fn orders(&self, thread_id: ThreadId) -> (Orders, Option<Desk>) {
        match self.plan.rate {
            Rate::Max => {
                let time = self.time();
                (Orders::Endless { time, thread_id }, None)
            }
            Rate::PerSecond(_) => {
                let (orders, desk) = desk(thread_id);
                (orders, Some(desk))
            }
        }
    }

    /// Lets the load run: an open loop hands out what is due. Returns when everything is answered, with the time that it
    /// took.
    pub(super) async fn load(&self, mut hand_out: impl FnMut(Arrival)) -> Duration {
        self.tally.enter("loading");
        match self.plan.rate {
            Rate::Max => sleep_until(self.time().end).await,
            Rate::PerSecond(rate) => {
                let mut due = Schedule::new(self.begin, rate, self.plan.duration).run();
                while let Some(arrival) = due.recv().await {
                    // This task waits for nothing but the schedule: when it is late, the generator is.
                    self.tally.time(Timed::Lag, arrival.due.elapsed());
                    self.tally.ask();
                    hand_out(arrival);
                }
                sleep_until(self.time().end).await;
            }
        }
        self.drain_answers().await;
        self.begin.elapsed()
    }

    /// Waits until nothing is delivered any more.
    pub(super) async fn drain_quiet(&self) {
        self.tally.enter("waiting for the last screens");
        let end = Instant::now() + DRAIN;
        let mut before = 0;
        loop {
            let delivered = self.tally.counters().delivered;
            if delivered == before || Instant::now() >= end {
                return;
            }
            before = delivered;
            sleep(QUIET).await;
        }
    }

    /// Waits until every call has its answer. Those that have none in time have failed.
    pub(super) async fn drain_answers(&self) {
        self.tally.enter("waiting for the last answers");
        let is_settled = || self.tally.counters().open() == 0;
        if !self.wait_until(is_settled).await {
            for _ in 0..self.tally.counters().open() {
                self.tally.fail("unanswered");
            }
        }
    }

    /// Waits until devices have seen so many entries. What is missing is noted.
    pub(super) async fn drain_screens(&self, expected: u64) {
        self.tally.enter("waiting for the last screens");
        let has_seen = || self.tally.counters().delivered >= expected;
        if !self.wait_until(has_seen).await {
            let missing = expected - self.tally.counters().delivered;
            for _ in 0..missing {
                self.tally.note("not seen");
            }
        }
    }

    async fn wait_until(&self, is_so: impl Fn() -> bool) -> bool {
        let end = Instant::now() + DRAIN;
        while !is_so() {
            if Instant::now() >= end {
                return false;
            }
            sleep(LOOK).await;
        }
        true
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("names of a run are legal ids")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
