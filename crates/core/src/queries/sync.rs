//! What a device missed.

use std::collections::BTreeMap;

use semel_protocol::{Rev, ThreadId, Timestamp, UserId};

use super::EntriesView;
use crate::{
    Rows, Stop,
    chain::Chain,
    row::{MessageRow, UserRow},
    view::ThreadView,
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
    /// Where this page begins.
    pub after: Option<(Timestamp, ThreadId)>,
    /// Threads of this page at most.
    pub limit: usize,
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
    /// New since `since`, on the first page.
    pub contacts: Vec<(UserId, UserRow, Timestamp)>,
    /// The people in the threads of this page.
    pub profiles: Vec<(UserId, UserRow)>,
    /// The end of the own log.
    pub since: u64,
    /// Where the next page begins.
    pub next: Option<(Timestamp, ThreadId)>,
}

/// What a device missed: threads of the person that moved since its cursors, page by page.
pub fn sync(rows: &Rows, actor: &UserId, ask: &SyncAsk) -> Result<SyncView, Stop> {
    todo!()
}
