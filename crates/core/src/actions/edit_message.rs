//! Gives a message new words.

use semel_protocol::{MessageId, ThreadId, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Gives a message new words. Its sender only.
#[derive(Clone, Debug)]
pub struct EditMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// The new words.
    pub content: String,
}

impl EditMessage {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
