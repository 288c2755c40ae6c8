//! Coming in and going out: what adding, removing and leaving share.

use std::collections::BTreeSet;

use semel_protocol::{
    Code, Seq, ThreadId, ThreadType, UserId,
    limits::{GROUP_PARTICIPANTS_MAX, KEYED_PARTICIPANTS_MAX},
    requests::OnConflict,
    thread::{History, Role},
};

use super::{Scope, delete_message::By};
use crate::{
    Refusal, Rows, Stop,
    log::{self, Words},
    participants_key::ParticipantsKey,
    row::{Fact, ParticipantRow, Period, PositionRow, ThreadRow},
    title, view,
};

/// Lets people in who are not in: others, or the actor, who has a link. They see everything or what comes from now on, as
/// the thread is set.
pub(super) fn admit(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    added: &[UserId],
    on_conflict: OnConflict,
) -> Result<(), Stop> {
    let mut people = rows.people_of(id)?;
    people.extend(added.iter().cloned());
    if people.len() > GROUP_PARTICIPANTS_MAX {
        let detail = format!("a group has at most {GROUP_PARTICIPANTS_MAX} people");
        return Err(Refusal::new(Code::ThreadFull, detail).into());
    }
    rekey(rows, id, &people, on_conflict)?;
    let thread = rows.thread(id)?.expect("checked").clone();
    let head = rows.head(id)?.clone();
    let (rev, seq) = (head.last_rev + 1, head.last_seq + 1);
    let earlier = Rows::gather(added, |who| {
        Ok((rows.participant(id, who)?.cloned(), rows.position(id, who)?))
    })?;
    for (who, (row, position)) in added.iter().zip(earlier) {
        let (mut periods, preferences) = row
            .map(|row| (row.periods, row.preferences))
            .unwrap_or_default();
        let (from_seq, from_rev) = match thread.settings.history {
            History::All => (1, 1),
            History::Joined => (seq, rev),
        };
        if thread.settings.history == History::All {
            periods.clear();
        }
        periods.push(Period {
            from_seq,
            from_rev,
            until_rev: None,
            until_seq: None,
        });
        let row = ParticipantRow {
            role: Role::Participant,
            joined_rev: rev,
            periods,
            hidden_seq: None,
            is_removed: false,
            block: None,
            preferences,
        };
        rows.put_participant(id, who.clone(), row);
        let read = PositionRow {
            read_seq: seq,
            read_count: head.message_count,
            delivered_seq: seq,
        };
        let read = if position.read_seq > seq {
            position
        } else {
            read
        };
        rows.positions.put((id, who.clone()), Some(read));
    }
    let title = retitle(rows, id, people.len())?;
    let actor = name(rows, scope.actor)?;
    let words = if added == [scope.actor.clone()] {
        format!("{actor} joined by an invite link")
    } else {
        format!("{actor} added {}", names(rows, added)?)
    };
    let fact = Fact::ParticipantsAdded(added.to_vec(), title);
    log::append_message(scope, rows, id, fact, Words::system(words))?;
    Ok(())
}

/// Takes somebody out of a group, by another or by themselves.
pub(super) fn depart(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    who: &UserId,
    (on_conflict, by): (OnConflict, By),
) -> Result<(), Stop> {
    let mut people = rows.people_of(id)?;
    people.remove(who);
    rekey(rows, id, &people, on_conflict)?;
    let head = rows.head(id)?.clone();
    let (rev, seq): (_, Seq) = (head.last_rev + 1, head.last_seq + 1);
    let row = rows.participant(id, who)?.expect("checked").clone();
    let mut gone = ParticipantRow {
        role: Role::Participant,
        is_removed: who != scope.actor,
        ..row.clone()
    };
    if let Some(period) = gone.periods.last_mut() {
        (period.until_rev, period.until_seq) = (Some(rev), Some(seq));
    }
    rows.put_participant(id, who.clone(), gone);
    let title = retitle(rows, id, people.len())?;
    let actor = match by {
        By::People => name(rows, scope.actor)?,
        By::Operator => "An operator".to_owned(),
    };
    let other = name(rows, who)?;
    let (fact, words) = if who == scope.actor {
        (
            Fact::ParticipantLeft(who.clone(), title),
            format!("{actor} left"),
        )
    } else {
        (
            Fact::ParticipantRemoved(who.clone(), title),
            format!("{actor} removed {other}"),
        )
    };
    log::append_message(scope, rows, id, fact, Words::system(words))?;
    if row.role == Role::Admin {
        hand_over(scope, rows, id)?;
    }
    Ok(())
}

/// Somebody who has left by themselves counts as taken out from now on; whether they did not before. No entry tells of it: the one
/// that tells that they went is there, and nobody's view of the thread changes.
pub(super) fn keep_out(rows: &mut Rows, id: ThreadId, who: &UserId) -> Result<bool, Stop> {
    let row = rows.participant(id, who)?.expect("checked").clone();
    let is_new = !row.is_removed;
    if is_new {
        let is_removed = true;
        rows.put_participant(id, who.clone(), ParticipantRow { is_removed, ..row });
    }
    Ok(is_new)
}

/// Whether each of these people is or was in a thread. Nobody who was in one is forgotten.
pub(super) fn were_all_in<'a>(
    rows: &Rows,
    id: ThreadId,
    people: impl IntoIterator<Item = &'a UserId>,
) -> Result<bool, Stop> {
    let seats = Rows::gather(people, |who| Ok(rows.participant(id, who)?.is_some()))?;
    Ok(!seats.contains(&false))
}

/// Gives a person another role.
pub(super) fn set_role(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    who: &UserId,
    role: Role,
) -> Result<(), Stop> {
    let row = rows.participant(id, who)?.expect("checked").clone();
    rows.put_participant(id, who.clone(), ParticipantRow { role, ..row });
    log::append(scope, rows, id, Fact::RoleChanged(who.clone(), role), "")?;
    Ok(())
}

/// A group without an admin gets its longest-standing member as one.
fn hand_over(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId) -> Result<(), Stop> {
    let active = rows.active(id)?;
    let has_admin = active.iter().any(|(_, row)| row.role == Role::Admin);
    let heir = active.first().map(|(who, _)| who.clone());
    match heir.filter(|_| !has_admin) {
        Some(heir) => set_role(scope, rows, id, &heir, Role::Admin),
        None => Ok(()),
    }
}

/// Moves the thread's participants key to its new set of people. Where another thread owns that, it is refused, or the
/// thread is kept apart for ever.
fn rekey(
    rows: &mut Rows,
    id: ThreadId,
    people: &BTreeSet<UserId>,
    on_conflict: OnConflict,
) -> Result<(), Stop> {
    let thread = rows.thread(id)?.expect("checked").clone();
    let is_keyed = !thread.is_separate && (1..=KEYED_PARTICIPANTS_MAX).contains(&people.len());
    let key = is_keyed.then(|| ParticipantsKey::of(ThreadType::Group, people));
    let owner = key
        .map_or(Ok(None), |key| rows.owner_of(key))?
        .filter(|owner| *owner != id);
    if let (Some(existing), OnConflict::Refuse) = (owner, on_conflict) {
        let detail = "another thread has exactly these people";
        let refusal = Refusal::new(Code::ParticipantsKeyTaken, detail);
        return Err(Refusal {
            existing_thread_id: Some(existing),
            ..refusal
        }
        .into());
    }
    let key = key.filter(|_| owner.is_none());
    if let Some(old) = thread.participants_key {
        rows.participants_keys.put(old, None);
    }
    if let Some(key) = key {
        rows.participants_keys.put(key, Some(id));
    }
    let thread = ThreadRow {
        participants_key: key,
        is_separate: thread.is_separate || owner.is_some(),
        ..thread
    };
    rows.threads.put(id, Some(thread));
    Ok(())
}

/// Brings count and automatic title up to date.
fn retitle(rows: &mut Rows, id: ThreadId, count: usize) -> Result<Option<String>, Stop> {
    let thread = rows.thread(id)?.expect("checked").clone();
    let title = if thread.title_is_automatic {
        Some(title::automatic(rows, id)?)
    } else {
        thread.title.clone()
    };
    let thread = ThreadRow {
        title: title.clone(),
        participant_count: count as u64,
        ..thread
    };
    rows.threads.put(id, Some(thread));
    Ok(title)
}

fn name(rows: &Rows, who: &UserId) -> Result<String, Stop> {
    view::display_name(rows, who)
}

/// Up to ten names, and how many others.
fn names(rows: &Rows, people: &[UserId]) -> Result<String, Stop> {
    let shown = Rows::gather(people.iter().take(10), |who| name(rows, who))?;
    let others = people.len().saturating_sub(10);
    let tail = if others > 0 {
        format!(" and {others} more")
    } else {
        String::new()
    };
    Ok(format!("{}{tail}", shown.join(", ")))
}
