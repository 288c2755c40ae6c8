//! Wire types as events (HI-21, HI-24).

use semel_check::{Action, Event, Kind, fingerprint, fingerprint_of};
use semel_protocol::{ClientId, Entry, Message, UserId, entry::EntryBody, message::MessageKind};

/// Of a message: who sent it, and the sender's own id for it (HI-13).
pub(crate) fn message_key(client_id: ClientId, sender: &UserId) -> u64 {
    fingerprint_of([
        client_id.0.as_bytes().as_slice(),
        sender.as_str().as_bytes(),
    ])
}

/// Of a request: its idempotency key and the person (HI-13).
pub(crate) fn request_key(idempotency_key: &str, person: &UserId) -> u64 {
    fingerprint_of([idempotency_key.as_bytes(), person.as_str().as_bytes()])
}

/// Of a set of people, in whatever order (HI-23).
pub(crate) fn people_key(people: &[UserId]) -> u64 {
    let mut people: Vec<&[u8]> = people.iter().map(|one| one.as_str().as_bytes()).collect();
    people.sort_unstable();
    people.dedup();
    fingerprint_of(people)
}

/// Adds what a message is, as it is shown: seq, id, key, hash and version.
pub(super) fn with_message(event: Event, message: &Message) -> Event {
    let is_tombstone = message.deleted_at.is_some();
    let key = |id| message_key(id, &message.sender_id);
    Event {
        seq: message.seq as u32,
        id: fingerprint(message.id.0.as_bytes()),
        key: message.client_id.map_or(0, key),
        hash: if is_tombstone {
            0
        } else {
            fingerprint(message.content.as_bytes())
        },
        version: message.rev as u32,
        ..event
    }
}

/// A message that was read by seq.
pub(super) fn row_of_message(message: &Message, user: impl Fn(&UserId) -> u32) -> Event {
    let event = Event::at(0, Kind::Row, Action::Send);
    match message.kind {
        MessageKind::Text => Event {
            user: user(&message.sender_id),
            ..with_message(event, message)
        },
        MessageKind::System => Event {
            action: Action::Unknown,
            seq: message.seq as u32,
            ..event
        },
    }
}

/// An entry, without its thread.
pub(super) fn entry(kind: Kind, entry: &Entry, user: impl Fn(&UserId) -> u32) -> Event {
    use EntryBody as Body;
    let (action, message, seq) = match &entry.body {
        Body::Message { message } => (Action::Send, Some(message), message.seq),
        Body::MessageEdited {
            message_seq,
            message,
        } => (Action::Edit, message.as_ref(), *message_seq),
        Body::MessageDeleted {
            message_seq,
            message,
        } => (Action::Delete, message.as_ref(), *message_seq),
        Body::ReactionAdded {
            message_seq,
            message,
            ..
        } => (Action::React, message.as_ref(), *message_seq),
        Body::ReactionRemoved {
            message_seq,
            message,
            ..
        } => (Action::Unreact, message.as_ref(), *message_seq),
        Body::ThreadCreated { .. } => (Action::Create, None, 0),
        Body::ParticipantsAdded { message, .. } => (Action::Add, Some(message), message.seq),
        Body::ParticipantRemoved { message, .. } => (Action::Remove, Some(message), message.seq),
        Body::ParticipantLeft { message, .. } => (Action::Leave, Some(message), message.seq),
        Body::RoleChanged { .. } => (Action::Role, None, 0),
        Body::TitleChanged { message, .. } => (Action::Title, Some(message), message.seq),
        Body::SettingsChanged { .. } => (Action::Settings, None, 0),
        Body::Hidden => (Action::Hidden, None, 0),
        Body::Unknown => (Action::Unknown, None, 0),
    };
    let event = Event {
        rev: entry.rev as u32,
        seq: seq as u32,
        user: entry.actor_id.as_ref().map_or(0, user),
        ..Event::at(0, kind, action)
    };
    match message {
        Some(message) => with_message(event, message),
        None => event,
    }
}
