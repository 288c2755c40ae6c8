//! What other servers did, by their hints or by a look at the store: fetched, many threads at a time, and handed to the hub's
//! task, which alone delivers.
//!
//! Invariant: a hint decides what is asked, never what is told.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use semel_core::{
    Key, Rows, Stop,
    ports::LedgerError,
    queries::{self, Roster},
    row::{EntryRow, MessageRow, PositionRow},
    rows::List,
};
use semel_protocol::{Rev, ThreadId, UserId, limits::PAGE_ENTRIES_MAX};
use tokio::sync::{Notify, Semaphore, oneshot};

use super::{
    Hub,
    follow::{Followed, Reached},
    task::{Event, Pending},
};
use crate::bus::{Bus, Ear, Hints, State};

/// Threads that one question fetches, and entries of each: so many messages, at their longest, are in memory at a time.
const THREADS_AT_ONCE: usize = 32;
const ENTRIES_AT_ONCE: usize = 32;
/// Seats of which one question asks.
const SEATS_AT_ONCE: usize = 64;
/// Somebody who came into a thread is told it from there on, if that is not longer ago than so many entries; else devices
/// fetch what they miss.
const JOINED_ENTRIES_MAX: u64 = 50;
/// People whose threads are looked for at once while they connect.
const EXPECTED_AT_ONCE: usize = 16;
/// New contacts of which it is remembered that they were told, twice.
const CONTACTS_TOLD_MAX: usize = 5_000;
/// Typing notices that are looked at together; what is beyond is dropped.
const TYPING_AT_ONCE: usize = 256;

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
    pub(super) device_numbers: AtomicU64,
    /// Who looks for a person's threads: a crowd that comes back must not hold up delivery.
    pub(super) expecting: Semaphore,
    followed: Mutex<Followed>,
    /// New contacts that were told lately, and before that: hints and looks both tell of them.
    contacts: Mutex<[BTreeSet<(UserId, UserId)>; 2]>,
    waiting: Mutex<Hints>,
    came: Notify,
}

impl Shared {
    pub(super) fn new(bus: Arc<dyn Bus>, looking: Looking) -> Self {
        Self {
            bus,
            looking,
            look_now: Notify::new(),
            device_numbers: AtomicU64::new(0),
            expecting: Semaphore::new(EXPECTED_AT_ONCE),
            followed: Mutex::default(),
            contacts: Mutex::default(),
            waiting: Mutex::default(),
            came: Notify::new(),
        }
    }

    pub(super) fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Hints> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has hints followed up soon. Those that were too many are found by the next look, at once.
    pub(super) fn hear(&self, hints: Hints) {
        if hints.is_empty() {
            return;
        }
        let dropped = self.waiting().merge(hints);
        if dropped > 0 {
            metrics::counter!("semel_bus_hints_dropped_total").increment(dropped as u64);
            self.look_now.notify_one();
        }
        self.came.notify_one();
    }

    /// Whether a contact was not told lately; from now on it was.
    pub(super) fn is_new_contact(&self, who: &UserId, contact: &UserId) -> bool {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (who.clone(), contact.clone());
        if contacts.iter().any(|told| told.contains(&pair)) {
            return false;
        }
        if contacts[0].len() >= CONTACTS_TOLD_MAX {
            contacts.swap(0, 1);
            contacts[0].clear();
        }
        contacts[0].insert(pair)
    }

    /// Leaves out what concerns nobody here: most of what is said elsewhere.
    fn sift(&self, mut hints: Hints) -> Hints {
        let followed = self.followed();
        hints
            .moved
            .retain(|id, (epoch, rev)| followed.is_behind(*id, place(*epoch, *rev)));
        hints.joined.retain(|(_, who)| followed.has_person(who));
        hints.positions.retain(|(id, _)| followed.has_thread(*id));
        hints.contacts.retain(|(who, _)| followed.has_person(who));
        hints.typing.retain(|id, _| followed.has_thread(*id));
        hints
    }
}

fn place(epoch: u64, rev: Rev) -> Reached {
    Reached { epoch, rev }
}

impl Ear for Hub {
    fn hints(&self, hints: Hints) {
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

/// A thread that moved elsewhere, as it was found.
#[derive(Debug)]
pub(super) struct Found {
    id: ThreadId,
    head: Reached,
    /// The next ones after what was told; none when they are too many or of another log.
    entries: Vec<(EntryRow, Option<MessageRow>)>,
    /// Who is in it, if that was not known here.
    roster: Option<Roster>,
}

/// What is asked about a thread.
#[derive(Clone, Copy)]
struct Wanted {
    id: ThreadId,
    told: Reached,
    with_roster: bool,
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
        let again = Hints {
            typing: BTreeMap::new(),
            ..hints.clone()
        };
        match hub.follow_up(shared, hints).await {
            Ok(()) => {}
            Err(LedgerError::Closing) => return,
            Err(error) => {
                tracing::warn!(%error, "failed to fetch what other servers did");
                tokio::time::sleep(hub.rhythm.soon).await;
                shared.hear(again);
            }
        }
    }
}

impl Hub {
    async fn follow_up(self: &Arc<Self>, shared: &Shared, hints: Hints) -> Result<(), LedgerError> {
        let typing = hints.typing.into_iter().flat_map(|(id, people)| {
            people
                .into_iter()
                .map(move |(who, typing)| (id, who, typing))
        });
        for (id, who, typing) in typing.take(TYPING_AT_ONCE) {
            // Nobody misses it.
            let _ = self.show_typing(&who, id, typing).await;
        }
        let mut moved: BTreeSet<ThreadId> = hints.moved.into_keys().collect();
        let joined: Vec<_> = hints.joined.into_iter().collect();
        for seats in joined.chunks(SEATS_AT_ONCE) {
            moved.extend(self.take_in(shared, seats.to_vec()).await?);
        }
        self.fetch(shared, moved).await?;
        let positions: Vec<_> = hints.positions.into_iter().collect();
        for seats in positions.chunks(SEATS_AT_ONCE) {
            let found = self.positions(seats.to_vec()).await?;
            self.hand_over(Elsewhere::Positions(found)).await;
        }
        for (who, contact) in hints.contacts {
            if self.people.is_connected(&who) {
                tokio::spawn(self.clone().tell_contact(who, contact));
            }
        }
        Ok(())
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
            if followed.follow(&who, id, place(head.epoch, from)) {
                moved.push(id);
            }
        }
        Ok(moved)
    }

    /// Fetches what was not told of threads and has it delivered, until nothing is left.
    async fn fetch(&self, shared: &Shared, moved: BTreeSet<ThreadId>) -> Result<(), LedgerError> {
        let mut left: VecDeque<ThreadId> = moved.into_iter().collect();
        while !left.is_empty() {
            let ids = left.drain(..THREADS_AT_ONCE.min(left.len()));
            let wanted: Vec<Wanted> = {
                let mut threads = self.threads();
                let followed = shared.followed();
                ids.filter_map(|id| {
                    let with_roster = threads.get(id).is_none();
                    followed.told(id).map(|told| Wanted {
                        id,
                        told,
                        with_roster,
                    })
                })
                .collect()
            };
            let asked = wanted.clone();
            let found = self.ask_first(move |rows| find(rows, &asked)).await?;
            let found = found.unwrap_or_default();
            let heads: Vec<_> = found.iter().map(|found| (found.id, found.head)).collect();
            self.hand_over(Elsewhere::Threads(found)).await;
            let followed = shared.followed();
            for (id, head) in heads {
                let before = wanted.iter().find(|wanted| wanted.id == id);
                let was_told = before.map(|wanted| wanted.told) != followed.told(id);
                // What makes no progress is in doubt, and tried again by the hub's task.
                if was_told && followed.is_behind(id, head) {
                    left.push_back(id);
                }
            }
        }
        Ok(())
    }

    async fn positions(
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
                    pending.positions.insert((id, who), position);
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
        if is_other_log || is_far {
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

/// Everything, or what is missing for it.
pub(super) fn all<T>(found: T, missing: Vec<Key>) -> Result<T, Stop> {
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(Stop::NotLoaded(Key::Many(missing)))
    }
}

/// Where a thread is, if there is such a thread; or the key of what is not loaded.
pub(super) fn head(rows: &Rows, id: ThreadId) -> Result<Option<Reached>, Key> {
    let (thread, head) = (rows.threads.get(&id), rows.heads.get(&id));
    let (thread, head) = thread.zip(head).ok_or(Key::Thread(id))?;
    let found = thread.zip(head);
    Ok(found.map(|(thread, head)| place(thread.epoch, head.last_rev)))
}

fn find(rows: &Rows, wanted: &[Wanted]) -> Result<Vec<Found>, Stop> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match find_one(rows, *wanted) {
            Ok(one) => found.extend(one),
            Err(Stop::NotLoaded(Key::Many(keys))) => missing.extend(keys),
            Err(Stop::NotLoaded(key)) => missing.push(key),
            Err(stop) => return Err(stop),
        }
    }
    missing.sort();
    missing.dedup();
    all(found, missing)
}

fn find_one(rows: &Rows, wanted: Wanted) -> Result<Option<Found>, Stop> {
    let id = wanted.id;
    let key = Key::Entries(id, wanted.told.rev, ENTRIES_AT_ONCE);
    let head = head(rows, id).map_err(|thread| Key::Many(vec![thread, key.clone()]));
    let Some(head) = head.map_err(Stop::NotLoaded)? else {
        return Ok(None);
    };
    let roster = if wanted.with_roster {
        queries::roster(rows, id)?
    } else {
        None
    };
    let is_of_use = head.epoch == wanted.told.epoch
        && head.rev - wanted.told.rev.min(head.rev) < PAGE_ENTRIES_MAX as u64;
    let entries = if is_of_use {
        with_messages(rows, id, key)?
    } else {
        Vec::new()
    };
    Ok(Some(Found {
        id,
        head,
        entries,
        roster,
    }))
}

/// A page of entries with their messages, whoever may see them.
pub(super) fn with_messages(
    rows: &Rows,
    id: ThreadId,
    key: Key,
) -> Result<Vec<(EntryRow, Option<MessageRow>)>, Stop> {
    let Some(List::Entries(page)) = rows.lists.get(&key) else {
        return Err(Stop::NotLoaded(key));
    };
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for entry in page {
        let seq = entry.seq.or_else(|| entry.fact.message_seq());
        let about = match seq.map(|seq| (seq, rows.messages.get(&(id, seq)))) {
            None => None,
            Some((_, Some(message))) => message.cloned(),
            Some((seq, None)) => {
                missing.push(Key::Message(id, seq));
                None
            }
        };
        entries.push((entry.clone(), about));
    }
    all(entries, missing)
}
