//! Makes a message a tombstone.

use semel_protocol::{
    Code, MessageId, ThreadId, ThreadType, UserId, message::MessageKind, thread::Role,
};

use super::{Outcome, Scope};
use crate::{
    Key, Refusal, Rows, Stop, access, log,
    row::{AnswerRow, Fact, MessageRow},
};

/// Makes a message a tombstone: its sender, or an admin of a group. A tombstone stays one.
#[derive(Clone, Debug)]
pub struct DeleteMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
}

impl DeleteMessage {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::MessageId(self.thread_id, self.message_id));
        keys.push(Key::AnswersNaming(self.message_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        let (thread, me) = access::thread(rows, scope.actor, id)?;
        let is_moderator = thread.thread_type == ThreadType::Group && me.role == Role::Admin;
        let message = access::message(rows, scope.actor, id, self.message_id)?.clone();
        let is_own = message.sender_id == *scope.actor;
        if message.kind == MessageKind::System || !(is_own || is_moderator) {
            let detail = "only its sender or an admin of the group may delete a message";
            return Err(Refusal::new(Code::Forbidden, detail).into());
        }
        if message.deleted_at.is_some() {
            return Ok(Outcome::Message(Box::new(message)));
        }
        let message = bury(scope, rows, message, By::People)?;
        Ok(Outcome::Message(Box::new(message)))
    }
}

/// Who makes a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// People of the thread.
    People,
    /// An operator.
    Operator,
}

/// Makes a message a tombstone, here and in stored answers.
pub(super) fn bury(
    scope: &Scope<'_>,
    rows: &mut Rows,
    message: MessageRow,
    by: By,
) -> Result<MessageRow, Stop> {
    let fact = Fact::MessageDeleted(message.seq);
    let (rev, now) = log::append(scope, rows, message.thread_id, fact, "")?;
    let message = MessageRow {
        rev,
        content: String::new(),
        reactions: Vec::new(),
        deleted_at: Some(now),
        is_removed: by == By::Operator,
        ..message
    };
    rows.put_message(message.clone());
    redact_answers(scope, rows, &message)?;
    Ok(message)
}

/// Erased words are erased from stored answers too: their replay shows the tombstone.
fn redact_answers(scope: &Scope<'_>, rows: &mut Rows, message: &MessageRow) -> Result<(), Stop> {
    let naming = rows.answers_naming(message.id)?;
    let answers = Rows::gather(naming, |key| {
        Ok(rows.answer(&key.0, &key.1)?.cloned().map(|row| (key, row)))
    })?;
    for (key, row) in answers.into_iter().flatten() {
        let body = scope.renderer.redact(&row.body, message);
        rows.answers.put(key, Some(AnswerRow { body, ..row }));
    }
    Ok(())
}
