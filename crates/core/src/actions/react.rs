//! Reactions.

use semel_protocol::{MessageId, ThreadId, UserId, limits::REACTION_KINDS_PER_MESSAGE_MAX};

use super::{Outcome, Scope, edit_message::message_deleted};
use crate::{
    Key, Refusal, Rows, Stop, access, log,
    row::{Fact, MessageRow},
    validate,
};

/// Puts an emoji on a message, or takes it back. What is so already stays so.
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
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::MessageId(self.thread_id, self.message_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        validate::emoji(&self.emoji)?;
        if self.is_added {
            access::open(rows, scope.actor, id)?;
        }
        let mut message = access::message(rows, scope.actor, id, self.message_id)?.clone();
        if message.deleted_at.is_some() {
            return Err(message_deleted().into());
        }
        let is_there = message
            .reactions
            .iter()
            .any(|(emoji, people)| *emoji == self.emoji && people.contains(scope.actor));
        if is_there == self.is_added {
            return Ok(Outcome::Message(Box::new(message)));
        }
        let fact = if self.is_added {
            add(&mut message, &self.emoji, scope.actor)?;
            Fact::ReactionAdded(message.seq, self.emoji.clone())
        } else {
            remove(&mut message, &self.emoji, scope.actor);
            Fact::ReactionRemoved(message.seq, self.emoji.clone())
        };
        let (rev, _) = log::append(scope, rows, id, fact, "")?;
        let message = MessageRow { rev, ..message };
        rows.put_message(message.clone());
        Ok(Outcome::Message(Box::new(message)))
    }
}

fn add(message: &mut MessageRow, emoji: &str, actor: &UserId) -> Result<(), Refusal> {
    let at = message
        .reactions
        .iter()
        .position(|(there, _)| there == emoji);
    match at {
        Some(at) => message.reactions[at].1.push(actor.clone()),
        None if message.reactions.len() >= REACTION_KINDS_PER_MESSAGE_MAX => {
            let detail = format!("at most {REACTION_KINDS_PER_MESSAGE_MAX} different emoji");
            return Err(Refusal::invalid("/emoji", detail));
        }
        None => message
            .reactions
            .push((emoji.to_owned(), vec![actor.clone()])),
    }
    Ok(())
}

fn remove(message: &mut MessageRow, emoji: &str, actor: &UserId) {
    for (there, people) in &mut message.reactions {
        if there == emoji {
            people.retain(|who| who != actor);
        }
    }
    message.reactions.retain(|(_, people)| !people.is_empty());
}
