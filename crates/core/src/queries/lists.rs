//! Threads, participants, contacts, people.

use semel_protocol::{Rev, ThreadId, Timestamp, UserId};

use crate::{
    Rows, Stop,
    row::{HeadRow, ParticipantRow, ThreadRow, UserRow},
    view::{ParticipantView, ThreadView},
};

/// One thread of the caller's.
pub fn thread(rows: &Rows, actor: &UserId, id: ThreadId) -> Result<ThreadView, Stop> {
    todo!()
}

/// Up to `limit` threads of the caller's, most recent first, after the one given.
pub fn threads(
    rows: &Rows,
    actor: &UserId,
    after: Option<(Timestamp, ThreadId)>,
    limit: usize,
) -> Result<Vec<ThreadView>, Stop> {
    todo!()
}

/// Up to `limit` participants, longest-standing first, after the one given; each with where the next page begins.
pub fn participants(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    after: Option<(Rev, UserId)>,
    limit: usize,
) -> Result<Vec<(Rev, ParticipantView)>, Stop> {
    todo!()
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
    todo!()
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
    todo!()
}
