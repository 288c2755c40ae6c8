//! Pages of messages and entries.

use semel_protocol::{Rev, Seq, ThreadId, UserId};

use crate::{
    Rows, Stop,
    row::{EntryRow, MessageRow},
};

/// Which messages of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// The newest.
    Newest,
    /// Those before a place.
    Before(Seq),
    /// Those after a place.
    After(Seq),
    /// Those on both sides of a place, and the one there.
    Seq(Seq),
}

/// A page of messages, complete for its interval.
#[derive(Clone, Debug)]
pub struct MessagesView {
    /// In seq order, tombstones included.
    pub messages: Vec<MessageRow>,
    /// First of the interval; 0 when empty.
    pub from_seq: Seq,
    /// Last of the interval; 0 when empty.
    pub to_seq: Seq,
    /// The thread's rev that the page shows.
    pub as_of_rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
}

/// An entry as one person sees it.
#[derive(Clone, Debug)]
pub enum SeenEntry {
    /// Theirs to see, with the message that came with it or that it is about, if that is theirs to see.
    Seen(EntryRow, Option<MessageRow>),
    /// Not theirs to see; only its place is told.
    Hidden(ThreadId, Rev, u64),
}

/// A page of entries.
#[derive(Clone, Debug)]
pub struct EntriesView {
    /// Consecutive.
    pub entries: Vec<SeenEntry>,
    /// The thread's last rev.
    pub head_rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Whether there are more.
    pub more: bool,
    /// The cursor is of no use.
    pub too_old: bool,
}

/// Messages of a thread of the caller's.
pub fn messages(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    around: Around,
    limit: usize,
) -> Result<MessagesView, Stop> {
    todo!()
}

/// Entries of a thread of the caller's after a rev.
pub fn entries(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    after_rev: Rev,
    limit: usize,
) -> Result<EntriesView, Stop> {
    todo!()
}
