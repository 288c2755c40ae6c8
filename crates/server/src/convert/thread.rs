//! Threads, messages and people.

use semel_core::{
    people::FindabilityRow,
    queries::MessagesView,
    row::{FOREVER, HeadRow, MessageRow, PreferencesRow, ThreadRow, UserRow},
    view::{ContactView, ParticipantView, ThreadView},
};
use semel_protocol::{
    Message, Thread, UserId,
    limits::REACTION_USERS_SHOWN_MAX,
    message::{MessagePage, Reaction},
    thread::{Participant, Preferences, ThreadSummary},
    user::{Contact, Findability, User},
};

/// A thread as one person sees it.
pub fn thread(view: &ThreadView) -> Thread {
    Thread {
        id: view.thread.id,
        thread_type: view.thread.thread_type,
        title: view.title.clone(),
        title_is_automatic: view.thread.title_is_automatic,
        description: view.thread.description.clone(),
        picture: view.thread.picture.clone(),
        settings: view.thread.settings,
        participants: view.participants.iter().map(participant).collect(),
        participant_count: view.thread.participant_count,
        message_count: view.head.message_count,
        first_seq: view.first_seq,
        first_rev: view.first_rev,
        last_seq: view.head.last_seq,
        last_rev: view.head.last_rev,
        chain: view.head.chain.to_string(),
        epoch: view.thread.epoch,
        last_message: view.last_message.as_ref().map(message),
        unread_count: view.unread_count,
        read_seq: view.position.read_seq,
        preferences: preferences(&view.preferences),
        created_by: view.thread.created_by.clone(),
        created_at: view.thread.created_at,
        updated_at: view.head.updated_at,
    }
}

/// What lists show of a thread, the same for everybody. `last_message` only where everybody may see it.
pub fn summary(
    thread: &ThreadRow,
    head: &HeadRow,
    last_message: Option<&MessageRow>,
) -> ThreadSummary {
    ThreadSummary {
        thread_id: thread.id,
        thread_type: thread.thread_type,
        title: thread.title.clone(),
        rev: head.last_rev,
        last_seq: head.last_seq,
        message_count: head.message_count,
        participant_count: thread.participant_count,
        last_message: last_message.map(message),
        updated_at: head.updated_at,
    }
}

/// A person in a thread.
pub fn participant(view: &ParticipantView) -> Participant {
    Participant {
        user_id: view.user_id.clone(),
        display_name: view.display_name.clone(),
        role: view.role,
        read_seq: view.position.read_seq,
        delivered_seq: view.position.delivered_seq,
    }
}

/// A message as it is now.
pub fn message(row: &MessageRow) -> Message {
    let reaction = |(emoji, people): &(String, Vec<UserId>)| Reaction {
        emoji: emoji.clone(),
        count: people.len() as u64,
        user_ids: people
            .iter()
            .take(REACTION_USERS_SHOWN_MAX)
            .cloned()
            .collect(),
    };
    Message {
        id: row.id,
        thread_id: row.thread_id,
        seq: row.seq,
        rev: row.rev,
        sender_id: row.sender_id.clone(),
        client_id: row.client_id,
        kind: row.kind,
        content: row.content.clone(),
        reply_to: row.reply_to,
        attachments: Vec::new(),
        reactions: row.reactions.iter().map(reaction).collect(),
        created_at: row.created_at,
        edited_at: row.edited_at,
        deleted_at: row.deleted_at,
        removed: row.is_removed,
    }
}

/// A page of messages.
pub fn message_page(view: &MessagesView) -> MessagePage {
    MessagePage {
        messages: view.messages.iter().map(message).collect(),
        from_seq: view.from_seq,
        to_seq: view.to_seq,
        as_of_rev: view.as_of_rev,
        epoch: view.epoch,
        has_more: view.has_more,
    }
}

/// A person, as others see them.
pub fn user(id: &UserId, row: &UserRow) -> User {
    User {
        user_id: id.clone(),
        display_name: row
            .display_name
            .clone()
            .unwrap_or_else(|| id.as_str().to_owned()),
        handle: row.handle.clone(),
        about: row.about.clone(),
        picture: row.picture.clone(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// How a person may be found.
pub fn findability(row: FindabilityRow) -> Findability {
    Findability {
        handle: row.handle,
        phone: row.phone,
        email: row.email,
    }
}

/// A person's contact.
pub fn contact(view: &ContactView) -> Contact {
    Contact {
        user: user(&view.user_id, &view.user),
        since: view.contact.since,
        own_name: view.contact.own_name.clone(),
        blocked: view.is_blocked,
    }
}

/// What somebody chose for themselves.
pub fn preferences(row: &PreferencesRow) -> Preferences {
    Preferences {
        muted: row.muted_until.is_some(),
        muted_until: row.muted_until.filter(|until| *until != FOREVER),
        pinned_at: row.pinned_at,
        archived: row.is_archived,
    }
}
