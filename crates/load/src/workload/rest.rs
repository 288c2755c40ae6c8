//! Coming to rest: nobody begins anything, every outbox is empty, every device has everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use semel_client::{Api, ApiError};
use semel_protocol::{Rev, ThreadId, UserId};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Workload, device::Device, world::World};
use crate::{Sign, record::SessionRecord};

/// Pause between two looks whether everything is at rest, in milliseconds.
const LOOK_MILLIS: u64 = 50;
/// Reasons that are told; the others are counted.
const REASONS_SHOWN_MAX: usize = 20;

/// A load at rest. The devices are still connected.
pub struct Rest {
    pub(crate) threads: Vec<RestThread>,
    pub(crate) devices: Vec<Arc<SessionRecord>>,
    pub(crate) sign: Sign,
}

/// A thread at rest.
#[derive(Clone, Debug)]
pub struct RestThread {
    /// Which.
    pub thread: ThreadId,
    /// Of which epoch.
    pub epoch: u64,
    /// Its last entry.
    pub last_rev: Rev,
    /// People who have been in it from the beginning, all the time.
    pub members: Vec<UserId>,
    /// Everybody who is in it now.
    pub present: BTreeSet<UserId>,
    /// Whether its people have stayed the same.
    pub is_fixed: bool,
}

/// A load that does not come to rest: what it waits for.
#[derive(Debug, Default, thiserror::Error)]
pub struct Stuck {
    /// Who waits for what.
    pub reasons: Vec<String>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "come to rest: ")?;
        let shown = self.reasons.iter().take(REASONS_SHOWN_MAX);
        for (index, reason) in shown.enumerate() {
            write!(f, "{}{reason}", if index == 0 { "" } else { "; " })?;
        }
        match self.reasons.len().saturating_sub(REASONS_SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Rest {
    /// What there is.
    pub fn threads(&self) -> &[RestThread] {
        &self.threads
    }
}

impl Workload {
    /// Begins nothing new, and waits until everybody knows what became of what they did, every outbox is empty, and
    /// every device has applied everything that is its person's to see. Servers must be up, faults healed.
    pub async fn quiesce(&self, limit: Duration) -> Result<Rest, Stuck> {
        let end = Instant::now() + limit;
        self.world.is_going.store(false, Ordering::Relaxed);
        self.end_tasks(end).await?;
        self.check_complaints()?;
        let mut before = None;
        loop {
            let (stuck, now) = self.look().await;
            if stuck.reasons.is_empty() && before == Some(heads(&now)) {
                self.check_complaints()?;
                return Ok(Rest {
                    devices: self.records().await,
                    sign: Arc::clone(&self.world.sign),
                    threads: now,
                });
            }
            if Instant::now() >= end {
                return Err(stuck);
            }
            before = Some(heads(&now));
            sleep(Duration::from_millis(LOOK_MILLIS)).await;
        }
    }

    async fn end_tasks(&self, end: Instant) -> Result<(), Stuck> {
        let tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        let mut stuck = Stuck::default();
        for (name, mut task) in tasks {
            match timeout_at(end, &mut task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => stuck.reasons.push(format!("{name} failed: {error}")),
                Err(_) => {
                    task.abort();
                    stuck.reasons.push(format!("{name} waits for an answer"));
                }
            }
        }
        if stuck.reasons.is_empty() {
            Ok(())
        } else {
            Err(stuck)
        }
    }

    fn check_complaints(&self) -> Result<(), Stuck> {
        let complaints = &self.world.complaints;
        let reasons = complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Stuck { reasons })
        }
    }

    /// What is not at rest yet, and the threads as they are.
    async fn look(&self) -> (Stuck, Vec<RestThread>) {
        let mut stuck = Stuck::default();
        let threads = match threads(&self.world).await {
            Ok(threads) => threads,
            Err(error) => {
                stuck
                    .reasons
                    .push(format!("nobody can read the threads: {error}"));
                return (stuck, Vec::new());
            }
        };
        for device in &self.devices {
            look_at(&self.world, device, &threads, &mut stuck.reasons).await;
        }
        (stuck, threads)
    }

    async fn records(&self) -> Vec<Arc<SessionRecord>> {
        let mut records = Vec::new();
        for device in &self.devices {
            records.push(device.record().await);
        }
        records
    }
}

fn heads(threads: &[RestThread]) -> BTreeMap<ThreadId, Rev> {
    threads
        .iter()
        .map(|thread| (thread.thread, thread.last_rev))
        .collect()
}

async fn look_at(
    world: &World,
    device: &Device,
    threads: &[RestThread],
    reasons: &mut Vec<String>,
) {
    let (name, user) = (&device.name, &world.people[device.person]);
    let record = device.record().await;
    let waiting = device.waiting().max(record.open_sends());
    if waiting > 0 {
        reasons.push(format!(
            "{name} of {user} has {waiting} messages in its outbox"
        ));
    }
    for thread in threads.iter().filter(|it| it.present.contains(user)) {
        let head = record.head(thread.thread);
        if head < thread.last_rev {
            let (id, last) = (thread.thread, thread.last_rev);
            reasons.push(format!(
                "{name} of {user} has come to {head} of {last} in {id}"
            ));
        }
    }
}

/// All threads that anybody is in, as the server says.
async fn threads(world: &World) -> Result<Vec<RestThread>, ApiError> {
    let rooms = world.board.all();
    let rooms: BTreeMap<ThreadId, _> = rooms.iter().map(|room| (room.id, room)).collect();
    let mut threads: BTreeMap<ThreadId, RestThread> = BTreeMap::new();
    for (person, user) in world.people.iter().enumerate() {
        let api = Api::new(world.places.of(person), &world.token(person));
        let mut cursor = None;
        loop {
            let page = api.threads(cursor.as_deref()).await?.data;
            for thread in page.threads {
                let room = rooms.get(&thread.id);
                let rest = threads.entry(thread.id).or_insert_with(|| RestThread {
                    thread: thread.id,
                    epoch: thread.epoch,
                    last_rev: thread.last_rev,
                    members: Vec::new(),
                    present: BTreeSet::new(),
                    // What nobody else made is of people who stay the same.
                    is_fixed: room.is_none_or(|room| room.is_fixed),
                });
                rest.last_rev = thread.last_rev.max(rest.last_rev);
                rest.present.insert(user.clone());
                if room.is_none_or(|room| room.members.contains(&person)) {
                    rest.members.push(user.clone());
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(threads.into_values().collect())
}
