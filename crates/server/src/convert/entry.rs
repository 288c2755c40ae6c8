//! Entries of logs.

use semel_core::{
    queries::{EntriesView, SeenEntry},
    row::{EntryRow, Fact, MessageRow},
};
use semel_protocol::{
    Entry, Message, Rev, ThreadId,
    entry::{EntryBody, EntryPage},
};

use super::message;

/// An entry as one person sees it.
pub fn entry(seen: &SeenEntry) -> Entry {
    match seen {
        SeenEntry::Seen(row, about) => entry_row(row, about.as_ref()),
        SeenEntry::Hidden(thread_id, rev, epoch) => hidden(*thread_id, *rev, *epoch),
    }
}

/// An entry for those who see it, with the message that came with it or that it is about, if they see that.
pub fn entry_row(row: &EntryRow, about: Option<&MessageRow>) -> Entry {
    match body(&row.fact, about.map(message)) {
        Some(body) => Entry {
            thread_id: row.thread_id,
            rev: row.rev,
            epoch: row.epoch,
            chain: Some(row.chain.to_string()),
            actor_id: Some(row.actor_id.clone()),
            created_at: Some(row.created_at),
            body,
        },
        None => hidden(row.thread_id, row.rev, row.epoch),
    }
}

/// A page of a log.
pub fn entry_page(view: &EntriesView) -> EntryPage {
    EntryPage {
        entries: view.entries.iter().map(entry).collect(),
        head_rev: view.head_rev,
        epoch: view.epoch,
        more: view.more,
        too_old: view.too_old,
    }
}

fn hidden(thread_id: ThreadId, rev: Rev, epoch: u64) -> Entry {
    let (chain, actor_id, created_at) = (None, None, None);
    Entry {
        thread_id,
        rev,
        epoch,
        chain,
        actor_id,
        created_at,
        body: EntryBody::Hidden,
    }
}

/// None where an entry that carries its message has none: what cannot be shown whole keeps only its place.
fn body(fact: &Fact, message: Option<Message>) -> Option<EntryBody> {
    Some(match fact.clone() {
        Fact::Message => EntryBody::Message { message: message? },
        Fact::MessageEdited(message_seq) => EntryBody::MessageEdited {
            message_seq,
            message,
        },
        Fact::MessageDeleted(message_seq) => EntryBody::MessageDeleted {
            message_seq,
            message,
        },
        Fact::ReactionAdded(message_seq, emoji) => EntryBody::ReactionAdded {
            message_seq,
            emoji,
            message,
        },
        Fact::ReactionRemoved(message_seq, emoji) => EntryBody::ReactionRemoved {
            message_seq,
            emoji,
            message,
        },
        Fact::ThreadCreated(user_ids, title) => EntryBody::ThreadCreated { user_ids, title },
        Fact::ParticipantsAdded(user_ids, title) => EntryBody::ParticipantsAdded {
            user_ids,
            title,
            message: message?,
        },
        Fact::ParticipantRemoved(who, title) => EntryBody::ParticipantRemoved {
            user_ids: vec![who],
            title,
            message: message?,
        },
        Fact::ParticipantLeft(who, title) => EntryBody::ParticipantLeft {
            user_ids: vec![who],
            title,
            message: message?,
        },
        Fact::RoleChanged(who, role) => EntryBody::RoleChanged {
            user_ids: vec![who],
            role,
        },
        Fact::TitleChanged {
            title,
            is_automatic,
        } => EntryBody::TitleChanged {
            title,
            title_is_automatic: is_automatic,
            message: message?,
        },
        Fact::SettingsChanged(settings, description, picture) => EntryBody::SettingsChanged {
            settings,
            description,
            picture,
        },
    })
}
