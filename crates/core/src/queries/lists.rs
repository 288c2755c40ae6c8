//! Threads, participants, contacts, people.

use std::collections::BTreeSet;

use semel_protocol::{Rev, ThreadId, Timestamp, UserId};

use crate::{
    Key, Rows, Stop, access,
    people::FindabilityRow,
    row::{HeadRow, ParticipantRow, PreferencesRow, ThreadRow, UserRow},
    rows::List,
    view::{self, ContactView, ParticipantView, ThreadView},
};

/// One thread of the caller's.
pub fn thread(rows: &Rows, actor: &UserId, id: ThreadId) -> Result<ThreadView, Stop> {
    access::thread(rows, actor, id)?;
    view::thread(rows, id, actor)
}

/// Up to `limit` threads of the caller's, most recent first, after the one given.
pub fn threads(
    rows: &Rows,
    actor: &UserId,
    after: Option<(Timestamp, ThreadId)>,
    limit: usize,
) -> Result<Vec<ThreadView>, Stop> {
    let page = thread_ids(rows, actor, after, limit)?;
    Rows::gather(page, |(_, id)| view::thread(rows, *id, actor))
}

/// Ids and times of up to `limit` threads of a person, most recent first, after the one given.
pub(super) fn thread_ids<'a>(
    rows: &'a Rows,
    actor: &UserId,
    after: Option<(Timestamp, ThreadId)>,
    limit: usize,
) -> Result<&'a [(Timestamp, ThreadId)], Stop> {
    let key = Key::ThreadsOf(actor.clone(), after, limit);
    match rows.list(&key)? {
        List::Threads(page) => Ok(page),
        _ => Err(Stop::NotLoaded(key)),
    }
}

/// Up to `limit` participants, longest-standing first, after the one given; each with where the next page begins.
pub fn participants(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    after: Option<(Rev, UserId)>,
    limit: usize,
) -> Result<Vec<(Rev, ParticipantView)>, Stop> {
    access::thread(rows, actor, id)?;
    let page = rows.people(&Key::Standing(id, after, limit))?;
    Rows::gather(page, |who| {
        let joined_rev = rows.participant(id, who)?.map_or(0, |row| row.joined_rev);
        Ok((joined_rev, view::participant(rows, id, who.clone())?))
    })
}

/// A person; none if unknown.
pub fn user(rows: &Rows, who: &UserId) -> Result<Option<UserRow>, Stop> {
    Ok(rows.user(who)?.cloned())
}

/// Whether somebody knows a person: themselves, a contact, somebody in a thread with them.
pub(crate) fn knows(rows: &Rows, actor: &UserId, who: &UserId) -> Result<bool, Stop> {
    if actor == who {
        return Ok(true);
    }
    if rows.user(who)?.is_none() {
        return Ok(false);
    }
    Ok(rows.contact(actor, who)?.is_some() || rows.are_together(actor, who)?)
}

/// A person whom the caller knows; none if they do not. Asking after others is counted: see
/// [`LookAtPerson`](crate::actions::LookAtPerson).
pub fn acquaintance(rows: &Rows, actor: &UserId, who: &UserId) -> Result<Option<UserRow>, Stop> {
    if knows(rows, actor, who)? {
        user(rows, who)
    } else {
        Ok(None)
    }
}

/// A person's profile for somebody who was told that it is another one; none where they do not know them any more, or have blocked them.
/// Of an erased person nothing is left to keep from anybody.
pub fn changed_profile(rows: &Rows, actor: &UserId, who: &UserId) -> Result<Option<UserRow>, Stop> {
    let row = rows.user(who)?;
    let is_erased = row.is_some_and(UserRow::is_erased);
    if is_erased || (!has_blocked(rows, actor, who)? && knows(rows, actor, who)?) {
        return Ok(row.cloned());
    }
    Ok(None)
}

/// By what, and by whom, a person may be found.
pub fn findability(rows: &Rows, who: &UserId) -> Result<FindabilityRow, Stop> {
    rows.findability(who)
}

/// Up to `limit` contacts of the caller's by id, after the one given, each with when they became one.
/// Up to `limit` contacts of the caller's by id, after the one given.
pub fn contacts(
    rows: &Rows,
    actor: &UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<ContactView>, Stop> {
    let page = rows.people(&Key::ContactsOf(actor.clone(), after, limit))?;
    contacts_among(rows, actor, page)
}

/// Those of some people who are contacts of the caller's.
pub(super) fn contacts_among<'a>(
    rows: &Rows,
    actor: &UserId,
    people: impl IntoIterator<Item = &'a UserId>,
) -> Result<Vec<ContactView>, Stop> {
    let blocked: BTreeSet<UserId> = rows
        .blocks_of(actor, None, usize::MAX)?
        .into_iter()
        .collect();
    let found = Rows::gather(people, |who| {
        let both = rows.user(who)?.zip(rows.contact(actor, who)?);
        Ok(both.map(|(user, contact)| ContactView {
            user_id: who.clone(),
            user: user.clone(),
            contact: contact.clone(),
            is_blocked: blocked.contains(who),
        }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// One contact of somebody's; none where they are none.
pub fn contact(rows: &Rows, of: &UserId, who: &UserId) -> Result<Option<ContactView>, Stop> {
    let both = rows.user(who)?.zip(rows.contact(of, who)?);
    let is_blocked = rows.block(of, who)?.is_some();
    Ok(both.map(|(user, contact)| ContactView {
        user_id: who.clone(),
        user: user.clone(),
        contact: contact.clone(),
        is_blocked,
    }))
}

/// Up to `limit` people whom the caller has blocked, by id, after the one given, each with since when.
pub fn blocks(
    rows: &Rows,
    actor: &UserId,
    after: Option<&UserId>,
    limit: usize,
) -> Result<Vec<(UserId, UserRow, Timestamp)>, Stop> {
    let page = rows.blocks_of(actor, after, limit)?;
    let found = Rows::gather(page, |who| {
        let both = rows.user(&who)?.zip(rows.block(actor, &who)?);
        Ok(both
            .map(|(user, block)| (user.clone(), block.since))
            .map(|(user, since)| (who, user, since)))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Whether a person has blocked somebody.
pub fn has_blocked(rows: &Rows, by: &UserId, who: &UserId) -> Result<bool, Stop> {
    Ok(rows.block(by, who)?.is_some())
}

/// Between whom and a person there is a block, whoever made it.
pub fn kept_from(rows: &Rows, who: &UserId) -> Result<BTreeSet<UserId>, Stop> {
    let mut kept = rows.blockers_of(who)?;
    kept.extend(rows.blocks_of(who, None, usize::MAX)?);
    Ok(kept)
}

/// What a person chose for themselves in a thread; none where they are not in it.
pub fn preferences(
    rows: &Rows,
    who: &UserId,
    id: ThreadId,
) -> Result<Option<PreferencesRow>, Stop> {
    let me = rows.participant(id, who)?.filter(|me| me.is_active());
    Ok(me.map(|me| me.preferences))
}

/// A thread with everybody who is or was in it: for those who deliver.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The thread.
    pub thread: ThreadRow,
    /// The end of its log, of the same moment.
    pub head: HeadRow,
    /// Everybody.
    pub people: Vec<(UserId, ParticipantRow)>,
}

/// The roster of a thread; none if there is no such thread. Checks no access: for delivery, not for people.
pub fn roster(rows: &Rows, id: ThreadId) -> Result<Option<Roster>, Stop> {
    let Some(thread) = rows.thread(id)? else {
        return Ok(None);
    };
    let people = Rows::gather(rows.people(&Key::Roster(id))?, |who| {
        Ok(rows
            .participant(id, who)?
            .map(|row| (who.clone(), row.clone())))
    })?;
    let people = people.into_iter().flatten().collect();
    Ok(Some(Roster {
        thread: thread.clone(),
        head: rows.head(id)?.clone(),
        people,
    }))
}
