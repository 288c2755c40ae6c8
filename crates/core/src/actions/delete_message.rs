//! Makes a message a tombstone.

use semel_protocol::{MessageId, ThreadId, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Makes a message a tombstone: its sender, or an admin of a group.
#[derive(Clone, Debug)]
pub struct DeleteMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
}

impl DeleteMessage {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
