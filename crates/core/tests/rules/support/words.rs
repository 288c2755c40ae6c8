//! Short forms of actions, for tests that read like a story.

use semel_core::actions::{
    ChangeThread, CheckExisting, CreateOrGet, DeleteMessage, Draft, EditMessage, Expand, Leave,
    MarkPosition, NewSettings, React, RemoveParticipant, Send, StartConversation,
};
use semel_protocol::{ClientId, MessageId, Seq, ThreadId, UserId, requests::OnConflict};
use uuid::Uuid;

pub(crate) fn person(name: &str) -> UserId {
    UserId::parse(name).expect("a legal id")
}

pub(crate) fn people(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| person(name)).collect()
}

/// The `n`-th client id.
pub(crate) fn client_id(n: u64) -> ClientId {
    ClientId(Uuid::from_u64_pair(
        0x0190_0000_0000_7000,
        0x8000_0000_0000_0000 | n,
    ))
}

pub(crate) fn create(names: &[&str]) -> CreateOrGet {
    CreateOrGet {
        participants: people(names),
        thread_type: None,
        title: None,
        distinct: true,
        client_id: None,
    }
}

pub(crate) fn check(names: &[&str]) -> CheckExisting {
    CheckExisting {
        participants: people(names),
        thread_type: None,
    }
}

pub(crate) fn start(names: &[&str], content: &str, id: Option<u64>) -> StartConversation {
    StartConversation {
        participants: people(names),
        thread_type: None,
        title: None,
        distinct: true,
        content: content.to_owned(),
        client_id: id.map(client_id),
    }
}

pub(crate) fn draft(content: &str, id: u64) -> Draft {
    Draft {
        client_id: Some(client_id(id)),
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachment_count: 0,
    }
}

pub(crate) fn send(thread_id: ThreadId, content: &str, id: u64) -> Send {
    Send {
        thread_id,
        draft: draft(content, id),
    }
}

pub(crate) fn edit(thread_id: ThreadId, message_id: MessageId, content: &str) -> EditMessage {
    EditMessage {
        thread_id,
        message_id,
        content: content.to_owned(),
    }
}

pub(crate) fn delete(thread_id: ThreadId, message_id: MessageId) -> DeleteMessage {
    DeleteMessage {
        thread_id,
        message_id,
    }
}

pub(crate) fn react(thread_id: ThreadId, message_id: MessageId, is_added: bool) -> React {
    React {
        thread_id,
        message_id,
        emoji: "👍".to_owned(),
        is_added,
    }
}

pub(crate) fn expand(thread_id: ThreadId, names: &[&str]) -> Expand {
    Expand {
        thread_id,
        new_participants: people(names),
        message_content: None,
        client_id: None,
        on_conflict: OnConflict::Refuse,
    }
}

pub(crate) fn remove(thread_id: ThreadId, name: &str) -> RemoveParticipant {
    RemoveParticipant {
        thread_id,
        user_id: person(name),
        on_conflict: OnConflict::Refuse,
    }
}

pub(crate) fn leave(thread_id: ThreadId) -> Leave {
    Leave { thread_id }
}

pub(crate) fn read(thread_id: ThreadId, seq: Seq) -> MarkPosition {
    MarkPosition {
        thread_id,
        read_seq: Some(seq),
        delivered_seq: None,
    }
}

pub(crate) fn title(thread_id: ThreadId, title: &str) -> ChangeThread {
    ChangeThread {
        thread_id,
        title: Some(title.to_owned()),
        description: None,
        picture: None,
        settings: NewSettings::default(),
    }
}
