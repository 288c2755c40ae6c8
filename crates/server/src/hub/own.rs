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
    row::{PreferencesRow, Subject},
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
/// Changes that wait to be told. Of what is beyond devices learn from their next sync.
const CHANGES_WAITING_MAX: usize = 100_000;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct OwnChanges {
    waiting: Mutex<VecDeque<OwnLine>>,
    came: Notify,
}

impl OwnChanges {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<OwnLine>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one, if there is room for it.
    fn push(&self, line: OwnLine) {
        let mut waiting = self.waiting();
        if waiting.len() >= CHANGES_WAITING_MAX {
            metrics::counter!("semel_hub_own_changes_dropped_total").increment(1);
            return;
        }
        waiting.push_back(line);
        self.came.notify_one();
    }

    fn some(&self) -> Vec<OwnLine> {
        let mut waiting = self.waiting();
        let count = CHANGES_AT_ONCE.min(waiting.len());
        waiting.drain(..count).collect()
    }

    fn put_back(&self, lines: Vec<OwnLine>) {
        let mut waiting = self.waiting();
        lines
            .into_iter()
            .rev()
            .for_each(|line| waiting.push_front(line));
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
        Subject::Read(_) => None,
    })
}
