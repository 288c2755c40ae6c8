//! One run from beginning to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use semel_check::Event;
use semel_load::record::{NodeState, Recorder};
use semel_protocol::{ClientId, ThreadId, UserId};
use semel_server::auth::Tokens;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    Options,
    chaos::{self, Weather},
    device::Device,
    dice::Dice,
    disk::Disk,
    faults::Tally,
    finale,
    journal::Journal,
    life::Flag,
    network::{Net, Replays},
    person,
    server::{self, Server, WallClock},
};

/// Purposes of dice.
pub(crate) mod purpose {
    pub(crate) const PLAN: u64 = 1;
    pub(crate) const DISK: u64 = 2;
    pub(crate) const NET: u64 = 3;
    pub(crate) const CHAOS: u64 = 4;
    pub(crate) const SERVERS: u64 = 5;
    pub(crate) const DEVICES: u64 = 1_000;
}

/// People of a run.
const PEOPLE: (usize, usize) = (2, 6);
/// What people do in a run.
const OPERATIONS: (usize, usize) = (100, 300);
/// A run that is not done by then does not end by itself.
const RUN_MAX: Duration = Duration::from_hours(1);
/// How long everything may take to come to rest after the last fault is healed.
const REST_MAX: Duration = Duration::from_mins(5);
/// How often it is looked whether it has.
const REST_LOOK: Duration = Duration::from_millis(500);

/// What a run leaves.
pub(crate) struct Ended {
    pub(crate) hash: u64,
    pub(crate) operations: u64,
    pub(crate) time: Duration,
    pub(crate) violations: Vec<String>,
    pub(crate) faults: Vec<u64>,
    pub(crate) lines: Vec<String>,
    pub(crate) history: Vec<Event>,
}

/// What everybody in a run shares.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) people: Vec<UserId>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) disk: Disk,
    pub(crate) net: Arc<Net>,
    pub(crate) clock: WallClock,
    pub(crate) tokens: Tokens,
    pub(crate) recorder: Recorder,
    pub(crate) operations: AtomicU64,
    servers: Mutex<Dice>,
    shared: Mutex<Shared>,
}

/// What people tell each other outside.
#[derive(Default)]
pub(crate) struct Shared {
    /// Threads that anybody has heard of.
    pub(crate) threads: BTreeSet<ThreadId>,
    /// Messages and threads that somebody is changing.
    pub(crate) busy: BTreeSet<String>,
    /// Reactions that were made.
    pub(crate) reactions: BTreeSet<String>,
    /// Messages of devices whose outcome is known, and whether they were stored.
    pub(crate) settled: BTreeMap<ClientId, bool>,
    /// What people wait for.
    pub(crate) open: u64,
}

/// Something that somebody waits for, until it is dropped.
pub(crate) struct Open(Arc<World>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.shared().open -= 1;
    }
}

/// Something that one person at a time changes, until it is dropped.
pub(crate) struct Reserved(Arc<World>, String);

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.shared().busy.remove(&self.1);
    }
}

impl World {
    pub(crate) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn token(&self, who: &UserId) -> String {
        server::token(&self.tokens, who)
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Open {
        self.shared().open += 1;
        Open(self.clone())
    }

    pub(crate) fn reserve(self: &Arc<Self>, what: String) -> Option<Reserved> {
        let is_free = self.shared().busy.insert(what.clone());
        is_free.then(|| Reserved(self.clone(), what))
    }

    /// Starts a server, if none is there.
    pub(crate) fn start_server(&self) {
        if self.net.server().is_some() {
            return;
        }
        let dice = {
            let mut dice = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
            Dice::new(dice.roll(), 0)
        };
        let server = Server::start(&self.disk, &self.clock, dice);
        self.net.set_server(Some(server));
        self.recorder.node(0, NodeState::Started);
        self.journal.note(format_args!("server: started"));
    }

    /// Kills the server, or cuts the power.
    pub(crate) fn kill_server(&self, has_power: bool) {
        let Some(server) = self.net.set_server(None) else {
            return;
        };
        server.kill();
        self.recorder.node(0, NodeState::Killed);
        self.journal
            .note(format_args!("server: killed, power {has_power}"));
        let left = self.disk.crash(has_power);
        left.expect("a database in memory takes what it took before");
    }

    /// Stops the server as it should be stopped.
    pub(crate) async fn stop_server(&self) {
        let Some(server) = self.net.server() else {
            return;
        };
        self.journal.note(format_args!("server: stops"));
        server.stop().await;
        self.net.set_server(None);
        self.recorder.node(0, NodeState::Stopped);
        self.journal.note(format_args!("server: stopped"));
    }
}

fn create(seed: u64, options: Options, weather: &Weather, plan: &mut Dice) -> Arc<World> {
    let journal = Arc::new(Journal::new(options.is_told));
    let tally = Arc::new(Tally::default());
    let count = plan.between(PEOPLE.0, PEOPLE.1);
    let people = (1..=count).map(|n| UserId::parse(&format!("p{n}")).expect("an id"));
    let people: Vec<UserId> = people.collect();
    let disk = Disk::new(
        Dice::new(seed, purpose::DISK),
        weather.disk,
        tally.clone(),
        journal.clone(),
    );
    let clock = WallClock::start();
    let net = Net::new(
        Dice::new(seed, purpose::NET),
        weather.net,
        tally.clone(),
        journal.clone(),
    );
    let timer = journal.clone();
    Arc::new(World {
        seed,
        people,
        tally,
        disk: disk.expect("a database in memory is to be had"),
        net,
        tokens: server::tokens(&clock),
        clock,
        recorder: Recorder::in_memory(move || timer.nanos()),
        operations: AtomicU64::new(0),
        servers: Mutex::new(Dice::new(seed, purpose::SERVERS)),
        shared: Mutex::default(),
        journal,
    })
}

/// Lives a seed.
pub(crate) async fn live(seed: u64, options: Options) -> Ended {
    let begin = Instant::now();
    let mut plan = Dice::new(seed, purpose::PLAN);
    let weather = Weather::draw(&mut plan);
    let world = create(seed, options, &weather, &mut plan);
    world
        .net
        .tell_replays(Arc::new(ReplayRecord(world.clone())));
    world.journal.note(format_args!("weather: {weather:?}"));
    world.start_server();
    let mut devices = Vec::new();
    for who in &world.people {
        for number in 1..=plan.between(1, 2) {
            devices.push(Device::start(&world, who, number));
        }
    }
    let mut violations = Vec::new();
    let operations = plan.between(OPERATIONS.0, OPERATIONS.1);
    let work = person::everybody(&world, &devices, operations, plan);
    let calm = Flag::default();
    let rage = chaos::rage(world.clone(), devices.clone(), weather, calm.clone());
    let chaos = tokio::spawn(rage);
    if timeout(RUN_MAX, work).await.is_err() {
        violations.push("L1: people do not come to an end".to_owned());
    }
    calm.raise();
    // It ends what it has begun.
    if timeout(RUN_MAX, chaos).await.is_err() {
        violations.push("L1: the server does not come to an end".to_owned());
    }
    world.disk.heal();
    world.net.heal();
    world.start_server();
    world.journal.note(format_args!("everything is healed"));
    match come_to_rest(&world, &devices).await {
        Ok(()) => violations.extend(finale::read(&world, &devices).await),
        Err(open) => violations.push(format!("L1: not at rest after {REST_MAX:?}: {open}")),
    }
    let time = begin.elapsed();
    let history = world.recorder.take_events();
    for event in &history {
        world.journal.note(format_args!("{event:?}"));
    }
    let (hash, lines) = world.journal.end();
    Ended {
        hash,
        operations: world.operations.load(Relaxed),
        time,
        violations,
        faults: world.tally.counts(),
        lines,
        history,
    }
}

/// Waits until nobody waits for anything and every device has what is theirs; says what is missing if that takes too
/// long.
async fn come_to_rest(world: &Arc<World>, devices: &[Arc<Device>]) -> Result<(), String> {
    let end = Instant::now() + REST_MAX;
    loop {
        let Some(missing) = finale::missing(world, devices) else {
            return Ok(());
        };
        if Instant::now() >= end {
            return Err(missing);
        }
        sleep(REST_LOOK).await;
    }
}

/// Writes down that something comes once more: a call with an outcome that nobody hears.
struct ReplayRecord(Arc<World>);

impl Replays for ReplayRecord {
    fn packet(&self, who: &UserId, text: &str) -> Option<bool> {
        person::record_replay(&self.0, who, text)
    }
}
