//! Removes messages.

use semel_protocol::{Code, MessageId, ThreadId, UserId, message::MessageKind};

use super::{deed, write_down};
use crate::{
    Key, Refusal, Rows, Stop, access,
    actions::{
        Outcome, Scope,
        delete_message::{By, bury},
    },
    safety::{AuditRow, Deed},
    validate,
};

/// Makes a message a tombstone that says that an operator did so. The operator need not be in the thread, and learns nothing
/// of it.
#[derive(Clone, Debug)]
pub struct RemoveMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// Why.
    pub reason: String,
}

impl RemoveMessage {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::MessageId(self.thread_id, self.message_id));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        remove(scope, rows, (self.thread_id, self.message_id), &self.reason)?;
        Ok(Outcome::Removed)
    }
}

/// Makes a message a tombstone, if it is none yet.
pub(super) fn remove(
    scope: &Scope<'_>,
    rows: &mut Rows,
    (thread_id, message_id): (ThreadId, MessageId),
    reason: &str,
) -> Result<(), Stop> {
    let message = access::message_for_operators(rows, thread_id, message_id)?.clone();
    if message.kind == MessageKind::System {
        let detail = "what a thread itself says stays";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    if message.deleted_at.is_none() {
        let sender = message.sender_id.clone();
        bury(scope, rows, message, By::Operator)?;
        let written = AuditRow {
            user_id: Some(sender),
            thread_id: Some(thread_id),
            message_id: Some(message_id),
            ..deed(scope, Deed::RemoveMessage, reason)
        };
        write_down(scope, rows, written);
    }
    Ok(())
}
