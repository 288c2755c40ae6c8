//! What a device missed.

use std::collections::{BTreeMap, BTreeSet};

use semel_protocol::{
    Rev, ThreadId, Timestamp, UserId,
    limits::{SYNC_CONTACTS_MAX, SYNC_PROFILES_MAX},
};

use super::{
    Around, EntriesView, entries_after,
    lists::{changed_profile, contacts_among},
    messages,
};
use crate::{
    Rows, Stop,
    chain::Chain,
    row::{MessageRow, Subject, UserRow},
    view::{self, ContactView, ThreadView},
};

/// Where a device is in a thread's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncCursor {
    /// Last entry that it applied.
    pub rev: Rev,
    /// That entry's chain, if the device tells it.
    pub chain: Option<Chain>,
    /// The thread's epoch then, if the device tells it.
    pub epoch: Option<u64>,
}

/// What a device asks for.
#[derive(Clone, Debug, Default)]
pub struct SyncAsk {
    /// What it has.
    pub threads: BTreeMap<ThreadId, SyncCursor>,
    /// The own log up to which it knows.
    pub since: Option<u64>,
    /// The cursors are from before a restore, or from elsewhere: none is of use.
    pub is_of_another_database: bool,
    /// Where this page begins.
    pub after: Option<SyncPlace>,
    /// Threads of this page at most.
    pub limit: usize,
}

/// Where a page of an answer ends: after a thread, or, after all of them, after a line of the own log about a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPlace {
    /// In the list of the person's threads.
    Thread(Timestamp, ThreadId),
    /// In the own log.
    Profile(u64),
}

/// One thread that moved or is new to the device.
#[derive(Clone, Debug)]
pub struct SyncThreadView {
    /// As it is now.
    pub thread: ThreadView,
    /// After the cursor; `too_old` when the cursor is of no use.
    pub log: EntriesView,
    /// The newest messages, for a thread that the device did not name or whose cursor is of no use.
    pub messages: Vec<MessageRow>,
}

/// What a device missed.
#[derive(Clone, Debug)]
pub struct SyncView {
    /// Most recently moved first.
    pub threads: Vec<SyncThreadView>,
    /// Named by the device, and not the person's any more.
    pub left: Vec<ThreadId>,
    /// New or changed since `since`, on the first page.
    pub contacts: Vec<ContactView>,
    /// Who was blocked or unblocked since `since`, on the first page, and which of both.
    pub blocks: Vec<(UserId, bool)>,
    /// The people in the threads of this page, and, after all threads, those whose profile changed since `since`.
    pub profiles: Vec<(UserId, UserRow)>,
    /// The end of the own log.
    pub since: u64,
    /// Where the next page begins.
    pub next: Option<SyncPlace>,
}

/// Newest messages that come with a thread that is new to the device.
const NEWEST_MESSAGES: usize = 50;
/// Entries of one thread in one answer.
const ENTRIES_PER_THREAD: usize = 200;
/// Lines of the own log that are read at once for a page of profiles.
const LINES_AT_ONCE: usize = 500;
/// The same where all of it is read.
const ALL_LINES_AT_ONCE: usize = 4_000;

/// What a device missed: threads of the person that moved since its cursors, then profiles that changed, page by page.
pub fn sync(rows: &Rows, actor: &UserId, ask: &SyncAsk) -> Result<SyncView, Stop> {
    let scanned = scanned(rows, actor, ask)?;
    let since = rows.person_head(actor)?;
    // Before the threads: what may take several rounds is not done again and again with all of them.
    let (left, contacts, blocks) = if ask.after.is_none() {
        let (contacts, blocks) = own_changes(rows, actor, ask.since)?;
        (gone(rows, actor, ask)?, contacts, blocks)
    } else {
        (Vec::new(), Vec::new(), Vec::new())
    };
    let found = Rows::gather(scanned, |(_, id)| missed(rows, actor, *id, ask))?;
    let threads: Vec<SyncThreadView> = found.into_iter().flatten().collect();
    let people: BTreeSet<&UserId> = threads
        .iter()
        .flat_map(|missed| {
            missed
                .thread
                .participants
                .iter()
                .map(|person| &person.user_id)
        })
        .collect();
    let people = Rows::gather(people, |who| {
        Ok(rows.user(who)?.map(|user| (who.clone(), user.clone())))
    })?;
    let mut profiles: BTreeMap<UserId, UserRow> = people.into_iter().flatten().collect();
    let next = if scanned.len() == ask.limit {
        let last = scanned.last().copied();
        last.map(|(time, id)| SyncPlace::Thread(time, id))
    } else {
        let (changed, next) = changed_profiles(rows, actor, ask)?;
        profiles.extend(changed);
        next
    };
    let profiles = profiles.into_iter().collect();
    Ok(SyncView {
        threads,
        left,
        contacts,
        blocks,
        profiles,
        since,
        next,
    })
}

/// The threads of this page.
fn scanned<'a>(
    rows: &'a Rows,
    actor: &UserId,
    ask: &SyncAsk,
) -> Result<&'a [(Timestamp, ThreadId)], Stop> {
    let after = match ask.after {
        None => None,
        Some(SyncPlace::Thread(time, id)) => Some((time, id)),
        Some(SyncPlace::Profile(_)) => return Ok(&[]),
    };
    super::lists::thread_ids(rows, actor, after, ask.limit)
}

type Changed = (Vec<(UserId, UserRow)>, Option<SyncPlace>);

/// The next profiles that changed since the device's number, in the order of the own log, and where the page after them begins.
fn changed_profiles(rows: &Rows, actor: &UserId, ask: &SyncAsk) -> Result<Changed, Stop> {
    if ask.since.is_none() && ask.threads.is_empty() {
        // It has nobody's profile yet.
        return Ok((Vec::new(), None));
    }
    let after = match ask.after {
        Some(SyncPlace::Profile(number)) => number,
        _ => ask.since.unwrap_or(0),
    };
    let mut page: Vec<(u64, &UserId)> = Vec::new();
    own_lines(rows, actor, after, LINES_AT_ONCE, |number, subject| {
        if let Subject::Profile(who) = subject {
            page.push((number, who));
        }
        page.len() <= SYNC_PROFILES_MAX
    })?;
    let is_more = page.len() > SYNC_PROFILES_MAX;
    page.truncate(SYNC_PROFILES_MAX);
    let next = page.last().copied().filter(|_| is_more);
    let found = Rows::gather(page, |(_, who)| {
        let row = changed_profile(rows, actor, who)?;
        Ok(row.map(|row| (who.clone(), row)))
    })?;
    let next = next.map(|(number, _)| SyncPlace::Profile(number));
    Ok((found.into_iter().flatten().collect(), next))
}

/// What the person's own log says after a number, oldest first, for as long as it is wanted.
fn own_lines<'a>(
    rows: &'a Rows,
    actor: &UserId,
    mut after: u64,
    at_once: usize,
    mut is_more_wanted: impl FnMut(u64, &'a Subject) -> bool,
) -> Result<(), Stop> {
    loop {
        let lines = rows.person_log(actor, after, at_once)?;
        for (number, subject) in lines {
            if !is_more_wanted(*number, subject) {
                return Ok(());
            }
            after = *number;
        }
        if lines.len() < at_once {
            return Ok(());
        }
    }
}

type OwnChanges = (Vec<ContactView>, Vec<(UserId, bool)>);

/// Whom the person has as a contact, and has blocked or unblocked, since the device's number.
fn own_changes(rows: &Rows, actor: &UserId, since: Option<u64>) -> Result<OwnChanges, Stop> {
    let (mut contacts, mut blocks) = (Vec::new(), Vec::new());
    own_lines(
        rows,
        actor,
        since.unwrap_or(0),
        ALL_LINES_AT_ONCE,
        |_, subject| {
            match subject {
                Subject::Contact(who) => contacts.push(who),
                Subject::Block(who) => blocks.push(who),
                _ => {}
            }
            true
        },
    )?;
    let newest = contacts.into_iter().rev().take(SYNC_CONTACTS_MAX);
    let newest: Vec<&UserId> = newest.collect();
    let contacts = if newest.is_empty() {
        Vec::new()
    } else {
        contacts_among(rows, actor, newest)?
    };
    let blocks = Rows::gather(blocks, |who| {
        Ok((who.clone(), rows.block(actor, who)?.is_some()))
    })?;
    Ok((contacts, blocks))
}

/// One thread, if it moved, is new to the device, or was read elsewhere.
fn missed(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    ask: &SyncAsk,
) -> Result<Option<SyncThreadView>, Stop> {
    let Some(cursor) = ask.threads.get(&id) else {
        return snapshot(rows, actor, id, false).map(Some);
    };
    if ask.is_of_another_database {
        return snapshot(rows, actor, id, true).map(Some);
    }
    let log = entries_after(rows, actor, id, (cursor, Rev::MAX), ENTRIES_PER_THREAD)?;
    if log.too_old {
        return snapshot(rows, actor, id, true).map(Some);
    }
    if log.entries.is_empty() && !is_changed_elsewhere(rows, actor, id, ask.since)? {
        return Ok(None);
    }
    let thread = view::thread(rows, id, actor)?;
    Ok(Some(SyncThreadView {
        thread,
        log,
        messages: Vec::new(),
    }))
}

/// Whether the person has read a thread, or chosen something for it, since the device's number.
fn is_changed_elsewhere(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    since: Option<u64>,
) -> Result<bool, Stop> {
    let lines = Rows::gather([Subject::Read(id), Subject::Thread(id)], |subject| {
        rows.person_line(actor, &subject)
    })?;
    let mut numbers = lines.into_iter().flatten();
    Ok(numbers.any(|number| number > since.unwrap_or(0)))
}

/// A thread from its newest page on.
fn snapshot(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    too_old: bool,
) -> Result<SyncThreadView, Stop> {
    let page = messages(rows, actor, id, Around::Newest, NEWEST_MESSAGES)?;
    let thread = view::thread(rows, id, actor)?;
    let (head_rev, epoch) = (page.as_of_rev, page.epoch);
    let log = EntriesView {
        entries: Vec::new(),
        head_rev,
        epoch,
        more: false,
        too_old,
    };
    Ok(SyncThreadView {
        thread,
        log,
        messages: page.messages,
    })
}

/// Threads that the device names and that are not in the person's list any more: left, or hidden.
fn gone(rows: &Rows, actor: &UserId, ask: &SyncAsk) -> Result<Vec<ThreadId>, Stop> {
    let gone = Rows::gather(ask.threads.keys(), |id| {
        if rows.thread(*id)?.is_none() {
            return Ok(Some(*id));
        }
        let last_seq = rows.head(*id)?.last_seq;
        let me = rows.participant(*id, actor)?.filter(|me| me.is_active());
        let is_listed = me.is_some_and(|me| me.hidden_seq.is_none_or(|hidden| hidden < last_seq));
        Ok((!is_listed).then_some(*id))
    })?;
    Ok(gone.into_iter().flatten().collect())
}
