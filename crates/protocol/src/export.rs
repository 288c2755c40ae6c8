//! Everything that is stored about a person, for themselves, and their erasure.

use serde::{Deserialize, Serialize};

use crate::{
    InviteId, Message, MessageId, ReportId, Seq, ThreadId, ThreadType, Timestamp, UserId,
    operator::AuditLine,
    report::ReportReason,
    sign_in::{Identity, Session},
    thread::{Preferences, Role},
    user::{Blocked, Contact, Findability, User},
};

/// One line of an export, which is a file of JSON objects, one on each line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ExportLine {
    /// The first line.
    Begin {
        /// About whom.
        user_id: UserId,
        /// When it began.
        at: Timestamp,
    },
    /// The profile.
    Profile(User),
    /// A way to sign in.
    Identity(Identity),
    /// A device that is signed in.
    Session(Session),
    /// By what, and by whom, they may be found.
    Findability(Findability),
    /// A handle that they have, or had lately.
    Handle(OwnHandle),
    /// They run this server.
    Operator {
        /// Since when.
        since: Timestamp,
    },
    /// A picture that they uploaded.
    Picture(OwnPicture),
    /// A contact.
    Contact(Contact),
    /// Somebody whom they have blocked.
    Block(Blocked),
    /// A thread that they are or were in. Their links, messages and reactions in it follow.
    Thread(ExportedThread),
    /// A link into the thread that they made.
    Invite(OwnInvite),
    /// Something that they said.
    Message(Message),
    /// What they put under a message, of whomever.
    Reaction(OwnReaction),
    /// Something that they reported.
    Report(OwnReport),
    /// Something that they did as an operator.
    Deed(AuditLine),
    /// The last line: without it, the file is not whole.
    End {
        /// How many lines come before.
        lines: u64,
    },
}

/// A thread that a person is or was in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportedThread {
    /// Which.
    pub thread_id: ThreadId,
    /// Its kind.
    pub thread_type: ThreadType,
    /// Its title; none where they are out.
    pub title: Option<String>,
    /// Whether they are in it.
    pub is_in: bool,
    /// Whether somebody else took them out of it.
    pub is_removed: bool,
    /// When they came in last.
    pub joined_at: Timestamp,
    /// When they were in it, oldest first.
    pub periods: Vec<OwnPeriod>,
    /// Their role.
    pub role: Role,
    /// How far they have read.
    pub read_seq: Seq,
    /// How far messages have reached one of their devices.
    pub delivered_seq: Seq,
    /// Up to which message they hid the thread, where they did.
    pub hidden_seq: Option<Seq>,
    /// What they chose for themselves.
    pub preferences: Preferences,
}

/// A time in which a person was in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnPeriod {
    /// First message that they may see.
    pub from_seq: Seq,
    /// Last message that they may see; none while they are in.
    pub until_seq: Option<Seq>,
    /// When they went; none while they are in.
    pub left_at: Option<Timestamp>,
}

/// A handle of a person's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnHandle {
    /// Without `@`.
    pub handle: String,
    /// When they took it.
    pub taken_at: Timestamp,
    /// They gave it up; until then nobody else may take it. None: they have it.
    pub kept_until: Option<Timestamp>,
}

/// A picture, for the one who uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnPicture {
    /// Its address on this server.
    pub picture: String,
    /// When it was uploaded first.
    pub created_at: Timestamp,
    /// When it goes, if neither a person nor a group has it by then.
    pub expires_at: Option<Timestamp>,
    /// `image/jpeg` or `image/png`.
    pub media_type: String,
    /// What it shows, as this server encoded it: the file in Base64, with `+`, `/` and `=`.
    pub content: String,
}

/// A link that invites into a group, for the one who made it. Its token is not in it: who finds the file cannot follow the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnInvite {
    /// Which.
    pub invite_id: InviteId,
    /// Into which group.
    pub thread_id: ThreadId,
    /// When.
    pub created_at: Timestamp,
    /// From when on it counts no more; none: it counts until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in; none: as many as come.
    pub uses_max: Option<u64>,
    /// How many people it has let in.
    pub uses: u64,
}

/// A reaction, for the one whose it is. What the message says is its sender's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnReaction {
    /// Where.
    pub thread_id: ThreadId,
    /// Under which message.
    pub message_id: MessageId,
    /// What.
    pub emoji: String,
}

/// A report, for the one who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnReport {
    /// Id.
    pub report_id: ReportId,
    /// When.
    pub at: Timestamp,
    /// Whom.
    pub user_id: UserId,
    /// Where, if it is about a message.
    pub thread_id: Option<ThreadId>,
    /// Which message; none: the person was reported.
    pub message_id: Option<MessageId>,
    /// What is wrong.
    pub reason: ReportReason,
    /// More of that.
    pub details: Option<String>,
}

/// Whom the caller wants erased: themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EraseMe {
    /// The caller's own id, so that it does not happen by mistake.
    pub user_id: UserId,
}

/// The answer to an erasure that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErasureResult {
    /// Who.
    pub user_id: UserId,
    /// Since when nobody acts as them.
    pub erased_at: Timestamp,
}
