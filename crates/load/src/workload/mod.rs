//! People who use a server in every way there is, all of it recorded: several devices each, outboxes and batches, messages
//! that are given up, sent twice or refused, changes that are repeated under their idempotency keys, threads that are
//! made by several at once, people who come and go, clients that crash.
//!
//! Invariant: everything that changes something is in the history, what sets the run up included.
//! Invariant: each thread has members who see all of it, from the beginning to the end.

mod device;
mod people;
mod places;
mod plan;
mod rest;
mod rooms;
mod world;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

pub use plan::Plan;
pub use rest::{Rest, RestThread, Stuck};

use device::Device;
use places::Places;
use rooms::Board;
use semel_client::{Address, Api};
use semel_protocol::UserId;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use world::World;

use crate::{
    Sign,
    dice::Dice,
    record::{Level, Recorder},
};

/// Time in which the people and threads of a plan must be made, in seconds.
const START_SECONDS_MAX: u64 = 120;
/// People who are made at a time.
const START_AT_A_TIME: usize = 32;

/// Why a load cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plan makes no sense.
    #[error("follow the plan: it needs {0}")]
    Plan(&'static str),
    /// There is nowhere to go.
    #[error("find a server: no address was given")]
    NoAddress,
    /// A person's id is too long, or has characters that no id has.
    #[error("name the people {0}")]
    Name(String),
    /// The people or threads cannot be made.
    #[error("make the people and threads: {0}")]
    Server(String),
    /// It takes too long.
    #[error("make the people and threads in {START_SECONDS_MAX} s")]
    Slow,
}

/// A running load. Dropping it ends everything at once; [`Workload::quiesce`] ends it properly.
pub struct Workload {
    world: Arc<World>,
    devices: Vec<Arc<Device>>,
    tasks: Mutex<Vec<(String, JoinHandle<()>)>>,
}

impl Workload {
    /// Makes the people and threads of a plan, connects the devices, and begins. With several addresses, clients are
    /// spread over them, and go to the next one whenever they connect again or repeat what was not answered.
    pub async fn start(
        plan: Plan,
        addresses: Vec<Address>,
        sign: Sign,
        recorder: Recorder,
    ) -> Result<Self, LoadError> {
        if let Some(wanted) = plan.flaw() {
            return Err(LoadError::Plan(wanted));
        }
        if addresses.is_empty() {
            return Err(LoadError::NoAddress);
        }
        let name = |number| UserId::parse(&format!("{}-{number}", plan.name));
        let people: Result<Vec<UserId>, _> = (0..plan.people).map(name).collect();
        let people = people.map_err(|error| LoadError::Name(error.to_string()))?;
        let world = Arc::new(World {
            plan,
            recorder,
            sign,
            places: Arc::new(Places::new(addresses)),
            people,
            board: Board::default(),
            is_going: AtomicBool::new(true),
            acknowledged: AtomicU64::new(0),
            complaints: Mutex::default(),
        });
        let limit = Duration::from_secs(START_SECONDS_MAX);
        let setting_up = timeout(limit, set_up(&world)).await;
        setting_up.map_err(|_| LoadError::Slow)??;
        let devices = devices(&world);
        let tasks = Mutex::new(tasks(&world, &devices));
        Ok(Self {
            world,
            devices,
            tasks,
        })
    }

    /// Messages that were acknowledged so far, repeats not counted.
    pub fn acknowledged(&self) -> u64 {
        self.world.acknowledged.load(Ordering::Relaxed)
    }

    /// The servers are somewhere else now. Connections that stand are not broken.
    ///
    /// # Panics
    ///
    /// If there is no address.
    pub fn set_addresses(&self, addresses: Vec<Address>) {
        assert!(!addresses.is_empty(), "clients need somewhere to go");
        self.world.places.set(addresses);
    }

    /// How many devices there are.
    pub fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// A client is killed and started again with what it had kept. Any number is one of a device.
    pub async fn crash_client(&self, number: usize) {
        self.devices[number % self.devices.len()].crash().await;
    }
}

impl Drop for Workload {
    fn drop(&mut self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(|(_, task)| task.abort());
    }
}

/// Everybody comes once, so that they are known; then the groups are made.
async fn set_up(world: &Arc<World>) -> Result<(), LoadError> {
    let mut coming = JoinSet::new();
    for person in 0..world.people.len() {
        if coming.len() >= START_AT_A_TIME {
            arrived(coming.join_next().await)?;
        }
        let api = Api::new(world.places.of(person), &world.token(person));
        coming.spawn(async move {
            let me = api.get::<serde_json::Value>("/api/users/me").await;
            me.map(drop).map_err(|error| error.to_string())
        });
    }
    while let Some(one) = coming.join_next().await {
        arrived(Some(one))?;
    }
    let plan = &world.plan;
    let mut dice = Dice::new(plan.seed, 0);
    for thread in 0..plan.threads {
        let mut all: Vec<usize> = (0..plan.people).collect();
        // The keeper is another one each time, the others are drawn.
        all.rotate_left(thread % plan.people);
        for place in 1..plan.members + plan.guests {
            let other = place + dice.below(all.len() - place);
            all.swap(place, other);
        }
        let members = all[..plan.members].to_vec();
        let guests = all[plan.members..plan.members + plan.guests].to_vec();
        let opened = people::open_room(world, members, guests).await;
        opened.map_err(LoadError::Server)?;
    }
    Ok(())
}

fn arrived(
    one: Option<Result<Result<(), String>, tokio::task::JoinError>>,
) -> Result<(), LoadError> {
    match one {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(text))) => Err(LoadError::Server(text)),
        Some(Err(error)) => Err(LoadError::Server(error.to_string())),
    }
}

/// The first ones write. They belong to different people as long as there are enough of them.
fn devices(world: &Arc<World>) -> Vec<Arc<Device>> {
    let plan = &world.plan;
    let device = |number| {
        let person = number % plan.people;
        let level = if number < plan.senders {
            Level::Everything
        } else {
            plan.level
        };
        Arc::new(Device::start(world, number, person, level))
    };
    (0..plan.people * plan.devices).map(device).collect()
}

fn tasks(world: &Arc<World>, devices: &[Arc<Device>]) -> Vec<(String, JoinHandle<()>)> {
    let plan = &world.plan;
    let mut tasks = Vec::new();
    let mut stream = 0;
    let mut dice = || {
        stream += 1;
        Dice::new(plan.seed, stream)
    };
    let world = || Arc::clone(world);
    for (number, device) in devices.iter().take(plan.senders).enumerate() {
        let run = people::sender(world(), Arc::clone(device), dice());
        tasks.push((format!("sender {number}"), tokio::spawn(run)));
    }
    for number in 0..plan.hasty {
        let run = people::hasty(world(), number % plan.people, dice());
        tasks.push((format!("hasty {number}"), tokio::spawn(run)));
    }
    for number in 0..plan.keyed {
        // From the end, so that not everything is done by the same people.
        let person = plan.people - 1 - number % plan.people;
        let run = people::keyed(world(), person, dice());
        tasks.push((format!("keyed {number}"), tokio::spawn(run)));
    }
    let races = Arc::new(AtomicUsize::new(0));
    for number in 0..plan.racers {
        let run = people::racer(world(), Arc::clone(&races), dice());
        tasks.push((format!("racer {number}"), tokio::spawn(run)));
    }
    for number in 0..plan.managers {
        let run = people::manager(world(), number, plan.managers, dice());
        tasks.push((format!("manager {number}"), tokio::spawn(run)));
    }
    for number in 0..plan.readers {
        let run = people::reader(world(), dice());
        tasks.push((format!("reader {number}"), tokio::spawn(run)));
    }
    tasks
}
