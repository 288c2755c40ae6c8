//! Pages of messages and entries.

use semel_protocol::{MessageId, Rev, Seq, ThreadId, UserId, limits::SYNC_BEHIND_ENTRIES_MAX};

use super::SyncCursor;
use crate::{
    Key, Rows, Stop, access,
    row::{EntryRow, MessageRow, ParticipantRow},
    rows::List,
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
    /// The same of a message of which only the id is known, as an answer knows what it answers.
    Message(MessageId),
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
#[expect(clippy::large_enum_variant, reason = "hidden entries are rare")]
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
    let (thread, me) = access::thread(rows, actor, id)?;
    let head = rows.head(id)?;
    let (first, last) = (me.first_seq(), head.last_seq);
    let limit = limit as Seq;
    let both_sides = |seq: Seq| {
        let from = seq.min(last).saturating_sub(limit / 2).max(first);
        (from, from.saturating_add(limit).saturating_sub(1).min(last))
    };
    let (from, to) = match around {
        Around::Newest => ((last + 1).saturating_sub(limit), last),
        Around::Before(seq) => {
            let seq = seq.min(last + 1);
            (seq.saturating_sub(limit), seq.saturating_sub(1))
        }
        Around::After(seq) => {
            let seq = seq.max(first - 1);
            (seq.saturating_add(1), seq.saturating_add(limit).min(last))
        }
        Around::Seq(seq) => both_sides(seq),
        Around::Message(message_id) => {
            both_sides(access::message(rows, actor, id, message_id)?.seq)
        }
    };
    let from = from.max(first);
    let has_more = match around {
        Around::After(_) => to < last,
        _ => from > first,
    };
    let (as_of_rev, epoch) = (head.last_rev, thread.epoch);
    if from > to {
        let (messages, from_seq, to_seq) = (Vec::new(), 0, 0);
        let has_more = has_more && matches!(around, Around::After(_));
        return Ok(MessagesView {
            messages,
            from_seq,
            to_seq,
            as_of_rev,
            epoch,
            has_more,
        });
    }
    rows.list(&Key::Messages(id, from, to))?;
    let seen = (from..=to).filter(|seq| me.sees_seq(*seq));
    let messages = Rows::gather(seen, |seq| Ok(rows.message(id, seq)?.cloned()))?;
    let messages = messages.into_iter().flatten().collect();
    Ok(MessagesView {
        messages,
        from_seq: from,
        to_seq: to,
        as_of_rev,
        epoch,
        has_more,
    })
}

/// Entries of a thread of the caller's after a rev.
pub fn entries(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    after_rev: Rev,
    limit: usize,
) -> Result<EntriesView, Stop> {
    entries_between(rows, actor, id, (after_rev, Rev::MAX), limit)
}

/// Entries after a rev up to another one. What is behind counts from where it ends: whoever wants an old part of a long
/// log names both.
fn entries_between(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    (after_rev, until_rev): (Rev, Rev),
    limit: usize,
) -> Result<EntriesView, Stop> {
    let (thread, me) = access::thread(rows, actor, id)?;
    let head_rev = rows.head(id)?.last_rev;
    let until_rev = until_rev.min(head_rev);
    // What lies before everything that the person may see is not a gap of theirs.
    let after_rev = after_rev.max(me.first_rev().saturating_sub(1));
    let mut view = EntriesView {
        entries: Vec::new(),
        head_rev,
        epoch: thread.epoch,
        more: false,
        too_old: false,
    };
    let behind = until_rev.saturating_sub(after_rev);
    if after_rev > head_rev || behind > SYNC_BEHIND_ENTRIES_MAX {
        view.too_old = true;
        return Ok(view);
    }
    if behind == 0 {
        return Ok(view);
    }
    let limit = limit.min(behind as usize);
    let key = Key::Entries(id, after_rev, limit);
    let List::Entries(page) = rows.list(&key)? else {
        return Err(Stop::NotLoaded(key));
    };
    view.entries = Rows::gather(page, |entry| seen(rows, me, entry, thread.epoch))?;
    view.more = after_rev + (page.len() as Rev) < until_rev;
    Ok(view)
}

/// What changed a message that they may see is theirs to see, also from a time when they were out: else their log
/// would not lead to the messages that they are shown.
///
/// Entries of before a restore are told with the epoch of the log that they are in now: it is one log.
fn seen(rows: &Rows, me: &ParticipantRow, entry: &EntryRow, epoch: u64) -> Result<SeenEntry, Stop> {
    let changed = entry.fact.message_seq();
    if !me.sees_rev(entry.rev) && !changed.is_some_and(|seq| me.sees_seq(seq)) {
        return Ok(SeenEntry::Hidden(entry.thread_id, entry.rev, epoch));
    }
    let seq = entry.seq.or(changed);
    let message = match seq.filter(|seq| me.sees_seq(*seq)) {
        Some(seq) => rows.message(entry.thread_id, seq)?.cloned(),
        None => None,
    };
    let entry = EntryRow {
        epoch,
        ..entry.clone()
    };
    Ok(SeenEntry::Seen(entry, message))
}

/// Entries of a thread of the caller's after a cursor, up to a rev; `too_old` when the cursor is of another log.
pub fn entries_after(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    (cursor, until_rev): (&SyncCursor, Rev),
    limit: usize,
) -> Result<EntriesView, Stop> {
    let (thread, _) = access::thread(rows, actor, id)?;
    if is_of_this_log(rows, id, cursor)? {
        return entries_between(rows, actor, id, (cursor.rev, until_rev), limit);
    }
    Ok(EntriesView {
        entries: Vec::new(),
        head_rev: rows.head(id)?.last_rev,
        epoch: thread.epoch,
        more: false,
        too_old: true,
    })
}

/// Whether a cursor is a place in the log as it is now: a restored backup or a merge shows in chain and epoch.
fn is_of_this_log(rows: &Rows, id: ThreadId, cursor: &SyncCursor) -> Result<bool, Stop> {
    let epoch = rows.thread(id)?.map_or(0, |thread| thread.epoch);
    let head = rows.head(id)?;
    if cursor.rev > head.last_rev || cursor.epoch.is_some_and(|theirs| theirs != epoch) {
        return Ok(false);
    }
    let Some(chain) = cursor.chain.filter(|_| cursor.rev > 0) else {
        return Ok(true);
    };
    if cursor.rev == head.last_rev {
        return Ok(chain == head.chain);
    }
    let key = Key::ChainAt(id, cursor.rev);
    match rows.list(&key)? {
        List::Chain(ours) => Ok(*ours == Some(chain)),
        _ => Err(Stop::NotLoaded(key)),
    }
}
