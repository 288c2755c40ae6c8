//! Socket.IO: names of events and what they carry.

use serde::{Deserialize, Serialize};

use crate::{ClientId, DeviceId, MessageId, Rev, Seq, ThreadId, Timestamp, UserId, requests};

/// Events that a client sends; each is answered by an [`Ack`].
pub mod from_client {
    /// [`super::SendOne`], [`super::SendBatch`] or, with `participants`, [`crate::requests::StartConversation`].
    pub const MESSAGE_SEND: &str = "message:send";
    /// [`super::EditOne`].
    pub const MESSAGE_EDIT: &str = "message:edit";
    /// [`super::OneMessage`].
    pub const MESSAGE_DELETE: &str = "message:delete";
    /// [`super::React`].
    pub const REACTION_ADD: &str = "reaction:add";
    /// [`super::React`].
    pub const REACTION_REMOVE: &str = "reaction:remove";
    /// [`super::Position`]; acknowledged after it was written.
    pub const READ: &str = "read";
    /// [`super::Position`]; best effort.
    pub const DELIVERED: &str = "delivered";
    /// [`crate::sync::SyncRequest`].
    pub const SYNC: &str = "sync";
    /// [`super::OneThread`]: this device has it on screen.
    pub const THREAD_OPEN: &str = "thread:open";
    /// [`super::OneThread`].
    pub const THREAD_CLOSE: &str = "thread:close";
    /// [`super::Typing`].
    pub const TYPING: &str = "typing";
    /// [`super::PresenceAsk`].
    pub const PRESENCE: &str = "presence";

    /// All of them, for documents and tests.
    pub const ALL: &[&str] = &[
        MESSAGE_SEND,
        MESSAGE_EDIT,
        MESSAGE_DELETE,
        REACTION_ADD,
        REACTION_REMOVE,
        READ,
        DELIVERED,
        SYNC,
        THREAD_OPEN,
        THREAD_CLOSE,
        TYPING,
        PRESENCE,
    ];
}

/// Events that the server sends.
pub mod from_server {
    /// [`crate::Entry`].
    pub const ENTRY: &str = "entry";
    /// [`crate::thread::ThreadSummary`].
    pub const CONVERSATION_UPDATED: &str = "conversation_updated";
    /// [`super::Receipt`].
    pub const READ: &str = "read";
    /// [`super::Receipt`].
    pub const DELIVERED: &str = "delivered";
    /// [`super::TypingNotice`].
    pub const TYPING: &str = "typing";
    /// [`super::Presence`].
    pub const PRESENCE: &str = "presence";
    /// [`crate::user::Contact`].
    pub const CONTACT: &str = "contact";
    /// [`crate::user::User`]: somebody whom the person knows, or the person themselves, has another profile.
    pub const PROFILE: &str = "profile";
    /// [`crate::user::Block`], to the devices of who blocks.
    pub const BLOCK: &str = "block";
    /// [`crate::thread::PreferencesResult`], to the person's own devices.
    pub const PREFERENCES: &str = "preferences";
    /// [`super::Heads`].
    pub const HEADS: &str = "heads";
    /// [`super::Closing`]: sent before the server closes. The name `disconnecting` is one of those that Socket.IO
    /// reserves: official clients end the connection with a parse error when they receive it.
    pub const CLOSING: &str = "closing";
    /// The token of this device is not valid any more.
    pub const SESSION_REVOKED: &str = "session_revoked";
}

/// `auth` of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Auth {
    /// Access token, without `Bearer`.
    pub token: String,
    /// This device's name for itself.
    #[serde(default)]
    pub device_id: Option<DeviceId>,
}

/// The acknowledgement of every event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Ack<T> {
    /// Done.
    Success {
        /// As the HTTP call's `data`.
        data: T,
    },
    /// Refused or failed.
    Error {
        /// Why.
        error: Box<crate::Problem>,
    },
}

/// `message:send` with `thread_id` and without `messages`: one message, as [`requests::SendMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendOne {
    /// Where.
    pub thread_id: ThreadId,
    /// Made and kept by the sender before the first attempt.
    pub client_id: ClientId,
    /// The words.
    pub content: String,
    /// `text` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<crate::message::MessageKind>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Files; empty until files can be uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<serde_json::Value>,
}

/// `message:send` with `messages`: up to 100 messages of one thread, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendBatch {
    /// Where.
    pub thread_id: ThreadId,
    /// What.
    pub messages: Vec<requests::SendMessage>,
}

/// `message:delete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
}

/// `message:edit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditOne {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// The new words.
    pub content: String,
}

/// `reaction:add`, `reaction:remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct React {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// With what.
    pub emoji: String,
}

/// `read`, `delivered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Where.
    pub thread_id: ThreadId,
    /// Up to which message.
    pub seq: Seq,
}

/// `thread:open`, `thread:close`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneThread {
    /// Which.
    pub thread_id: ThreadId,
}

/// `typing` of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typing {
    /// Where.
    pub thread_id: ThreadId,
    /// `false` when the person stopped. A notice is forgotten after 6 seconds without a new one.
    pub typing: bool,
}

/// `presence` of a client: whose state it wants to know, now and until it asks again. Only contacts are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceAsk {
    /// Who; at most 200.
    pub user_ids: Vec<UserId>,
}

/// Answer to `presence`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceList {
    /// The state of those who were asked for and are contacts.
    pub presence: Vec<Presence>,
}

/// Somebody's state, in answers and as event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Who.
    pub user_id: UserId,
    /// Whether a device of theirs is connected.
    pub online: bool,
    /// When the last device went, where known.
    pub last_seen_at: Option<Timestamp>,
}

/// `read` and `delivered` of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Up to which message.
    pub seq: Seq,
}

/// `typing` of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingNotice {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Whether they type.
    pub typing: bool,
}

/// `heads` of the server: threads that moved, so that a lost last entry is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// Last rev of each.
    pub heads: std::collections::BTreeMap<ThreadId, Rev>,
}

/// `closing` of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Why.
    pub code: crate::Code,
    /// When to come back; none: do not come back without being asked to.
    pub retry_after_ms: Option<u64>,
}
