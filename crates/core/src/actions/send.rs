//! Says something.

use semel_protocol::{ClientId, MessageId, ThreadId, UserId, message::MessageKind};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The sender's id for it; without one a repeat is a second message.
    pub client_id: Option<ClientId>,
    /// Words.
    pub content: String,
    /// Kind; only `text` is for people.
    pub kind: Option<MessageKind>,
    /// Answers which.
    pub reply_to: Option<MessageId>,
    /// How many files hang on it; none can, yet.
    pub attachment_count: usize,
}

/// Says something in a thread.
#[derive(Clone, Debug)]
pub struct Send {
    /// Where.
    pub thread_id: ThreadId,
    /// What.
    pub draft: Draft,
}

/// Says up to 100 things in a thread, in order, with a result for each.
#[derive(Clone, Debug)]
pub struct SendBatch {
    /// Where.
    pub thread_id: ThreadId,
    /// What.
    pub drafts: Vec<Draft>,
}

impl Send {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}

impl SendBatch {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
