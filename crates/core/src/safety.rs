//! Rows of keeping people safe.

use semel_protocol::{MessageId, ThreadId, Timestamp, UserId};

/// What an operator did. Never changed, never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor_id: UserId,
    /// What.
    pub deed: Deed,
    /// To whom.
    pub user_id: Option<UserId>,
    /// In which thread.
    pub thread_id: Option<ThreadId>,
    /// To which message.
    pub message_id: Option<MessageId>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// What operators do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// They suspend a person.
    Suspend,
    /// They end that.
    Lift,
    /// They make a message a tombstone.
    RemoveMessage,
}
