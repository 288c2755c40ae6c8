//! Threads, participants, contacts, people.

use semel_protocol::{Rev, ThreadId, Timestamp, UserId};

use crate::{
    Key, Rows, Stop, access,
    row::{HeadRow, ParticipantRow, ThreadRow, UserRow},
    rows::List,
    view::{self, ParticipantView, ThreadView},
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

/// Up to `limit` contacts of the caller's by id, after the one given, each with when they became one.
pub fn contacts(
    rows: &Rows,
    actor: &UserId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, UserRow, Timestamp)>, Stop> {
    let page = rows.people(&Key::ContactsOf(actor.clone(), after, limit))?;
    let found = Rows::gather(page, |who| contact(rows, actor, who))?;
    Ok(found.into_iter().flatten().collect())
}

/// One contact, with when they became one.
pub(super) fn contact(
    rows: &Rows,
    actor: &UserId,
    who: &UserId,
) -> Result<Option<(UserId, UserRow, Timestamp)>, Stop> {
    let user = rows.user(who)?;
    let since = rows.contact(actor, who)?.map(|row| row.since);
    Ok(user
        .zip(since)
        .map(|(user, since)| (who.clone(), user.clone(), since)))
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
