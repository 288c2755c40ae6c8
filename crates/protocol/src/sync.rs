//! `sync`: what a device missed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Entry, Message, Rev, Thread, ThreadId,
    user::{Block, Contact, User},
};

/// Where a device is in a thread's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Last entry that it applied.
    pub rev: Rev,
    /// That entry's chain, so that a log that was replaced is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// The thread's epoch then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// `sync` of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// Threads that the device holds; at most 5,000.
    #[serde(default)]
    pub threads: BTreeMap<ThreadId, Cursor>,
    /// The person's own log up to which it knows; left out by a new device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Which database `since` is from. Another one: everything is sent anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<String>,
    /// `next_cursor` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Answer to `sync`: threads that moved or are new to the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncResult {
    /// Most recently moved first.
    pub threads: Vec<SyncThread>,
    /// Threads that the device named and the person is not in any more.
    pub left: Vec<ThreadId>,
    /// Contacts that are new or changed since `since`; on first pages only.
    pub contacts: Vec<Contact>,
    /// People whom the person blocked or unblocked since `since`; on first pages only.
    pub blocks: Vec<Block>,
    /// The people in the threads of this page, and, after all threads, those whose profile changed since `since`.
    pub profiles: Vec<User>,
    /// The database. Another one than before: the server was restored from a backup; offer what was acknowledged in
    /// the last 24 hours again, with the same client ids.
    pub incarnation: String,
    /// For the next `sync`'s `since`, once all pages are taken.
    pub since: u64,
    /// Ask again with this for more threads and profiles; none at the end.
    pub next_cursor: Option<String>,
}

/// One thread of a `sync` answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncThread {
    /// As it is now, with the person's own read position.
    pub thread: Thread,
    /// Entries after the device's cursor, consecutive; none for a thread that it did not name.
    pub entries: Vec<Entry>,
    /// The newest page of messages, for a thread that the device did not name or whose cursor is of no use.
    pub messages: Vec<Message>,
    /// The thread's last rev.
    pub head_rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Whether there are more entries; ask for them with `GET …/entries` or another `sync`.
    pub more: bool,
    /// The cursor is of no use (too far behind, or of another log): forget the thread's log and take `messages`, with
    /// `head_rev` as the new cursor.
    pub too_old: bool,
}
