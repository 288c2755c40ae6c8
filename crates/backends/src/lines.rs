//! What a batch of changes does to the log: which lines it appends, with which counters, and which messages it changes.
//!
//! Invariant: what a line says twice is the same both times, or the batch is refused.

use std::collections::HashMap;

use semel_core::{
    Changes,
    row::{EntryRow, MessageRow},
    rows::Place,
};
use semel_protocol::{Seq, ThreadId, message::MessageKind};

use crate::Error;

/// What a batch does to the log.
pub(crate) struct LogLines<'a> {
    /// New lines, in order.
    pub(crate) lines: Vec<NewLine<'a>>,
    /// Messages that were there before, as they are now.
    pub(crate) updates: Vec<(Place, &'a MessageRow)>,
}

/// A new line of the log.
pub(crate) struct NewLine<'a> {
    /// What happened.
    pub(crate) entry: &'a EntryRow,
    /// The message that came with it.
    pub(crate) message: Option<&'a MessageRow>,
    /// The thread's last message after it.
    pub(crate) last_seq: Seq,
    /// Messages that count after it.
    pub(crate) message_count: u64,
}

/// New entries are appended, each together with the message that it brought; a message that was there before is updated.
pub(crate) fn log_lines(changes: &Changes) -> Result<LogLines<'_>, Error> {
    let mut is_new = vec![false; changes.messages.len()];
    let mut lines = Vec::with_capacity(changes.entries.len());
    for (entry, (last_seq, message_count)) in changes.entries.iter().zip(counters_after(changes)?) {
        let message = match entry.seq {
            Some(seq) => {
                let at = find(changes, (entry.thread_id, seq))?;
                is_new[at] = true;
                Some(brought(changes, at, entry)?)
            }
            None => None,
        };
        lines.push(NewLine {
            entry,
            message,
            last_seq,
            message_count,
        });
    }
    let mut updates = Vec::new();
    for ((place, row), is_new) in changes.messages.iter().zip(is_new) {
        if !is_new {
            let row = row.as_ref().ok_or_else(|| never_removed("a message"))?;
            updates.push((*place, row));
        }
    }
    Ok(LogLines { lines, updates })
}

/// The counters after each entry, reckoned back from the heads.
fn counters_after(changes: &Changes) -> Result<Vec<(Seq, u64)>, Error> {
    let mut tails: HashMap<ThreadId, (Seq, u64)> = HashMap::new();
    for (thread, head) in &changes.heads {
        let Some(head) = head else {
            return Err(never_removed("a head"));
        };
        tails.insert(*thread, (head.last_seq, head.message_count));
    }
    let mut after = Vec::with_capacity(changes.entries.len());
    for entry in changes.entries.iter().rev() {
        let tail = tails
            .get_mut(&entry.thread_id)
            .ok_or_else(|| broken(entry, "has no head in its batch"))?;
        after.push(*tail);
        let Some(seq) = entry.seq else { continue };
        let message = changes.messages[find(changes, (entry.thread_id, seq))?]
            .1
            .as_ref();
        let is_counted = message.is_some_and(|message| message.kind != MessageKind::System);
        if message.map(|message| (seq, message.count)) != Some(*tail) {
            return Err(broken(entry, "does not agree with its thread's head"));
        }
        *tail = (seq - 1, tail.1 - u64::from(is_counted));
    }
    after.reverse();
    Ok(after)
}

fn find(changes: &Changes, place: Place) -> Result<usize, Error> {
    changes
        .messages
        .binary_search_by(|(key, _)| key.cmp(&place))
        .map_err(|_| Error::Corrupt(format!("message {} of {} is missing", place.1, place.0)))
}

/// The message that an entry brought. What both say is stored once.
fn brought<'a>(changes: &'a Changes, at: usize, entry: &EntryRow) -> Result<&'a MessageRow, Error> {
    let message = changes.messages[at]
        .1
        .as_ref()
        .ok_or_else(|| never_removed("a message"))?;
    let is_same = message.first_rev == entry.rev
        && message.sender_id == entry.actor_id
        && message.created_at == entry.created_at;
    if is_same {
        Ok(message)
    } else {
        Err(broken(entry, "does not agree with its message"))
    }
}

/// Refuses to remove what stays for ever.
pub(crate) fn never_removed(what: &str) -> Error {
    Error::Corrupt(format!("{what} is never removed"))
}

fn broken(entry: &EntryRow, what: &str) -> Error {
    Error::Corrupt(format!("entry {} of {} {what}", entry.rev, entry.thread_id))
}
