//! A disk with a database on it, which outlives the servers: what is committed, what is durable, and what goes wrong.
//!
//! The database is the real one, in memory. A commit takes time: first it is written, then it is synced, then it has
//! happened. A process that is killed in between leaves what it has written; a power cut leaves what was synced, and any
//! part of the rest, from the front.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_backends::{
    Error,
    lane::{NotCommitted, Store},
    sqlite::{Memory, broken_disk, full_disk},
};
use semel_core::{Changes, Key, Rows, ports::Question};
use semel_protocol::Timestamp;
use semel_sabotage::{Defect, is_on};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    dice::{Dice, Seeds},
    faults::{Fault, Tally},
    journal::Journal,
    life::Life,
};

/// A write or a sync takes up to this.
const WRITE_MAX: Duration = Duration::from_millis(4);
const SYNC_MAX: Duration = Duration::from_millis(30);

/// A disk that several servers use, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    memory: Memory,
    /// Everything that was committed, batch by batch.
    committed: Vec<Vec<Changes>>,
    /// How many of those were synced.
    synced: usize,
    in_flight: InFlight,
    /// Told when a commit begins, and when it begins to be synced.
    moved: Arc<Notify>,
    away_until: Option<Instant>,
    /// Commits of a thousand that go wrong in each way.
    rates: Rates,
    dice: Dice,
    tally: Arc<Tally>,
    journal: Arc<Journal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InFlight {
    Nothing,
    /// It would be gone.
    Writing,
    /// The system has it, the disk perhaps.
    Syncing,
}

/// Commits of a thousand that go wrong in each way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) refused: u32,
    pub(crate) unknown_kept: u32,
    pub(crate) unknown_lost: u32,
    pub(crate) broken: u32,
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Good,
    Refused,
    UnknownKept,
    UnknownLost,
    Broken,
}

impl Disk {
    pub(crate) fn new(
        dice: Dice,
        rates: Rates,
        tally: Arc<Tally>,
        journal: Arc<Journal>,
    ) -> Result<Self, Error> {
        let mut dice = dice;
        let memory = Memory::new(&Seeds::new(Dice::new(dice.roll(), 0)))?;
        Ok(Self(Arc::new(Mutex::new(State {
            memory,
            committed: Vec::new(),
            synced: 0,
            in_flight: InFlight::Nothing,
            moved: Arc::default(),
            away_until: None,
            rates,
            dice,
            tally,
            journal,
        }))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the database as it is.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Memory) -> T) -> T {
        work(&self.state().memory)
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.rates = Rates::default();
        state.away_until = None;
    }

    /// Comes back in the middle of a commit, while it is written or while it is synced.
    pub(crate) async fn in_a_commit(&self) {
        let moved = self.state().moved.clone();
        moved.notified().await;
    }

    /// The disk answers nobody for a while.
    pub(crate) fn go_away(&self, time: Duration) {
        self.state().away_until = Some(Instant::now() + time);
    }

    /// A server begins with a commit of its own, before it answers anybody: with it, everything before it is forced to the
    /// disk, also what a process had only written when it was killed.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.synced = state.committed.len();
    }

    /// Whoever wrote is gone: what remains?
    pub(crate) fn crash(&self, has_power: bool) -> Result<(), Error> {
        let mut state = self.state();
        let in_flight = std::mem::replace(&mut state.in_flight, InFlight::Nothing);
        let is_kept = match in_flight {
            InFlight::Syncing => has_power || state.dice.chance(500),
            InFlight::Writing | InFlight::Nothing => false,
        };
        if is_kept {
            state
                .journal
                .note(format_args!("disk: the commit in flight was kept"));
            state.tally.count(Fault::CommitKeptByCrash);
            state.apply()?;
        } else {
            if in_flight != InFlight::Nothing {
                state.tally.count(Fault::CommitLostByCrash);
            }
            state.discard()?;
        }
        if !has_power && state.synced < state.committed.len() {
            state.lose_unsynced()?;
        }
        // What a process wrote before it was killed, the system still writes.
        if !has_power {
            state.synced = state.committed.len();
        }
        Ok(())
    }

    /// Answers a question from what is committed.
    pub(crate) fn answer(&self, question: &mut Question) -> Result<(), Error> {
        let state = self.state();
        state.is_there()?;
        state.memory.answer(question)
    }
}

impl State {
    fn is_there(&self) -> Result<(), Error> {
        match self.away_until {
            Some(until) if Instant::now() < until => Err(broken_disk()),
            _ => Ok(()),
        }
    }

    fn move_on(&mut self, in_flight: InFlight) {
        self.in_flight = in_flight;
        self.moved.notify_waiters();
    }

    fn draw_fate(&mut self) -> Fate {
        let Rates {
            refused,
            unknown_kept,
            unknown_lost,
            broken,
        } = self.rates;
        let mut roll = self.dice.below(1_000) as u32;
        for (rate, fate, fault) in [
            (refused, Fate::Refused, Fault::CommitRefused),
            (unknown_kept, Fate::UnknownKept, Fault::CommitUnknownKept),
            (unknown_lost, Fate::UnknownLost, Fault::CommitUnknownLost),
            (broken, Fate::Broken, Fault::StoreBroke),
        ] {
            if roll < rate {
                self.tally.count(fault);
                return fate;
            }
            roll -= rate;
        }
        Fate::Good
    }

    /// The transaction happens.
    fn apply(&mut self) -> Result<(), Error> {
        self.in_flight = InFlight::Nothing;
        match self.memory.commit() {
            Ok(changes) => {
                self.committed.push(changes);
                Ok(())
            }
            Err(NotCommitted::Aborted(error) | NotCommitted::Unknown(error)) => Err(error),
        }
    }

    /// The transaction never was.
    fn discard(&mut self) -> Result<(), Error> {
        self.in_flight = InFlight::Nothing;
        self.memory.roll_back()
    }

    fn lose_unsynced(&mut self) -> Result<(), Error> {
        let kept = self.dice.between(self.synced, self.committed.len());
        self.journal.note(format_args!(
            "disk: the power cut left {kept} of {} commits",
            self.committed.len()
        ));
        self.committed.truncate(kept);
        self.memory = self.memory.rebuilt(self.committed.iter().flatten())?;
        Ok(())
    }
}

/// A server's way to the disk, for its lane.
#[derive(Debug)]
pub(crate) struct SimStore {
    disk: Disk,
    life: Life,
    is_open: bool,
}

impl SimStore {
    pub(crate) fn new(disk: Disk, life: Life) -> Self {
        Self {
            disk,
            life,
            is_open: true,
        }
    }

    /// Takes time. A server that was killed meanwhile does nothing more.
    async fn wait(&self, longest: Duration) {
        let time = self.disk.state().dice.time(longest);
        sleep(time).await;
        self.life.go_on().await;
    }
}

impl Store for SimStore {
    async fn begin(&mut self) -> Result<(), Error> {
        let state = self.disk.state();
        state.is_there()?;
        state.memory.begin()
    }

    async fn load(&mut self, key: &Key, rows: &mut Rows) -> Result<(), Error> {
        self.disk.state().memory.load(key, rows)
    }

    async fn put(&mut self, changes: &Changes) -> Result<(), Error> {
        let mut state = self.disk.state();
        state.is_there()?;
        state.memory.put(changes)
    }

    async fn commit(&mut self) -> Result<(), NotCommitted> {
        let fate = self.disk.state().draw_fate();
        if fate != Fate::Good {
            let state = self.disk.state();
            state
                .journal
                .note(format_args!("disk: a commit will end as {fate:?}"));
        }
        self.disk.state().move_on(InFlight::Writing);
        self.wait(WRITE_MAX).await;
        if matches!(fate, Fate::Refused | Fate::Broken) {
            let undone = self.disk.state().discard();
            let error = if fate == Fate::Refused {
                full_disk()
            } else {
                broken_disk()
            };
            return Err(NotCommitted::Aborted(undone.err().unwrap_or(error)));
        }
        self.disk.state().move_on(InFlight::Syncing);
        if !is_on(Defect::LazySync) {
            self.wait(SYNC_MAX).await;
        }
        let mut state = self.disk.state();
        let done = if fate == Fate::UnknownLost {
            state.discard()
        } else {
            state.apply()
        };
        done.map_err(NotCommitted::Unknown)?;
        if !is_on(Defect::LazySync) {
            state.synced = state.committed.len();
        }
        if fate == Fate::Good {
            Ok(())
        } else {
            Err(NotCommitted::Unknown(broken_disk()))
        }
    }

    async fn roll_back(&mut self) -> Result<(), Error> {
        self.disk.state().discard()
    }

    async fn probe(&mut self, _: Timestamp) -> Result<(), Error> {
        self.disk.state().is_there()
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn close(&mut self) {
        self.is_open = false;
    }

    async fn open(&mut self) -> Result<(), Error> {
        self.disk.state().is_there()?;
        self.is_open = true;
        Ok(())
    }
}
