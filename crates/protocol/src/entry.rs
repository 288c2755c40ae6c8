//! Entries: the numbered lines of a thread's log.

use serde::{Deserialize, Serialize};

use crate::{
    Message, Rev, Seq, ThreadId, Timestamp, UserId,
    thread::{Role, ThreadSettings},
};

/// One numbered line of a thread's log. A device applies `rev == head + 1`, ignores `rev <= head`, and fetches what is
/// missing when `rev > head + 1`. It ignores unknown fields and steps over unknown types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Thread.
    pub thread_id: ThreadId,
    /// Place in the log.
    pub rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Hash over the chain before, this rev and what the entry says: 16 hexadecimal digits. Part of a cursor. None
    /// when hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Who did it; none when hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// When; none when hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// What happened.
    #[serde(flatten)]
    pub body: EntryBody,
}

/// What happened. `message` is the message as it is now; it is left out where it is not the reader's to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EntryBody {
    /// Something was said.
    Message {
        /// As it is now.
        message: Message,
    },
    /// A message has new words.
    MessageEdited {
        /// Which.
        message_seq: Seq,
        /// As it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
    },
    /// A message became a tombstone.
    MessageDeleted {
        /// Which.
        message_seq: Seq,
        /// As it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
    },
    /// Somebody reacted.
    ReactionAdded {
        /// To which message.
        message_seq: Seq,
        /// With what.
        emoji: String,
        /// As it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
    },
    /// Somebody took a reaction back.
    ReactionRemoved {
        /// From which message.
        message_seq: Seq,
        /// Which.
        emoji: String,
        /// As it is now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
    },
    /// The thread began. Always rev 1; carries no message.
    ThreadCreated {
        /// The first participants.
        user_ids: Vec<UserId>,
        /// The title that it was given, or the automatic one.
        title: Option<String>,
    },
    /// People came in.
    ParticipantsAdded {
        /// Who.
        user_ids: Vec<UserId>,
        /// The title now.
        title: Option<String>,
        /// The system message that tells it.
        message: Message,
    },
    /// Somebody was taken out. The last entry that this person sees.
    ParticipantRemoved {
        /// Who.
        user_ids: Vec<UserId>,
        /// The title now.
        title: Option<String>,
        /// The system message that tells it.
        message: Message,
    },
    /// Somebody left. The last entry that this person sees.
    ParticipantLeft {
        /// Who.
        user_ids: Vec<UserId>,
        /// The title now.
        title: Option<String>,
        /// The system message that tells it.
        message: Message,
    },
    /// Somebody has another role.
    RoleChanged {
        /// Who.
        user_ids: Vec<UserId>,
        /// Which.
        role: Role,
    },
    /// The thread has another title.
    TitleChanged {
        /// Which.
        title: Option<String>,
        /// Whether it is made of names again.
        title_is_automatic: bool,
        /// The system message that tells it.
        message: Message,
    },
    /// Settings, description or picture changed.
    SettingsChanged {
        /// All settings as they were set.
        settings: ThreadSettings,
        /// The description as it was set.
        description: Option<String>,
        /// The picture as it was set.
        picture: Option<String>,
    },
    /// An entry that is not the reader's to see: it keeps the arithmetic on rev whole.
    Hidden,
    /// A type that this program does not know yet: step over it.
    #[serde(other)]
    Unknown,
}

/// Answer to `GET …/entries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EntryPage {
    /// Consecutive entries after the cursor.
    pub entries: Vec<Entry>,
    /// The thread's last rev.
    pub head_rev: Rev,
    /// The thread's epoch.
    pub epoch: u64,
    /// Whether there are more.
    pub more: bool,
    /// Further behind than 10,000 entries, or a cursor of another log: take a fresh snapshot. Not an error.
    pub too_old: bool,
}
