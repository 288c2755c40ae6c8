//! Requests as actions.

use semel_core::{
    Refusal,
    actions::{self, Action, Draft},
    chain::Chain,
    queries::{SyncAsk, SyncCursor},
};
use semel_protocol::{
    MessageId, Rev, Seq, ThreadId, UserId,
    limits::{SYNC_PAGE_THREADS_MAX, SYNC_THREADS_MAX},
    requests,
    sync::SyncRequest,
    user::ProfileChange,
};

use super::cursor;

/// `check-existing-thread`.
pub fn check_existing(request: requests::CheckExistingThread) -> Action {
    let requests::CheckExistingThread {
        participants,
        thread_type,
    } = request;
    actions::CheckExisting {
        participants,
        thread_type,
    }
    .into()
}

/// `create-or-get`.
pub fn create_or_get(request: requests::CreateOrGet) -> Action {
    actions::CreateOrGet {
        participants: request.participants,
        thread_type: request.thread_type,
        title: request.title,
        distinct: request.distinct.unwrap_or(true),
        client_id: request.client_id,
    }
    .into()
}

/// `start-conversation`, and `message:send` to people.
pub fn start_conversation(request: requests::StartConversation) -> Action {
    actions::StartConversation {
        participants: request.participants,
        thread_type: request.thread_type,
        title: request.title,
        distinct: request.distinct.unwrap_or(true),
        content: request.message_content,
        client_id: request.client_id,
    }
    .into()
}

/// `expand`.
pub fn expand(thread_id: ThreadId, request: requests::Expand) -> Action {
    actions::Expand {
        thread_id,
        new_participants: request.new_participants,
        message_content: request.message_content,
        client_id: request.client_id,
        on_conflict: request.on_conflict,
    }
    .into()
}

/// Title, description, picture, settings.
pub fn change_thread(thread_id: ThreadId, request: requests::ChangeThread) -> Action {
    let settings = request.settings.unwrap_or_default();
    actions::ChangeThread {
        thread_id,
        title: request.title,
        description: request.description,
        picture: request.picture,
        settings: actions::NewSettings {
            history: settings.history,
            posting: settings.posting,
            adding: settings.adding,
            naming: settings.naming,
        },
    }
    .into()
}

/// What the caller chooses for themselves.
pub fn change_preferences(thread_id: ThreadId, request: requests::ChangePreferences) -> Action {
    actions::SetPreferences {
        thread_id,
        is_muted: request.muted,
        muted_until: request.muted_until,
        is_pinned: request.pinned,
        is_archived: request.archived,
    }
    .into()
}

/// A message that is to be sent.
pub fn draft(request: requests::SendMessage) -> Draft {
    Draft {
        client_id: Some(request.client_id),
        content: request.content,
        kind: request.kind,
        reply_to: request.reply_to,
        attachment_count: request.attachments.len(),
    }
}

/// One message.
pub fn send(thread_id: ThreadId, request: requests::SendMessage) -> Action {
    actions::Send {
        thread_id,
        draft: draft(request),
    }
    .into()
}

/// Several messages of one thread.
pub fn send_batch(thread_id: ThreadId, requests: Vec<requests::SendMessage>) -> Action {
    let drafts = requests.into_iter().map(draft).collect();
    actions::SendBatch { thread_id, drafts }.into()
}

/// New words.
pub fn edit_message(
    thread_id: ThreadId,
    message_id: MessageId,
    request: requests::EditMessage,
) -> Action {
    actions::EditMessage {
        thread_id,
        message_id,
        content: request.content,
    }
    .into()
}

/// A tombstone.
pub fn delete_message(thread_id: ThreadId, message_id: MessageId) -> Action {
    actions::DeleteMessage {
        thread_id,
        message_id,
    }
    .into()
}

/// An emoji, put there or taken back.
pub fn react(thread_id: ThreadId, message_id: MessageId, emoji: String, is_added: bool) -> Action {
    actions::React {
        thread_id,
        message_id,
        emoji,
        is_added,
    }
    .into()
}

/// Another role.
pub fn change_role(thread_id: ThreadId, user_id: UserId, request: requests::ChangeRole) -> Action {
    actions::ChangeRole {
        thread_id,
        user_id,
        role: request.role,
    }
    .into()
}

/// Somebody goes.
pub fn remove_participant(
    thread_id: ThreadId,
    user_id: UserId,
    request: requests::RemoveParticipant,
) -> Action {
    let on_conflict = request.on_conflict;
    actions::RemoveParticipant {
        thread_id,
        user_id,
        on_conflict,
    }
    .into()
}

/// The own read position.
pub fn mark_read(thread_id: ThreadId, seq: Seq) -> Action {
    actions::MarkPosition {
        thread_id,
        read_seq: Some(seq),
        delivered_seq: None,
    }
    .into()
}

/// The own delivered position.
pub fn mark_delivered(thread_id: ThreadId, seq: Seq) -> Action {
    actions::MarkPosition {
        thread_id,
        read_seq: None,
        delivered_seq: Some(seq),
    }
    .into()
}

/// A profile. The caller has checked that it is the person's own, or that an operator asks, and whether the picture may be one
/// that another server keeps.
pub fn change_profile(user_id: UserId, request: ProfileChange, outside_picture: bool) -> Action {
    actions::UpsertUser {
        user_id,
        display_name: request.display_name,
        about: request.about,
        picture: request.picture,
        only_if_absent: false,
        outside_picture,
    }
    .into()
}

/// A place in a thread's log; `pointer` names the field for the refusal.
pub fn cursor_at(
    rev: Rev,
    chain: Option<&str>,
    epoch: Option<u64>,
    pointer: &str,
) -> Result<SyncCursor, Refusal> {
    let parse =
        |text| Chain::parse(text).ok_or_else(|| Refusal::invalid(pointer, "16 hexadecimal digits"));
    let chain = chain.map(parse).transpose()?;
    Ok(SyncCursor { rev, chain, epoch })
}

/// What a device asks for. `since` and cursors of another database count for nothing.
pub fn sync_ask(request: SyncRequest, incarnation: &str) -> Result<SyncAsk, Refusal> {
    if request.threads.len() > SYNC_THREADS_MAX {
        let detail = format!("at most {SYNC_THREADS_MAX} threads");
        return Err(Refusal::invalid("/threads", detail));
    }
    let mut threads = std::collections::BTreeMap::new();
    for (id, cursor) in request.threads {
        let pointer = format!("/threads/{id}/chain");
        let chain = cursor.chain.as_deref();
        let cursor = cursor_at(cursor.rev, chain, cursor.epoch, &pointer)?;
        threads.insert(id, cursor);
    }
    let is_same_database = request
        .incarnation
        .as_deref()
        .is_none_or(|known| known == incarnation);
    Ok(SyncAsk {
        threads,
        since: request.since.filter(|_| is_same_database),
        is_of_another_database: !is_same_database,
        after: request
            .cursor
            .as_deref()
            .map(|text| cursor::sync(text, "/cursor"))
            .transpose()?,
        limit: SYNC_PAGE_THREADS_MAX,
    })
}
