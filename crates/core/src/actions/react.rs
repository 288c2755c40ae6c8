//! Puts an emoji on a message, or takes it back.

use semel_protocol::{MessageId, ThreadId, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Puts an emoji on a message, or takes it back.
#[derive(Clone, Debug)]
pub struct React {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// With what.
    pub emoji: String,
    /// Whether it is put there or taken back.
    pub is_added: bool,
}

impl React {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
