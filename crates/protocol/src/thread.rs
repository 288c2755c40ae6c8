//! Threads.

use serde::{Deserialize, Serialize};

use crate::{Message, Rev, Seq, ThreadId, Timestamp, UserId, message::SendResult};

/// What kind of conversation. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ThreadType {
    /// Exactly two people, once per pair.
    Direct,
    /// Two or more people when made.
    Group,
    /// A note to oneself, once per person.
    #[serde(rename = "self")]
    SelfNote,
}

/// What a participant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Changes settings and roles, takes people out, and does everything that participants may be allowed.
    Admin,
    /// Reads, and does what the settings allow everybody.
    Participant,
}

/// What somebody who is added sees of the time before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum History {
    /// Everything.
    All,
    /// What comes from then on.
    Joined,
}

/// Who is allowed something in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Allowed {
    /// Every participant.
    Everyone,
    /// Admins.
    Admins,
}

/// A thread's settings. Only admins of a group change them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadSettings {
    /// What newcomers see.
    pub history: History,
    /// Who may write: send, answer and edit.
    pub posting: Allowed,
    /// Who may add people.
    pub adding: Allowed,
    /// Who may change title, description and picture.
    pub naming: Allowed,
}

impl Default for ThreadSettings {
    /// What a new thread has.
    fn default() -> Self {
        Self {
            history: History::All,
            posting: Allowed::Everyone,
            adding: Allowed::Admins,
            naming: Allowed::Admins,
        }
    }
}

/// What a person chose for themselves in a thread. Nobody else sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preferences {
    /// Whether they do not want to be notified. With `muted_until` in the past they do again.
    pub muted: bool,
    /// Until when; none: until they say otherwise.
    pub muted_until: Option<Timestamp>,
    /// When they put it above the others in their list.
    pub pinned_at: Option<Timestamp>,
    /// Whether they put it away. It stays so whatever is said in it.
    pub archived: bool,
}

/// Answer to a change of preferences, and the server's `preferences`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreferencesResult {
    /// Where.
    pub thread_id: ThreadId,
    /// All of them, as they are now.
    pub preferences: Preferences,
}

/// A person in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Participant {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub display_name: String,
    /// Their role.
    pub role: Role,
    /// What they have read up to.
    pub read_seq: Seq,
    /// What has reached one of their devices up to.
    pub delivered_seq: Seq,
}

/// A thread as one person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thread {
    /// Id.
    pub id: ThreadId,
    /// Kind.
    pub thread_type: ThreadType,
    /// Title; in a direct thread the other person's name.
    pub title: Option<String>,
    /// Whether a group's title is made of names, as they were when its people last changed.
    pub title_is_automatic: bool,
    /// What it is about; several lines. Groups only.
    pub description: Option<String>,
    /// Address of a picture; what begins with a slash is at this server.
    pub picture: Option<String>,
    /// Settings.
    pub settings: ThreadSettings,
    /// The first 100 participants, longest-standing first.
    pub participants: Vec<Participant>,
    /// How many there are.
    pub participant_count: u64,
    /// Messages, without those of kind `system`.
    pub message_count: u64,
    /// First seq that the caller may read.
    pub first_seq: Seq,
    /// First rev that the caller may read.
    pub first_rev: Rev,
    /// Last message's seq; 0 when there is none.
    pub last_seq: Seq,
    /// Last entry's rev.
    pub last_rev: Rev,
    /// Chain of the last entry: 16 hexadecimal digits.
    pub chain: String,
    /// Changes when the log is replaced (threads merged): cursors of another epoch start anew.
    pub epoch: u64,
    /// The last message, as it is now.
    pub last_message: Option<Message>,
    /// Messages after the caller's `read_seq`, without those of kind `system`.
    pub unread_count: u64,
    /// The caller's own read position.
    pub read_seq: Seq,
    /// What the caller chose for themselves.
    pub preferences: Preferences,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Last entry's time.
    pub updated_at: Timestamp,
}

/// The server's `conversation_updated`: what a list shows, the same for everybody. The last one wins; it moves no
/// cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadSummary {
    /// Thread.
    pub thread_id: ThreadId,
    /// Kind.
    pub thread_type: ThreadType,
    /// Title as stored; none in a direct thread.
    pub title: Option<String>,
    /// Last entry.
    pub rev: Rev,
    /// Last message's seq.
    pub last_seq: Seq,
    /// Messages, without those of kind `system`.
    pub message_count: u64,
    /// How many participants.
    pub participant_count: u64,
    /// The last message; none if the newest ones are hidden from some.
    pub last_message: Option<Message>,
    /// Last entry's time.
    pub updated_at: Timestamp,
}

/// Answer to `create-or-get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateOrGetResult {
    /// The thread.
    pub thread: Thread,
    /// Whether this call made it.
    pub created: bool,
}

/// Answer to `check-existing-thread`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckExistingResult {
    /// Whether there is one that the caller is in.
    pub exists: bool,
    /// The thread.
    pub thread: Option<Thread>,
}

/// Answer to `start-conversation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartConversationResult {
    /// The thread.
    pub thread: Thread,
    /// The first message of this call.
    pub message: Message,
    /// Whether the thread was there before.
    pub is_existing_thread: bool,
}

/// Answer to `expand`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpandResult {
    /// The thread as it is now.
    pub thread: Thread,
    /// Who was not in it before.
    pub added_participants: Vec<Participant>,
    /// Its title now.
    pub new_title: Option<String>,
    /// The welcome message, if one was asked for.
    pub message: Option<Message>,
}

/// Answer to calls that change a thread and have nothing else to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadResult {
    /// The thread as it is now.
    pub thread: Thread,
}

/// Answer to `leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaveResult {
    /// The thread that was left (a group) or hidden (a direct thread).
    pub thread_id: ThreadId,
}

/// Answer to `read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadResult {
    /// Thread.
    pub thread_id: ThreadId,
    /// Read position now; it never goes back.
    pub read_seq: Seq,
    /// Unread messages now.
    pub unread_count: u64,
}

/// Answer to edits, deletions and reactions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageResult {
    /// The message as it is now.
    pub message: Message,
}

/// One page of the caller's threads, most recent first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadPage {
    /// The page.
    pub threads: Vec<Thread>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

/// One page of a thread's participants, longest-standing first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParticipantPage {
    /// The page.
    pub participants: Vec<Participant>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

/// A result per item of a batch, in its order. Items after the first retryable error were not tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchResult {
    /// One for each item that was tried.
    pub results: Vec<BatchItem>,
}

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BatchItem {
    /// Stored, or there before.
    Success {
        /// As for a single send.
        data: SendResult,
    },
    /// Refused.
    Error {
        /// Why.
        error: crate::Problem,
    },
}
