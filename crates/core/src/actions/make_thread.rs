//! Finding the thread of a set of people, or making it.

use std::collections::BTreeSet;

use semel_protocol::{
    ThreadId, ThreadType, UserId,
    limits::KEYED_PARTICIPANTS_MAX,
    thread::{Role, ThreadSettings},
};

use super::{Scope, blocks, people};
use crate::{
    Rows, Stop,
    chain::Chain,
    log,
    participants_key::ParticipantsKey,
    row::{Fact, HeadRow, ParticipantRow, Period, PreferencesRow, Subject, ThreadRow},
    title,
};

/// The thread that somebody wants.
pub(super) struct Wanted {
    pub(super) people: BTreeSet<UserId>,
    pub(super) thread_type: ThreadType,
    pub(super) title: Option<String>,
    pub(super) distinct: bool,
}

impl Wanted {
    /// The key under which such a thread is found; none where it is of its own.
    pub(super) fn key(&self) -> Option<ParticipantsKey> {
        (self.distinct && self.people.len() <= KEYED_PARTICIPANTS_MAX)
            .then(|| ParticipantsKey::of(self.thread_type, &self.people))
    }
}

/// Finds the thread that owns the key of these people.
pub(super) fn find(rows: &Rows, wanted: &Wanted) -> Result<Option<ThreadId>, Stop> {
    wanted.key().map_or(Ok(None), |key| rows.owner_of(key))
}

/// Finds it and brings it back into the actor's list, or makes it. Also tells whether it was made.
pub(super) fn find_or_make(
    scope: &Scope<'_>,
    rows: &mut Rows,
    wanted: &Wanted,
) -> Result<(ThreadId, bool), Stop> {
    let found = find(rows, wanted)?;
    if found.is_none() {
        people::meet(scope, rows, &wanted.people)?;
    }
    people::known(rows, &wanted.people)?;
    if let Some(id) = found {
        unhide(scope, rows, id)?;
        Ok((id, false))
    } else {
        blocks::let_make(scope, rows, wanted)?;
        make(scope, rows, wanted).map(|id| (id, true))
    }
}

fn unhide(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId) -> Result<(), Stop> {
    let me = rows.participant(id, scope.actor)?.cloned();
    if let Some(me) = me.filter(|me| me.hidden_seq.is_some()) {
        let me = ParticipantRow {
            hidden_seq: None,
            ..me
        };
        rows.put_participant(id, scope.actor.clone(), me);
        rows.tell_person(scope.actor, Subject::Thread(id))?;
    }
    Ok(())
}

/// Somebody who is in from the first entry on.
fn founder(is_admin: bool) -> ParticipantRow {
    let period = Period {
        from_seq: 1,
        from_rev: 1,
        until_rev: None,
        until_seq: None,
    };
    ParticipantRow {
        role: if is_admin {
            Role::Admin
        } else {
            Role::Participant
        },
        joined_rev: 1,
        periods: vec![period],
        hidden_seq: None,
        is_removed: false,
        block: None,
        preferences: PreferencesRow::default(),
    }
}

fn make(scope: &Scope<'_>, rows: &mut Rows, wanted: &Wanted) -> Result<ThreadId, Stop> {
    let id = scope.context.thread_id();
    let now = scope.context.now;
    let key = wanted.key();
    let chosen = wanted.title.clone().filter(|title| !title.is_empty());
    let is_group = wanted.thread_type == ThreadType::Group;
    let people: Vec<UserId> = wanted.people.iter().cloned().collect();
    rows.begin_roster(id, people.clone());
    for who in &people {
        let is_admin = is_group && who == scope.actor;
        rows.participants
            .put((id, who.clone()), Some(founder(is_admin)));
        rows.positions.load((id, who.clone()), None);
    }
    let title = match (is_group, &chosen) {
        (true, None) => Some(title::automatic(rows, id)?),
        (true, Some(_)) => chosen.clone(),
        (false, _) => None,
    };
    let thread = ThreadRow {
        id,
        thread_type: wanted.thread_type,
        title: title.clone(),
        title_is_automatic: is_group && chosen.is_none(),
        description: None,
        picture: None,
        settings: ThreadSettings::default(),
        participants_key: key,
        is_separate: !wanted.distinct,
        participant_count: wanted.people.len() as u64,
        epoch: 1,
        created_by: scope.actor.clone(),
        created_at: now,
    };
    let (last_rev, last_seq, message_count) = (0, 0, 0);
    let head = HeadRow {
        last_rev,
        last_seq,
        message_count,
        chain: Chain::default(),
        updated_at: now,
    };
    rows.threads.put(id, Some(thread));
    rows.heads.put(id, Some(head));
    if let Some(key) = key {
        rows.participants_keys.put(key, Some(id));
    }
    log::append(
        scope,
        rows,
        id,
        Fact::ThreadCreated(people.clone(), title),
        "",
    )?;
    if is_group {
        people::befriend(scope, rows, &people, &wanted.people)?;
    }
    Ok(id)
}
