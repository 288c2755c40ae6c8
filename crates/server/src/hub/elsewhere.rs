//! What other servers did, by their hints or by a look at the store: fetched, many threads at a time, and handed to the hub's
//! task, which alone delivers.
//!
//! Invariant: a hint decides what is asked, never what is told.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use semel_core::{
    Key,
    ports::{LedgerError, OwnLine},
    row::{EntryRow, PositionRow},
};
use semel_protocol::{Rev, ThreadId, UserId, limits::PAGE_ENTRIES_MAX};
use tokio::sync::{Notify, Semaphore, oneshot};

use super::{
    Hub,
    find::{Found, Wanted, all, find, head},
    follow::{Begin, Followed, Reached},
    live::Place,
    portions::Portions,
    task::{Event, Pending},
    typing,
};
use crate::{
    bus::{Bus, Ear, Hints, State, hints},
    telemetry::metrics::HINTS_DROPPED,
};

/// Threads that one question fetches.
const THREADS_AT_ONCE: usize = 32;
/// Entries that one question fetches, of all threads together: so many messages, at their longest, are in memory at a time.
const ENTRIES_AT_ONCE: usize = 1_024;
/// Seats of which one question asks.
pub(super) const SEATS_AT_ONCE: usize = 64;
/// Somebody who came into a thread is told it from there on, if that is not longer ago than so many entries; else devices
/// fetch what they miss.
const JOINED_ENTRIES_MAX: u64 = 50;
/// People whose threads are looked for at once while they connect.
const EXPECTED_AT_ONCE: usize = 16;
/// Changes of which it is remembered that they were told, twice.
const CHANGES_TOLD_MAX: usize = 5_000;

/// How often a server looks for what nobody told it.
#[derive(Clone, Copy, Debug)]
pub struct Looking {
    /// From one look to the next, give or take a quarter, in which servers differ.
    pub every: Duration,
    /// Makes servers differ.
    pub seed: u64,
}

/// What a hub has that is not the only one.
pub(super) struct Shared {
    pub(super) bus: Arc<dyn Bus>,
    pub(super) looking: Looking,
    /// A look is wanted now.
    pub(super) look_now: Notify,
    /// When the last look began that was answered about everybody, in milliseconds.
    pub(super) looked_at: AtomicI64,
    pub(super) device_numbers: AtomicU64,
    /// Who looks for a person's threads: a crowd that comes back must not hold up delivery.
    pub(super) expecting: Semaphore,
    followed: Mutex<Followed>,
    /// Changes that were told lately, and before that: hints and looks both tell of them.
    own: Mutex<[BTreeSet<OwnLine>; 2]>,
    waiting: Mutex<Hints>,
    came: Notify,
    pub(super) typing: typing::Heard,
}

impl Shared {
    pub(super) fn new(bus: Arc<dyn Bus>, looking: Looking) -> Self {
        Self {
            bus,
            looking,
            look_now: Notify::new(),
            looked_at: AtomicI64::new(0),
            device_numbers: AtomicU64::new(0),
            expecting: Semaphore::new(EXPECTED_AT_ONCE),
            followed: Mutex::default(),
            own: Mutex::default(),
            waiting: Mutex::default(),
            came: Notify::new(),
            typing: typing::Heard::default(),
        }
    }

    pub(super) fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Hints> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has hints followed up soon. Whether all of them are: those that were too many are found by the next look, at once.
    pub(super) fn hear(&self, mut hints: Hints) -> bool {
        self.typing.hear(std::mem::take(&mut hints.typing));
        if hints.is_empty() {
            return true;
        }
        let dropped = self.waiting().merge(hints);
        if dropped > 0 {
            metrics::counter!(HINTS_DROPPED).increment(dropped as u64);
            self.look_now.notify_one();
        }
        self.came.notify_one();
        dropped == 0
    }

    /// Whether a change was not told lately; from now on it was.
    pub(super) fn is_news(&self, line: &OwnLine) -> bool {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.iter().any(|told| told.contains(line)) {
            return false;
        }
        if own[0].len() >= CHANGES_TOLD_MAX {
            own.swap(0, 1);
            own[0].clear();
        }
        own[0].insert(line.clone())
    }

    /// Leaves out what concerns nobody here: most of what is said elsewhere.
    fn sift(&self, mut hints: Hints) -> Hints {
        let followed = self.followed();
        hints
            .moved
            .retain(|id, (epoch, rev)| followed.is_behind(*id, place(*epoch, *rev)));
        hints.joined.retain(|(_, who)| followed.has_person(who));
        hints.positions.retain(|(id, _)| followed.has_thread(*id));
        hints.own.retain(|(who, ..)| followed.has_person(who));
        hints.typing.retain(|id, _| followed.has_thread(*id));
        hints
    }
}

fn place(epoch: u64, rev: Rev) -> Reached {
    Reached { epoch, rev }
}

impl Ear for Hub {
    fn hints(&self, mut hints: Hints) {
        self.hear_revoked(&std::mem::take(&mut hints.revoked));
        if let Some(shared) = &self.shared {
            shared.hear(shared.sift(hints));
        }
    }

    fn state(&self, state: State) {
        self.take_state(&state);
    }

    fn connected(&self) {
        if let Some(shared) = &self.shared {
            shared.look_now.notify_one();
        }
    }
}

/// What was found elsewhere.
#[derive(Debug)]
pub(super) enum Elsewhere {
    Threads(Vec<Found>),
    Positions(Vec<(ThreadId, UserId, PositionRow)>),
}

pub(super) async fn run(hub: &Arc<Hub>, shared: &Shared) {
    loop {
        shared.came.notified().await;
        let hints = std::mem::take(&mut *shared.waiting());
        // An error is that the ledger closes.
        let Ok(left) = hub.follow_up(shared, hints).await else {
            return;
        };
        if !left.is_empty() {
            tokio::time::sleep(hub.rhythm.soon).await;
            shared.hear(left);
        }
    }
}

impl Hub {
    /// What the store did not answer, and may later.
    async fn follow_up(&self, shared: &Shared, hints: Hints) -> Result<Hints, LedgerError> {
        let mut left = Hints::default();
        for line in hints.own.into_iter().map(hints::line) {
            self.note_own(line);
        }
        let mut moved: BTreeSet<ThreadId> = hints.moved.keys().copied().collect();
        let mut joined = Portions::new(hints.joined, SEATS_AT_ONCE);
        while let Some(seats) = joined.next() {
            let found = self.take_in(shared, seats.clone()).await;
            moved.extend(joined.take(seats, found)?.unwrap_or_default());
        }
        left.joined.extend(joined.later());
        for id in self.fetch(shared, moved).await? {
            let place = hints.moved.get(&id).copied().unwrap_or_default();
            left.moved.insert(id, place);
        }
        let mut positions = Portions::new(hints.positions, SEATS_AT_ONCE);
        while let Some(seats) = positions.next() {
            let found = self.positions(seats.clone()).await;
            if let Some(found) = positions.take(seats, found)? {
                self.hand_over(Elsewhere::Positions(found)).await;
            }
        }
        left.positions.extend(positions.later());
        Ok(left)
    }

    /// Whether an entry of this server comes after some of other servers that were not told here: then all of them are fetched
    /// together, with those of other threads. The hub's task does not wait for the store, thread by thread.
    pub(super) fn leave_to_fetch(&self, entry: &EntryRow) -> bool {
        let Some(shared) = &self.shared else {
            return false;
        };
        let id = entry.thread_id;
        let is_after_others = self.threads().get_sure(id).is_some_and(|live| {
            live.thread.epoch == entry.epoch && matches!(live.place(entry.rev), Place::Gap(_))
        });
        if !is_after_others || !shared.followed().has_thread(id) {
            return false;
        }
        shared.hear(Hints {
            moved: [(id, (entry.epoch, entry.rev))].into(),
            ..Hints::default()
        });
        true
    }

    /// Waits until the hub's task has taken something.
    async fn hand_over(&self, found: Elsewhere) {
        let (done, taken) = oneshot::channel();
        if self.news.send(Event::Elsewhere(found, done)).await.is_ok() {
            // It drops the sender when it ends.
            let _ = taken.await;
        }
    }

    /// Follows the threads that people came into. Which of them have something to tell.
    async fn take_in(
        &self,
        shared: &Shared,
        seats: Vec<(ThreadId, UserId)>,
    ) -> Result<Vec<ThreadId>, LedgerError> {
        let asked = self.ask_first(move |rows| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for (id, who) in &seats {
                let seat = (*id, who.clone());
                let Some(row) = rows.participants.get(&seat) else {
                    missing.push(Key::Participant(seat.0, seat.1));
                    continue;
                };
                let head = match head(rows, *id) {
                    Ok(head) => head,
                    Err(key) => {
                        missing.push(key);
                        continue;
                    }
                };
                if let Some((row, head)) = row.filter(|row| row.is_active()).zip(head) {
                    found.push((seat, row.joined_rev, row.hidden_seq.is_some(), head));
                }
            }
            all(found, missing)
        });
        let found = asked.await?.unwrap_or_default();
        let mut threads = self.threads();
        let mut followed = shared.followed();
        let mut moved = Vec::new();
        for ((id, who), joined, was_hidden, head) in found {
            let before = joined.saturating_sub(1);
            let is_recent = !was_hidden && head.rev - before.min(head.rev) <= JOINED_ENTRIES_MAX;
            let from = if is_recent {
                before
            } else {
                head.rev.saturating_sub(1)
            };
            match followed.follow(&who, id, place(head.epoch, from)) {
                Begin::First => {
                    if let Some(live) = threads.get(id) {
                        live.doubt_unless_at(head.rev);
                    }
                    moved.push(id);
                }
                Begin::Beside(told) if told.rev > from => self.tell_head_to(&who, id, told.rev),
                Begin::Not | Begin::Beside(_) => {}
            }
        }
        Ok(moved)
    }

    /// Fetches what was not told of threads and has it delivered, until nothing is left. Those of which it was not answered,
    /// and may be later.
    async fn fetch(
        &self,
        shared: &Shared,
        moved: BTreeSet<ThreadId>,
    ) -> Result<Vec<ThreadId>, LedgerError> {
        let mut threads = Portions::new(moved, THREADS_AT_ONCE);
        while let Some(ids) = threads.next() {
            // A thread that is alone behind is not fetched in small pieces.
            let entries = threads.share(ENTRIES_AT_ONCE) / ids.len();
            let wanted = self.wanted(shared, &ids, entries.clamp(1, PAGE_ENTRIES_MAX));
            let found = self.find(wanted.clone()).await;
            if let Some(found) = threads.take(ids, found)? {
                let behind = self.deliver_found(shared, &wanted, found).await;
                threads.left.extend(behind);
            }
        }
        let unread = std::mem::take(&mut threads.unreadable);
        let unread: Vec<_> = unread
            .into_iter()
            .chain(std::mem::take(&mut threads.unanswered))
            .collect();
        let mut heads = Portions::new(unread, 1);
        while let Some(id) = heads.next() {
            // Devices fetch what they miss.
            let wanted = self.wanted(shared, &id, 0);
            let found = self.find(wanted.clone()).await;
            if let Some(found) = heads.take(id, found)? {
                self.deliver_found(shared, &wanted, found).await;
            }
        }
        Ok(threads.left.into_iter().chain(heads.later()).collect())
    }

    /// What is to be asked about threads that are followed.
    fn wanted(&self, shared: &Shared, ids: &[ThreadId], entries: usize) -> Vec<Wanted> {
        let mut threads = self.threads();
        let followed = shared.followed();
        let wanted = ids.iter().filter_map(|id| {
            Some(Wanted {
                id: *id,
                told: followed.told(*id)?,
                with_roster: threads.get(*id).is_none(),
                entries,
            })
        });
        wanted.collect()
    }

    async fn find(&self, wanted: Vec<Wanted>) -> Result<Vec<Found>, LedgerError> {
        let asked = self.ask_first(move |rows| find(rows, &wanted)).await?;
        Ok(asked.unwrap_or_default())
    }

    /// Has it delivered. Of which threads there is more.
    async fn deliver_found(
        &self,
        shared: &Shared,
        wanted: &[Wanted],
        found: Vec<Found>,
    ) -> Vec<ThreadId> {
        let heads: Vec<_> = found.iter().map(|found| (found.id, found.head)).collect();
        self.hand_over(Elsewhere::Threads(found)).await;
        let followed = shared.followed();
        let is_more = |(id, head): &(ThreadId, Reached)| {
            let before = wanted.iter().find(|wanted| wanted.id == *id);
            let was_told = before.map(|wanted| wanted.told) != followed.told(*id);
            // What makes no progress is in doubt, and tried again by the hub's task.
            was_told && followed.is_behind(*id, *head)
        };
        let more = heads.into_iter().filter(is_more);
        more.map(|(id, _)| id).collect()
    }

    pub(super) async fn positions(
        &self,
        seats: Vec<(ThreadId, UserId)>,
    ) -> Result<Vec<(ThreadId, UserId, PositionRow)>, LedgerError> {
        let asked = self.ask_first(move |rows| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for (id, who) in &seats {
                let seat = (*id, who.clone());
                match rows.positions.get(&seat) {
                    None => missing.push(Key::Participant(seat.0, seat.1)),
                    Some(Some(position)) => found.push((seat.0, seat.1, *position)),
                    Some(None) => {}
                }
            }
            all(found, missing)
        });
        Ok(asked.await?.unwrap_or_default())
    }

    /// On the hub's task: delivers what was found.
    pub(super) async fn take_elsewhere(&self, found: Elsewhere, pending: &mut Pending) {
        match found {
            Elsewhere::Positions(positions) => {
                for (id, who, position) in positions {
                    pending.note_position(id, who, position);
                }
            }
            Elsewhere::Threads(threads) => {
                for found in threads {
                    self.take_thread(found, pending).await;
                }
            }
        }
    }

    async fn take_thread(&self, found: Found, pending: &mut Pending) {
        let Some(shared) = &self.shared else { return };
        let id = found.id;
        let Some(told) = shared.followed().told(id) else {
            return;
        };
        let is_known = self.threads().get(id).is_some();
        // Not one from before what was told: it may have had other people.
        let roster = found
            .roster
            .filter(|roster| !is_known && roster.head.last_rev >= told.rev);
        if let Some(roster) = roster {
            self.put(roster);
        }
        let is_other_log = found.head.epoch != told.epoch;
        let is_far = found.head.rev - told.rev.min(found.head.rev) >= PAGE_ENTRIES_MAX as u64;
        let is_unread = found.entries.is_empty() && found.head.rev > told.rev;
        if is_other_log || is_far || is_unread {
            let first = if is_other_log { 1 } else { told.rev + 1 };
            if self.refresh(id).await.is_ok() {
                shared.followed().tell(id, found.head);
                self.tell_head(id, first, found.head.rev);
                pending.lists.insert(id);
            }
            return;
        }
        for (entry, about) in &found.entries {
            self.deliver(entry, about.as_ref(), pending).await;
        }
    }
}
