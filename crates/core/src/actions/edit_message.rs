//! Gives a message new words.

use semel_protocol::{Code, MessageId, ThreadId, UserId, message::MessageKind};

use super::{Outcome, Scope};
use crate::{
    Key, Refusal, Rows, Stop, access, log,
    row::{Fact, MessageRow},
    validate,
};

/// Gives a message new words. Its sender only. The same words as now change nothing.
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
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::MessageId(self.thread_id, self.message_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        validate::content("/content", &self.content)?;
        access::writable(rows, scope.actor, id)?;
        let message = access::message(rows, scope.actor, id, self.message_id)?.clone();
        if message.kind == MessageKind::System || message.sender_id != *scope.actor {
            let detail = "only its sender may edit a message";
            return Err(Refusal::new(Code::Forbidden, detail).into());
        }
        if message.deleted_at.is_some() {
            return Err(message_deleted().into());
        }
        if message.content == self.content {
            return Ok(Outcome::Message(Box::new(message)));
        }
        let fact = Fact::MessageEdited(message.seq);
        let (rev, now) = log::append(scope, rows, id, fact, &self.content)?;
        let content = self.content.clone();
        let message = MessageRow {
            rev,
            content,
            edited_at: Some(now),
            ..message
        };
        rows.put_message(message.clone());
        Ok(Outcome::Message(Box::new(message)))
    }
}

/// The refusal to change a tombstone.
pub(super) fn message_deleted() -> Refusal {
    Refusal::new(Code::MessageDeleted, "the message was deleted")
}
