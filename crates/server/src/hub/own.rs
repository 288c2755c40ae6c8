//! What changed for one person to their devices: many changes with one question, and one question after the other.
//!
//! Invariant: however many contacts a new group brings, delivery waits behind one question about them at most.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use semel_core::{
    Rows, Stop,
    ports::{LedgerError, OwnLine},
    queries,
    row::{PreferencesRow, Subject, UserRow},
    view::ContactView,
};
use semel_protocol::{
    ThreadId, UserId, socket::from_server, thread::PreferencesResult, user::Block,
};
use tokio::{sync::Notify, time::sleep};

use super::{Hub, find::all};
use crate::{
    convert,
    realtime::packet::{self, Frame},
};

/// Changes of which one question asks.
const CHANGES_AT_ONCE: usize = 64;
/// Changes that wait to be told, profiles and others each. Of what is beyond devices learn from their next sync.
const CHANGES_WAITING_MAX: usize = 100_000;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct OwnChanges {
    waiting: Mutex<Waiting>,
    came: Notify,
}

/// Profiles are by themselves and come last: many change at once when a host writes to everybody, and nothing hangs on them, while a
/// block ends what two people see of each other.
#[derive(Debug, Default)]
struct Waiting {
    first: VecDeque<OwnLine>,
    profiles: VecDeque<OwnLine>,
}

impl Waiting {
    fn of(&mut self, line: &OwnLine) -> &mut VecDeque<OwnLine> {
        match line.subject {
            Subject::Profile(_) => &mut self.profiles,
            _ => &mut self.first,
        }
    }
}

impl OwnChanges {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, if there is room for it.
    fn push(&self, line: OwnLine) {
        let mut waiting = self.waiting();
        let waiting = waiting.of(&line);
        if waiting.len() >= CHANGES_WAITING_MAX {
            metrics::counter!("semel_hub_own_changes_dropped_total").increment(1);
            return;
        }
        waiting.push_back(line);
        self.came.notify_one();
    }

    fn some(&self) -> Vec<OwnLine> {
        let mut waiting = self.waiting();
        let Waiting { first, profiles } = &mut *waiting;
        let mut lines: Vec<OwnLine> = first.drain(..CHANGES_AT_ONCE.min(first.len())).collect();
        let room = CHANGES_AT_ONCE - lines.len();
        lines.extend(profiles.drain(..room.min(profiles.len())));
        lines
    }

    fn put_back(&self, lines: Vec<OwnLine>) {
        let mut waiting = self.waiting();
        for line in lines.into_iter().rev() {
            waiting.of(&line).push_front(line);
        }
    }
}

/// Tells what waits, until the ledger closes.
pub(super) async fn run(hub: Arc<Hub>) {
    loop {
        let mut lines = hub.own.some();
        if lines.is_empty() {
            hub.own.came.notified().await;
            continue;
        }
        lines.retain(|line| hub.people.is_connected(&line.who));
        match hub.tell_own(lines.clone()).await {
            Ok(()) => {}
            Err(LedgerError::Closing) => return,
            // It would be no other one the next time; devices learn it from their next sync.
            Err(error @ LedgerError::Internal(_)) => {
                tracing::error!(%error, "failed to tell what changed for people");
            }
            Err(error) => {
                tracing::warn!(%error, "failed to tell what changed for people");
                hub.own.put_back(lines);
                sleep(hub.rhythm.soon).await;
            }
        }
    }
}

/// What a line is about, as it is now.
enum Now {
    Contact(ContactView),
    Block(UserId, bool),
    /// Somebody else's block; nobody is told.
    BlockedBy(UserId, bool),
    Preferences(ThreadId, PreferencesRow),
    Profile(UserId, UserRow),
}

impl Now {
    fn frame(&self) -> Option<Frame> {
        Some(match self {
            Self::BlockedBy(..) => return None,
            Self::Contact(view) => packet::event(from_server::CONTACT, &convert::contact(view)),
            Self::Block(who, blocked) => {
                let (user_id, blocked) = (who.clone(), *blocked);
                packet::event(from_server::BLOCK, &Block { user_id, blocked })
            }
            Self::Preferences(thread_id, row) => {
                let (thread_id, preferences) = (*thread_id, convert::preferences(row));
                let result = PreferencesResult {
                    thread_id,
                    preferences,
                };
                packet::event(from_server::PREFERENCES, &result)
            }
            Self::Profile(who, row) => {
                packet::event(from_server::PROFILE, &convert::user(who, row))
            }
        })
    }
}

impl Hub {
    /// Has somebody who is here told what changed for them, unless that was done lately. Never waits.
    pub(super) fn note_own(&self, line: OwnLine) {
        if !self.people.is_connected(&line.who) {
            return;
        }
        let shared = self.shared.as_ref();
        if shared.is_none_or(|shared| shared.is_news(&line)) {
            self.own.push(line);
        }
    }

    async fn tell_own(&self, lines: Vec<OwnLine>) -> Result<(), LedgerError> {
        if lines.is_empty() {
            return Ok(());
        }
        let found = self.ask_first(move |rows| find(rows, &lines)).await?;
        for (who, now) in found.unwrap_or_default() {
            if let Now::Block(other, true) | Now::BlockedBy(other, true) = &now {
                self.people.part(&who, other);
            }
            if let Some(frame) = now.frame() {
                self.people.push(&who, &frame);
            }
        }
        Ok(())
    }
}

/// Lines of one person about one subject say the same now: once is enough.
fn find(rows: &Rows, lines: &[OwnLine]) -> Result<Vec<(UserId, Now)>, Stop> {
    let newest: BTreeMap<(&UserId, &Subject), u64> = lines
        .iter()
        .map(|line| ((&line.who, &line.subject), line.number))
        .collect();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (who, subject) in newest.into_keys() {
        match now(rows, who, subject) {
            Ok(now) => found.extend(now.map(|now| (who.clone(), now))),
            Err(Stop::NotLoaded(key)) => missing.push(key),
            Err(stop) => return Err(stop),
        }
    }
    all(found, missing)
}

fn now(rows: &Rows, who: &UserId, subject: &Subject) -> Result<Option<Now>, Stop> {
    Ok(match subject {
        Subject::Contact(contact) => queries::contact(rows, who, contact)?.map(Now::Contact),
        Subject::Block(other) => {
            let is_blocked = queries::has_blocked(rows, who, other)?;
            Some(Now::Block(other.clone(), is_blocked))
        }
        Subject::Thread(id) => queries::preferences(rows, who, *id)?
            .map(|preferences| Now::Preferences(*id, preferences)),
        Subject::BlockedBy(other) => {
            let is_blocked = queries::has_blocked(rows, other, who)?;
            Some(Now::BlockedBy(other.clone(), is_blocked))
        }
        Subject::Profile(other) => {
            queries::changed_profile(rows, who, other)?.map(|row| Now::Profile(other.clone(), row))
        }
        Subject::Read(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(subject: Subject) -> OwnLine {
        OwnLine {
            who: UserId::parse("ann").unwrap(),
            number: 1,
            subject,
        }
    }

    #[test]
    fn a_block_waits_behind_no_profile_and_is_kept_beside_as_many_as_there_is_room_for() {
        let own = OwnChanges::default();
        let bob = UserId::parse("bob").unwrap();
        for _ in 0..=CHANGES_WAITING_MAX {
            own.push(line(Subject::Profile(bob.clone())));
        }
        let block = line(Subject::BlockedBy(bob));
        own.push(block.clone());
        let lines = own.some();
        assert_eq!(lines.len(), CHANGES_AT_ONCE);
        assert_eq!(lines[0], block);
        own.put_back(lines.clone());
        assert_eq!(own.some(), lines);
        assert_eq!(
            own.waiting().profiles.len(),
            CHANGES_WAITING_MAX - CHANGES_AT_ONCE + 1
        );
    }
}
