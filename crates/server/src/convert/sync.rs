//! Answers to `sync`.

use semel_core::queries::{SyncThreadView, SyncView};
use semel_protocol::{
    sync::{SyncResult, SyncThread},
    user::Block,
};

use super::{contact, cursor, entry, message, thread, user};

/// What a device missed.
pub fn sync_result(view: &SyncView, incarnation: &str) -> SyncResult {
    SyncResult {
        threads: view.threads.iter().map(sync_thread).collect(),
        left: view.left.clone(),
        contacts: view.contacts.iter().map(contact).collect(),
        blocks: view
            .blocks
            .iter()
            .map(|(user_id, blocked)| Block {
                user_id: user_id.clone(),
                blocked: *blocked,
            })
            .collect(),
        profiles: view
            .profiles
            .iter()
            .map(|(id, row)| user(id, row))
            .collect(),
        incarnation: incarnation.to_owned(),
        since: view.since,
        next_cursor: view.next.map(cursor::of_sync),
    }
}

fn sync_thread(view: &SyncThreadView) -> SyncThread {
    SyncThread {
        thread: thread(&view.thread),
        entries: view.log.entries.iter().map(entry).collect(),
        messages: view.messages.iter().map(message).collect(),
        head_rev: view.log.head_rev,
        epoch: view.log.epoch,
        more: view.log.more,
        too_old: view.log.too_old,
    }
}
