//! Messages.

use serde::{Deserialize, Serialize};

use crate::{ClientId, MessageId, Rev, Seq, ThreadId, Timestamp, UserId};

/// What kind of thing was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MessageKind {
    /// Somebody's words.
    Text,
    /// What the thread itself says: somebody was added, the title changed. `content` is English; the entry has the
    /// facts for other languages.
    System,
}

/// One emoji on a message, and who put it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many people.
    pub count: u64,
    /// The first 100 of them, in the order in which they came.
    pub user_ids: Vec<UserId>,
}

/// Something said. `rev` is its last change: a device replaces its copy only by one with a greater `rev`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// Id.
    pub id: MessageId,
    /// Thread.
    pub thread_id: ThreadId,
    /// Place among the thread's messages, for ever.
    pub seq: Seq,
    /// Last change.
    pub rev: Rev,
    /// Who said it; for `system`, who did what it tells.
    pub sender_id: UserId,
    /// The sender's own id for it; none for `system`.
    pub client_id: Option<ClientId>,
    /// Kind.
    pub kind: MessageKind,
    /// The words; empty once deleted.
    pub content: String,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Files; none yet.
    pub attachments: Vec<serde_json::Value>,
    /// Reactions, in the order in which the emoji came.
    pub reactions: Vec<Reaction>,
    /// When it was stored; never decreases within a thread.
    pub created_at: Timestamp,
    /// Last edit.
    pub edited_at: Option<Timestamp>,
    /// Deletion.
    pub deleted_at: Option<Timestamp>,
    /// Whether an operator of the server deleted it; left out when not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

/// Answer to `GET …/messages`: every message of the interval, tombstones included, in seq order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// First seq of the interval; 0 when it is empty.
    pub from_seq: Seq,
    /// Last seq of the interval; 0 when it is empty.
    pub to_seq: Seq,
    /// The thread's rev that the page shows. A device whose cursor is ahead asks again.
    pub as_of_rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
}

/// Answer to a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendResult {
    /// The one message with this client id, as it is now.
    pub message: Message,
    /// Whether it was there before. Information; both are success.
    pub duplicate: bool,
}
