//! Questions about threads: where they are, and what was not told of them. Many threads with one question.

use semel_core::{
    Key, Rows, Stop,
    queries::{self, Roster},
    row::{EntryRow, MessageRow},
    rows::List,
};
use semel_protocol::{ThreadId, limits::PAGE_ENTRIES_MAX};

use super::follow::Reached;

/// A thread that moved elsewhere, as it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: ThreadId,
    pub(super) head: Reached,
    /// The next ones after what was told; none when they are too many, of another log, or cannot be read.
    pub(super) entries: Vec<(EntryRow, Option<MessageRow>)>,
    /// Who is in it, if that was not known here.
    pub(super) roster: Option<Roster>,
}

/// What is asked about a thread.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) id: ThreadId,
    pub(super) told: Reached,
    pub(super) with_roster: bool,
    /// Entries at most; 0: where it ends is all that is to be told.
    pub(super) entries: usize,
}

/// Everything, or what is missing for it.
pub(super) fn all<T>(found: T, missing: Vec<Key>) -> Result<T, Stop> {
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(Stop::NotLoaded(Key::Many(missing)))
    }
}

/// Where a thread is, if there is such a thread; or the key of what is not loaded.
pub(super) fn head(rows: &Rows, id: ThreadId) -> Result<Option<Reached>, Key> {
    let (thread, head) = (rows.threads.get(&id), rows.heads.get(&id));
    let (thread, head) = thread.zip(head).ok_or(Key::Thread(id))?;
    let found = thread.zip(head);
    Ok(found.map(|(thread, head)| Reached {
        epoch: thread.epoch,
        rev: head.last_rev,
    }))
}

pub(super) fn find(rows: &Rows, wanted: &[Wanted]) -> Result<Vec<Found>, Stop> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match find_one(rows, *wanted) {
            Ok(one) => found.extend(one),
            Err(Stop::NotLoaded(Key::Many(keys))) => missing.extend(keys),
            Err(Stop::NotLoaded(key)) => missing.push(key),
            Err(stop) => return Err(stop),
        }
    }
    missing.sort();
    missing.dedup();
    all(found, missing)
}

fn find_one(rows: &Rows, wanted: Wanted) -> Result<Option<Found>, Stop> {
    let id = wanted.id;
    let key = Key::Entries(id, wanted.told.rev, wanted.entries);
    let with_entries = |thread| match wanted.entries {
        0 => thread,
        _ => Key::Many(vec![thread, key.clone()]),
    };
    let head = head(rows, id).map_err(with_entries);
    let Some(head) = head.map_err(Stop::NotLoaded)? else {
        return Ok(None);
    };
    let roster = if wanted.with_roster {
        queries::roster(rows, id)?
    } else {
        None
    };
    let is_of_use = wanted.entries > 0
        && head.epoch == wanted.told.epoch
        && head.rev - wanted.told.rev.min(head.rev) < PAGE_ENTRIES_MAX as u64;
    let entries = if is_of_use {
        with_messages(rows, id, key)?
    } else {
        Vec::new()
    };
    Ok(Some(Found {
        id,
        head,
        entries,
        roster,
    }))
}

/// A page of entries with their messages, whoever may see them.
pub(super) fn with_messages(
    rows: &Rows,
    id: ThreadId,
    key: Key,
) -> Result<Vec<(EntryRow, Option<MessageRow>)>, Stop> {
    let Some(List::Entries(page)) = rows.lists.get(&key) else {
        return Err(Stop::NotLoaded(key));
    };
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for entry in page {
        let seq = entry.seq.or_else(|| entry.fact.message_seq());
        let about = match seq.map(|seq| (seq, rows.messages.get(&(id, seq)))) {
            None => None,
            Some((_, Some(message))) => message.cloned(),
            Some((seq, None)) => {
                missing.push(Key::Message(id, seq));
                None
            }
        };
        entries.push((entry.clone(), about));
    }
    all(entries, missing)
}
