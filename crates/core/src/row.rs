//! Rows: what is stored, one struct for each table.

use semel_protocol::{
    ClientId, MessageId, Rev, Seq, ThreadId, Timestamp, UserId,
    message::MessageKind,
    thread::{Role, ThreadSettings, ThreadType},
};

use crate::{chain::Chain, chain::ContentHash, participants_key::ParticipantsKey};

/// A thread, without what changes with every entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadRow {
    /// Id.
    pub id: ThreadId,
    /// Kind; never changes.
    pub thread_type: ThreadType,
    /// Title; none in direct threads and notes.
    pub title: Option<String>,
    /// Whether the title is made from the participants' names.
    pub title_is_automatic: bool,
    /// What it is about.
    pub description: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
    /// Settings.
    pub settings: ThreadSettings,
    /// The key that it owns.
    pub participants_key: Option<ParticipantsKey>,
    /// Whether it is kept apart for ever: never matched by its people.
    pub is_separate: bool,
    /// Active participants.
    pub participant_count: u64,
    /// Changes when the log is replaced.
    pub epoch: u64,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
}

/// The end of a thread's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRow {
    /// Last entry.
    pub last_rev: Rev,
    /// Last message; 0 when there is none.
    pub last_seq: Seq,
    /// Messages, without those of kind `system`.
    pub message_count: u64,
    /// Chain of the last entry.
    pub chain: Chain,
    /// Time of the last entry.
    pub updated_at: Timestamp,
}

/// A time in which somebody was in a thread, and what they may see of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First message that they may see.
    pub from_seq: Seq,
    /// First entry that they may see.
    pub from_rev: Rev,
    /// Last entry that they may see (the one that tells that they went); none while they are in.
    pub until_rev: Option<Rev>,
    /// Last message that they may see; none while they are in.
    pub until_seq: Option<Seq>,
}

/// A person in a thread, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantRow {
    /// Role.
    pub role: Role,
    /// The entry with which they came in last: who has the smallest stands longest.
    pub joined_rev: Rev,
    /// When they were in, oldest first; never empty, never overlapping.
    pub periods: Vec<Period>,
    /// A direct thread that the person hid: not in lists until a message after this one.
    pub hidden_seq: Option<Seq>,
    /// Whether somebody else took them out of the group: they do not come back by themselves.
    pub is_removed: bool,
    /// Of a direct thread. Follows from [`BlockRow`]: nothing else has to be looked at when something is said.
    pub block: Option<Side>,
    /// What they chose for themselves.
    pub preferences: PreferencesRow,
}

/// On which side of a block somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// They have blocked the other one.
    Blocks,
    /// The other one has blocked them.
    IsBlocked,
    /// Both.
    Both,
}

/// Whether somebody may use this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// They may.
    #[default]
    Good,
    /// An operator has suspended them, since then.
    Suspended(Timestamp),
    /// They were erased then, and never come back.
    Erased(Timestamp),
}

impl UserRow {
    /// Whether the person was erased: for others, as if there were nobody.
    pub fn is_erased(&self) -> bool {
        matches!(self.standing, Standing::Erased(_))
    }
}

/// What somebody chose for themselves in a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PreferencesRow {
    /// No notifications until then.
    pub muted_until: Option<Timestamp>,
    /// Above the others since then.
    pub pinned_at: Option<Timestamp>,
    /// Put away.
    pub is_archived: bool,
}

/// The end of a muting that has none.
pub const FOREVER: Timestamp = Timestamp(i64::MAX);

/// Somebody whom a person has blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Since when.
    pub since: Timestamp,
}

impl ParticipantRow {
    /// Whether they are in now.
    pub fn is_active(&self) -> bool {
        self.periods
            .last()
            .is_some_and(|period| period.until_rev.is_none())
    }

    /// Whether entry `rev` is theirs to see.
    pub fn sees_rev(&self, rev: Rev) -> bool {
        self.periods
            .iter()
            .any(|period| period.from_rev <= rev && period.until_rev.is_none_or(|last| rev <= last))
    }

    /// Whether message `seq` is theirs to see.
    pub fn sees_seq(&self, seq: Seq) -> bool {
        self.periods
            .iter()
            .any(|period| period.from_seq <= seq && period.until_seq.is_none_or(|last| seq <= last))
    }

    /// First message that they may ever see.
    pub fn first_seq(&self) -> Seq {
        self.periods
            .iter()
            .map(|period| period.from_seq)
            .min()
            .unwrap_or(1)
    }

    /// First entry that they may ever see.
    pub fn first_rev(&self) -> Rev {
        self.periods
            .iter()
            .map(|period| period.from_rev)
            .min()
            .unwrap_or(1)
    }
}

/// How far a person is in a thread. Only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PositionRow {
    /// Read up to this message.
    pub read_seq: Seq,
    /// Counted messages up to there.
    pub read_count: u64,
    /// Delivered up to this message.
    pub delivered_seq: Seq,
}

/// A message as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Id.
    pub id: MessageId,
    /// Thread.
    pub thread_id: ThreadId,
    /// Place.
    pub seq: Seq,
    /// The entry with which it came.
    pub first_rev: Rev,
    /// Last change.
    pub rev: Rev,
    /// Counted messages up to and with this one: system messages do not count, tombstones do.
    pub count: u64,
    /// Who.
    pub sender_id: UserId,
    /// The sender's id for it.
    pub client_id: Option<ClientId>,
    /// Kind.
    pub kind: MessageKind,
    /// Words; empty in a tombstone.
    pub content: String,
    /// Answers which.
    pub reply_to: Option<MessageId>,
    /// Emoji and who, in order of appearance.
    pub reactions: Vec<(String, Vec<UserId>)>,
    /// When.
    pub created_at: Timestamp,
    /// Last edit.
    pub edited_at: Option<Timestamp>,
    /// Deletion.
    pub deleted_at: Option<Timestamp>,
    /// Whether an operator deleted it.
    pub is_removed: bool,
}

/// What an entry says happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A message was sent.
    Message,
    /// A message was edited.
    MessageEdited(Seq),
    /// A message was deleted.
    MessageDeleted(Seq),
    /// A reaction came.
    ReactionAdded(Seq, String),
    /// A reaction went.
    ReactionRemoved(Seq, String),
    /// The thread began, with these people and this title.
    ThreadCreated(Vec<UserId>, Option<String>),
    /// People came in; the title now.
    ParticipantsAdded(Vec<UserId>, Option<String>),
    /// Somebody was removed; the title now.
    ParticipantRemoved(UserId, Option<String>),
    /// Somebody left; the title now.
    ParticipantLeft(UserId, Option<String>),
    /// Somebody has another role.
    RoleChanged(UserId, Role),
    /// The title changed.
    TitleChanged {
        /// The title now.
        title: Option<String>,
        /// Whether it is made of names again.
        is_automatic: bool,
    },
    /// Settings, description or picture changed: all of them, as they are now, in this order.
    SettingsChanged(ThreadSettings, Option<String>, Option<String>),
}

impl Fact {
    /// The message that the fact is about, if it is about an older one.
    pub fn message_seq(&self) -> Option<Seq> {
        match self {
            Self::MessageEdited(seq)
            | Self::MessageDeleted(seq)
            | Self::ReactionAdded(seq, _)
            | Self::ReactionRemoved(seq, _) => Some(*seq),
            _ => None,
        }
    }
}

/// One line of a thread's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Thread.
    pub thread_id: ThreadId,
    /// Place.
    pub rev: Rev,
    /// The thread's epoch when it was written. Readers are told the epoch of now.
    pub epoch: u64,
    /// The message that came with it.
    pub seq: Option<Seq>,
    /// What happened.
    pub fact: Fact,
    /// Who did it.
    pub actor_id: UserId,
    /// When; never decreases within a thread.
    pub created_at: Timestamp,
    /// Keyed hash of what it says.
    pub content_hash: ContentHash,
    /// Hash over the log up to here.
    pub chain: Chain,
}

/// What a client id was used for, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdRow {
    /// The thread.
    pub thread_id: ThreadId,
    /// The message; none when it named the creation of the thread.
    pub seq: Option<Seq>,
    /// Keyed hash of the original content, so that a repeat is told from another message after an edit.
    pub content_hash: ContentHash,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Name; none until one is set.
    pub display_name: Option<String>,
    /// About.
    pub about: Option<String>,
    /// Picture.
    pub picture: Option<String>,
    /// Handle: theirs in the table of handles as well.
    pub handle: Option<String>,
    /// Whether they may use this server.
    pub standing: Standing,
    /// Made.
    pub created_at: Timestamp,
    /// Changed.
    pub updated_at: Timestamp,
}

/// A person's contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// Since when.
    pub since: Timestamp,
    /// What the person calls them.
    pub own_name: Option<String>,
}

/// What a person's own log tells their devices. The newest line of a subject replaces the one before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The own read position in a thread moved.
    Read(ThreadId),
    /// The person hid a thread, brought it back, or chose something else for it. Coming in and going out is told by the
    /// thread's own log.
    Thread(ThreadId),
    /// A contact that is new, or has another name.
    Contact(UserId),
    /// The person blocked or unblocked somebody.
    Block(UserId),
    /// Somebody blocked or unblocked the person. For servers, which keep the two apart; devices are not told.
    BlockedBy(UserId),
    /// Somebody who shares a thread with the person, or the person themselves, has another profile.
    Profile(UserId),
}

/// A stored answer: what a repeat with the same idempotency key gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// Hash of the first request.
    pub fingerprint: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// Body, byte for byte.
    pub body: Vec<u8>,
    /// `Location` header.
    pub location: Option<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Messages whose words the body has, once each.
    pub message_ids: Vec<MessageId>,
}
