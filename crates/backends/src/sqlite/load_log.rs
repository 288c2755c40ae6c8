//! Keys that the log answers: heads, entries, messages.

use rusqlite::{Connection, Row, params};
use semel_core::{Key, Rows, chain::Chain, row::MessageRow, rows::List};
use semel_protocol::{MessageId, Rev, Seq, ThreadId};
use uuid::Uuid;

use super::{
    codec::Columns,
    load::{all, bound, one},
};
use crate::{
    Error,
    line::{Line, found_message},
};

/// Entries that are read for each message of an interval. Where there are more, each message is looked for by itself.
const ENTRIES_PER_MESSAGE_MAX: u64 = 8;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT thread_id, rev, epoch, seq, type, data, actor_id, created_at, content_hash, chain, last_seq, ",
            "message_count, message_id, message_rev, client_id, kind, content, reply_to, reactions, edited_at, ",
            "deleted_at, is_removed FROM log ",
            $rest
        )
    };
}

fn read(row: &Row<'_>) -> Result<Line, Error> {
    Line::read(row)
}

/// All lines of a thread, in order, one after another, or why one cannot be read.
pub(super) fn walk(
    connection: &Connection,
    id: Uuid,
    mut visit: impl FnMut(Result<Line, Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(select!("WHERE thread_id = ?1 ORDER BY rev"))?;
    let mut found = select.query(params![id.as_bytes()])?;
    while let Some(row) = found.next()? {
        visit(Line::read(row))?;
    }
    Ok(())
}

/// The end of a thread's log; with it comes the last message, when it is the last line.
pub(super) fn head(connection: &Connection, id: ThreadId, rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached(select!("WHERE thread_id = ?1 ORDER BY rev DESC LIMIT 1"))?;
    let line = one(&mut select, params![id.0.as_bytes()], read)?;
    rows.heads.load(id, line.as_ref().map(Line::head));
    if let Some(message) = line.and_then(|line| line.message) {
        found_message(message, rows);
    }
    Ok(())
}

/// The last message of a thread whose head is known.
pub(super) fn last_message(
    connection: &Connection,
    id: ThreadId,
    rows: &mut Rows,
) -> Result<(), Error> {
    match rows.heads.get(&id).flatten().map(|head| head.last_seq) {
        Some(seq) if seq > 0 && !rows.messages.knows(&(id, seq)) => {
            message(connection, id, seq, rows)
        }
        _ => Ok(()),
    }
}

pub(super) fn message(
    connection: &Connection,
    id: ThreadId,
    seq: Seq,
    rows: &mut Rows,
) -> Result<(), Error> {
    let found = match end(connection, id)?.filter(|end| end.has(seq)) {
        Some(end) => message_at(connection, id, seq, rev_of(connection, id, end, seq)?)?,
        None => None,
    };
    match found {
        Some(message) => found_message(message, rows),
        None => rows.messages.load((id, seq), None),
    }
    Ok(())
}

/// The message that came with an entry, if it is the one that is looked for.
fn message_at(
    connection: &Connection,
    id: ThreadId,
    seq: Seq,
    rev: Rev,
) -> Result<Option<MessageRow>, Error> {
    let mut select = connection.prepare_cached(select!("WHERE thread_id = ?1 AND rev = ?2"))?;
    let line = one(&mut select, params![id.0.as_bytes(), bound(rev)], read)?;
    let message = line.and_then(|line| line.message);
    Ok(message.filter(|message| message.seq == seq))
}

/// The last line of a thread's log.
#[derive(Clone, Copy)]
struct End {
    rev: Rev,
    last_seq: Seq,
}

impl End {
    fn has(self, seq: Seq) -> bool {
        (1..=self.last_seq).contains(&seq)
    }
}

fn end(connection: &Connection, id: ThreadId) -> Result<Option<End>, Error> {
    let mut select = connection.prepare_cached(
        "SELECT rev, last_seq FROM log WHERE thread_id = ?1 ORDER BY rev DESC LIMIT 1",
    )?;
    one(&mut select, params![id.0.as_bytes()], |row| {
        let (rev, last_seq) = (row.number(0)?, row.number(1)?);
        Ok(End { rev, last_seq })
    })
}

/// The entry that brought a message which the log has.
///
/// No index leads there, so that a send writes to one less. Revs have no holes and an entry brings one message at most, so
/// message `seq` stands at `seq` plus the number of entries before it that brought none. Their number in the whole log
/// bounds the search, which halves what is left with each look: one or two looks in most threads.
fn rev_of(connection: &Connection, id: ThreadId, end: End, seq: Seq) -> Result<Rev, Error> {
    let (mut first, mut last) = (seq, end.rev.saturating_sub(end.last_seq - seq));
    let mut look =
        connection.prepare_cached("SELECT last_seq FROM log WHERE thread_id = ?1 AND rev = ?2")?;
    while first < last {
        let middle = first.midpoint(last);
        let there = one(&mut look, params![id.0.as_bytes(), bound(middle)], |row| {
            row.number(0)
        })?;
        let there = there.ok_or_else(|| Error::Corrupt(format!("{id} has no entry {middle}")))?;
        if there < seq {
            // As many messages as are missing came after it, each with an entry of its own.
            first = middle + (seq - there);
        } else {
            last = middle.saturating_sub(there - seq);
        }
    }
    Ok(first)
}

pub(super) fn message_by_id(
    connection: &Connection,
    id: ThreadId,
    message: MessageId,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached(select!("WHERE message_id = ?1 AND thread_id = ?2"))?;
    let line = one(
        &mut select,
        params![message.0.as_bytes(), id.0.as_bytes()],
        read,
    )?;
    match line.and_then(|line| line.message) {
        Some(message) => found_message(message, rows),
        None => rows.message_seqs.load((id, message), None),
    }
    Ok(())
}

pub(super) fn messages(
    connection: &Connection,
    id: ThreadId,
    from: Seq,
    to: Seq,
    rows: &mut Rows,
) -> Result<(), Error> {
    if let Some(end) = end(connection, id)? {
        let (from, to) = (from.max(1), to.min(end.last_seq));
        if from <= to {
            found_interval(connection, id, end, (from, to), rows)?;
        }
    }
    for seq in from..=to {
        rows.messages.load((id, seq), None);
    }
    rows.lists
        .insert(Key::Messages(id, from, to), List::Messages);
    Ok(())
}

pub(super) fn entries(
    connection: &Connection,
    id: ThreadId,
    after: Rev,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(select!(
        "WHERE thread_id = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3"
    ))?;
    let lines = all(
        &mut select,
        params![id.0.as_bytes(), bound(after), limit as i64],
        read,
    )?;
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(message) = line.message {
            found_message(message, rows);
        }
        entries.push(line.entry);
    }
    for seq in entries.iter().filter_map(|entry| entry.fact.message_seq()) {
        if !rows.messages.knows(&(id, seq)) {
            message(connection, id, seq, rows)?;
        }
    }
    rows.lists
        .insert(Key::Entries(id, after, limit), List::Entries(entries));
    Ok(())
}

pub(super) fn chain_at(
    connection: &Connection,
    id: ThreadId,
    rev: Rev,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT chain FROM log WHERE thread_id = ?1 AND rev = ?2")?;
    let chain = one(&mut select, params![id.0.as_bytes(), bound(rev)], |row| {
        row.array(0).map(Chain)
    })?;
    rows.lists.insert(Key::ChainAt(id, rev), List::Chain(chain));
    Ok(())
}

/// Loads the messages of an interval that the log has.
fn found_interval(
    connection: &Connection,
    id: ThreadId,
    end: End,
    (from, to): (Seq, Seq),
    rows: &mut Rows,
) -> Result<(), Error> {
    let first = rev_of(connection, id, end, from)?;
    let last = rev_of(connection, id, end, to)?;
    if last.saturating_sub(first) >= (to - from + 1) * ENTRIES_PER_MESSAGE_MAX {
        // Far apart: each by itself, so that what happened between them costs nothing.
        for seq in from..=to {
            let rev = rev_of(connection, id, end, seq)?;
            if let Some(message) = message_at(connection, id, seq, rev)? {
                found_message(message, rows);
            }
        }
        return Ok(());
    }
    let mut select = connection.prepare_cached(select!(
        "WHERE thread_id = ?1 AND rev BETWEEN ?2 AND ?3 AND seq IS NOT NULL"
    ))?;
    let lines = all(
        &mut select,
        params![id.0.as_bytes(), bound(first), bound(last)],
        read,
    )?;
    for message in lines.into_iter().filter_map(|line| line.message) {
        found_message(message, rows);
    }
    Ok(())
}
