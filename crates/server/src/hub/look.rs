//! The look: from time to time a server asks the store about everything that the people here follow. Whatever the bus lost is
//! found by this, and without a bus everything is.
//!
//! It compares heads and ends of people's own logs; there is no cursor over time or over commits, which would step over what
//! commits late. New threads of a person are found in their list, down to what moved well before the last look.
//!
//! Invariant: a look asks little at a time and rests nine times as long as it took, so that it never loads the store by more
//! than a tenth of one reader, however much is followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use semel_core::{
    Key, Rows, Stop,
    ports::{LedgerError, OwnLine},
    row::Subject,
    rows::List,
};
use semel_protocol::{
    Rev, ThreadId, Timestamp, UserId,
    limits::PAGE_ROWS_MAX,
    socket::{Heads, from_server},
};
use tokio::time::{Instant, timeout};

use super::{
    Hub,
    elsewhere::Shared,
    find::{all, head},
    follow::{FOLLOWED_PER_PERSON_MAX, Following, Reached},
    portions::Portions,
};
use crate::{
    bus::{Hints, hints},
    realtime::packet,
};

/// Threads of which one question asks.
const HEADS_AT_ONCE: usize = 256;
/// People of whom one question asks.
const PEOPLE_AT_ONCE: usize = 32;
/// Threads of a person that moved last, among which new ones are found; more, as long as they may hold one.
const NEWEST_THREADS: usize = 20;
/// How much earlier than it can be read an entry may have been made: clocks differ, and commits wait.
const LATE_MAX: Duration = Duration::from_mins(1);
/// How long a device that connects waits for its threads to be known. After that it is told their heads.
const EXPECT_MAX: Duration = Duration::from_secs(2);
/// How many times as long as it took a look rests.
const REST: u32 = 9;
/// How often the states of people who are watched are asked for, besides being told.
const STATES_EVERY: Duration = Duration::from_secs(30);
/// How long somebody may seem to be gone before that is believed: after Redis lost everything, servers add their devices again
/// within this time.
const GONE_AFTER: Duration = Duration::from_secs(8);
/// People whose states are asked for at once.
const STATES_AT_ONCE: usize = 200;

/// A page of somebody's list: threads, and when they moved.
type Page = Vec<(Timestamp, ThreadId)>;

pub(super) async fn run(hub: &Arc<Hub>, shared: &Shared) {
    let mut dice = shared.looking.seed;
    let mut states_at = Instant::now();
    let mut seem_gone = BTreeSet::new();
    let mut was_woken = true;
    loop {
        let started = Instant::now();
        // An error is that the ledger closes.
        if hub.look(shared).await.is_err() {
            return;
        }
        let took = started.elapsed();
        metrics::histogram!("semel_bus_look_seconds").record(took.as_secs_f64());
        let is_due = states_at.elapsed() >= GONE_AFTER && !seem_gone.is_empty();
        if was_woken || is_due || states_at.elapsed() >= STATES_EVERY {
            let seemed_gone = if is_due {
                std::mem::take(&mut seem_gone)
            } else {
                BTreeSet::new()
            };
            seem_gone = hub.look_at_states(shared, &seemed_gone).await;
            states_at = Instant::now();
        }
        let pause = vary(shared.looking.every, &mut dice).max(took * REST);
        was_woken = timeout(pause, shared.look_now.notified()).await.is_ok();
    }
}

/// A time, give or take a quarter (a linear congruential step: it only has to differ between servers).
fn vary(time: Duration, dice: &mut u64) -> Duration {
    *dice = dice
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let part = (*dice >> 33) as u32 % 1_000;
    time * 3 / 4 + time / 2 * part / 1_000
}

impl Hub {
    /// A device of somebody is about to connect: their threads are followed before it does.
    pub async fn expect(&self, who: &UserId) {
        let Some(shared) = &self.shared else { return };
        if shared.followed().expect(who) {
            return;
        }
        let following = async {
            let _turn = shared.expecting.acquire().await;
            self.following(who.clone()).await
        };
        match timeout(EXPECT_MAX, following).await {
            Ok(Ok(following)) => self.follow(shared, who, following),
            // The next look makes up for it.
            Ok(Err(error)) => tracing::warn!(%error, "failed to look for a person's threads"),
            Err(_) => tracing::warn!("looking for a person's threads takes long"),
        }
    }

    fn follow(&self, shared: &Shared, who: &UserId, following: Following) {
        let new = shared.followed().put(who, following);
        let mut threads = self.threads();
        for (id, place) in new {
            // What nobody here was told before is told by what the device asks for.
            if let Some(live) = threads
                .get(id)
                .filter(|live| live.thread.epoch == place.epoch)
            {
                live.delivered = live.delivered.max(Some(place.rev));
                live.doubt_unless_at(place.rev);
            }
        }
    }

    async fn following(&self, who: UserId) -> Result<Following, LedgerError> {
        let asked = self.ask_first(move |rows| {
            let (mut threads, mut after) = (Vec::new(), None);
            let log = person_log(rows, &who)?;
            loop {
                let page = threads_of(rows, &who, after, PAGE_ROWS_MAX)?;
                after = page.last().copied();
                threads.extend(page.iter().map(|(_, id)| *id));
                if page.len() < PAGE_ROWS_MAX || threads.len() >= FOLLOWED_PER_PERSON_MAX {
                    break;
                }
            }
            let threads = heads(rows, &threads)?;
            Ok(Following { threads, log })
        });
        Ok(asked.await?.unwrap_or_default())
    }

    /// Looks at everything once; what moved is followed up. What is not answered is found by the next look.
    async fn look(&self, shared: &Shared) -> Result<(), LedgerError> {
        shared.followed().sweep(|who| self.people.is_connected(who));
        let mut new = self.people.all();
        new.retain(|who| !shared.followed().has_person(who));
        let mut new = Portions::new(new, 1);
        while let Some(who) = new.next() {
            let following = self.following(who[0].clone()).await;
            if let Some(following) = new.take(who.clone(), following)? {
                self.tell_heads_to(&who[0], &following);
                self.follow(shared, &who[0], following);
            }
        }
        let mut threads = Portions::new(shared.followed().threads(), HEADS_AT_ONCE);
        while let Some(ids) = threads.next() {
            let asked = ids.clone();
            let found = self.ask_first(move |rows| heads(rows, &asked)).await;
            let Some(found) = threads.take(ids, found)? else {
                continue;
            };
            let moved = {
                let followed = shared.followed();
                let found = found.unwrap_or_default().into_iter();
                let behind = found.filter(|(id, place)| followed.is_behind(*id, *place));
                behind
                    .map(|(id, place)| (id, (place.epoch, place.rev)))
                    .collect()
            };
            shared.hear(Hints {
                moved,
                ..Hints::default()
            });
        }
        let now = self.clock.now();
        let mut people = Portions::new(shared.followed().people(), PEOPLE_AT_ONCE);
        while let Some(some) = people.next() {
            let looked = self.look_at_people(shared, &some).await;
            people.take(some, looked)?;
        }
        if people.unreadable.is_empty() && people.later().next().is_none() {
            shared.looked_at.store(now.0, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn look_at_people(&self, shared: &Shared, people: &[UserId]) -> Result<(), LedgerError> {
        let asked = people.to_vec();
        let found = self.ask_first(move |rows| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for who in &asked {
                let newest = threads_of(rows, who, None, NEWEST_THREADS);
                match newest.and_then(|newest| Ok((newest.to_vec(), person_log(rows, who)?))) {
                    Ok((newest, log)) => found.push((who.clone(), newest, log)),
                    Err(Stop::NotLoaded(key)) => missing.push(key),
                    Err(stop) => return Err(stop),
                }
            }
            all(found, missing)
        });
        let found = found.await?.unwrap_or_default();
        let (mut pages, mut moved_logs) = (Vec::new(), Vec::new());
        for (who, newest, log) in found {
            if let Some(since) = shared.followed().log_before(&who, log) {
                moved_logs.push((who.clone(), since, log));
            }
            pages.push((who, newest));
        }
        let joined = self.new_threads(shared, pages).await?;
        shared.hear(Hints {
            joined,
            ..Hints::default()
        });
        for (who, since, log) in moved_logs {
            self.hear_own_log(shared, &who, since, log).await?;
        }
        Ok(())
    }

    /// Hears what somebody's own log says after a number, up to its end at least.
    async fn hear_own_log(
        &self,
        shared: &Shared,
        who: &UserId,
        mut since: u64,
        end: u64,
    ) -> Result<(), LedgerError> {
        while since < end {
            let lines = self.own_log(who.clone(), since).await?;
            let last = lines.last().filter(|_| lines.len() == PAGE_ROWS_MAX);
            since = last.map_or(end, |(number, _)| *number);
            // Those that were too many are read again.
            if !shared.hear(hints_of(who, lines)) {
                break;
            }
            shared.followed().heard_log(who, since);
        }
        Ok(())
    }

    /// People's threads that are not followed yet, from the first pages of their lists on.
    async fn new_threads(
        &self,
        shared: &Shared,
        mut pages: Vec<(UserId, Page)>,
    ) -> Result<BTreeSet<(ThreadId, UserId)>, LedgerError> {
        let since = shared.looked_at.load(Ordering::Relaxed) - LATE_MAX.as_millis() as i64;
        let (mut limit, mut seen) = (NEWEST_THREADS, 0);
        let mut new = BTreeSet::new();
        loop {
            let mut after = Vec::new();
            for (who, page) in pages {
                let followed = shared.followed();
                let unknown = page.iter().filter(|(_, id)| !followed.follows(&who, *id));
                let before = new.len();
                new.extend(unknown.map(|(_, id)| (*id, who.clone())));
                let Some(last) = page.last().filter(|_| page.len() == limit) else {
                    continue;
                };
                if new.len() > before || last.0.0 >= since {
                    after.push((who, *last));
                }
            }
            seen += limit;
            if after.is_empty() || seen >= FOLLOWED_PER_PERSON_MAX {
                return Ok(new);
            }
            limit = PAGE_ROWS_MAX;
            pages = self.pages(after, limit).await?;
        }
    }

    async fn pages(
        &self,
        after: Vec<(UserId, (Timestamp, ThreadId))>,
        limit: usize,
    ) -> Result<Vec<(UserId, Page)>, LedgerError> {
        let asked = self.ask_first(move |rows| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for (who, after) in &after {
                match threads_of(rows, who, Some(*after), limit) {
                    Ok(page) => found.push((who.clone(), page.to_vec())),
                    Err(Stop::NotLoaded(key)) => missing.push(key),
                    Err(stop) => return Err(stop),
                }
            }
            all(found, missing)
        });
        Ok(asked.await?.unwrap_or_default())
    }

    async fn own_log(&self, who: UserId, since: u64) -> Result<Vec<(u64, Subject)>, LedgerError> {
        let asked = self.ask_first(move |rows| {
            let key = Key::PersonLog(who.clone(), since, PAGE_ROWS_MAX);
            match rows.lists.get(&key) {
                Some(List::Subjects(subjects)) => Ok(subjects.clone()),
                _ => Err(Stop::NotLoaded(key)),
            }
        });
        Ok(asked.await?.unwrap_or_default())
    }

    /// To somebody who was not followed until now: where their threads are, so that they fetch what they were not told.
    fn tell_heads_to(&self, who: &UserId, following: &Following) {
        let heads = following.threads.iter();
        let heads: BTreeMap<ThreadId, Rev> = heads.map(|(id, place)| (*id, place.rev)).collect();
        if !heads.is_empty() {
            self.people
                .push(who, &packet::event(from_server::HEADS, &Heads { heads }));
        }
    }

    /// Asks for the states of everybody who is watched here: some may have changed untold. Who seems to be gone now, and did
    /// not before.
    async fn look_at_states(&self, shared: &Shared, before: &BTreeSet<UserId>) -> BTreeSet<UserId> {
        let mut seem_gone = BTreeSet::new();
        for people in self.people.watched().chunks(STATES_AT_ONCE) {
            let Some(states) = shared.bus.presence(people).await else {
                return seem_gone;
            };
            for state in states {
                if state.online || before.contains(&state.who) {
                    self.take_state(&state);
                } else if self.people.seems_online(&state.who) {
                    seem_gone.insert(state.who);
                }
            }
        }
        seem_gone
    }
}

/// What a person's own log says, as others would have told it.
fn hints_of(who: &UserId, lines: Vec<(u64, Subject)>) -> Hints {
    let mut hints = Hints::default();
    for (number, subject) in lines {
        let who = who.clone();
        if let Subject::Read(id) = subject {
            hints.positions.insert((id, who));
        } else {
            let line = OwnLine {
                who,
                subject,
                number,
            };
            hints.own.extend(hints::of_line(&line));
        }
    }
    hints
}

fn heads(rows: &Rows, ids: &[ThreadId]) -> Result<Vec<(ThreadId, Reached)>, Stop> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match head(rows, *id) {
            Err(key) => missing.push(key),
            Ok(place) => found.extend(place.map(|place| (*id, place))),
        }
    }
    all(found, missing)
}

fn threads_of<'a>(
    rows: &'a Rows,
    who: &UserId,
    after: Option<(Timestamp, ThreadId)>,
    limit: usize,
) -> Result<&'a [(Timestamp, ThreadId)], Stop> {
    let key = Key::ThreadsOf(who.clone(), after, limit);
    match rows.lists.get(&key) {
        Some(List::Threads(page)) => Ok(page),
        _ => Err(Stop::NotLoaded(key)),
    }
}

fn person_log(rows: &Rows, who: &UserId) -> Result<u64, Stop> {
    let found = rows.person_heads.get(who);
    let head = found.ok_or_else(|| Stop::NotLoaded(Key::PersonHead(who.clone())))?;
    Ok(head.copied().unwrap_or(0))
}
