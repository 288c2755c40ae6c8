//! Says something.

use semel_protocol::{
    ClientId, Code, MessageId, Seq, ThreadId, ThreadType, UserId, limits::BATCH_MESSAGES_MAX,
    message::MessageKind,
};
use semel_sabotage::{Defect, is_on};

use super::{Outcome, Scope, Sent, people};
use crate::{
    Key, Refusal, Rows, Stop, access,
    log::{self, Words},
    row::{ClientIdRow, Fact, MessageRow, PositionRow},
    validate,
};

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
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.extend(
            self.draft
                .client_id
                .map(|id| Key::ClientId(id, actor.clone())),
        );
        let answered = self.draft.reply_to;
        keys.extend(answered.map(|id| Key::MessageId(self.thread_id, id)));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        validate::draft("", &self.draft)?;
        let sent = say(scope, rows, self.thread_id, &self.draft)?;
        Ok(Outcome::Sent(Box::new(sent)))
    }
}

impl SendBatch {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        for draft in self.drafts.iter().take(BATCH_MESSAGES_MAX) {
            keys.extend(draft.client_id.map(|id| Key::ClientId(id, actor.clone())));
            let answered = draft.reply_to;
            keys.extend(answered.map(|id| Key::MessageId(self.thread_id, id)));
        }
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        if self.drafts.is_empty() || self.drafts.len() > BATCH_MESSAGES_MAX {
            let detail = format!("1 to {BATCH_MESSAGES_MAX} messages");
            return Err(Refusal::invalid("/messages", detail).into());
        }
        access::thread(rows, scope.actor, self.thread_id)?;
        self.foresee(scope, rows)?;
        let mut results = Vec::with_capacity(self.drafts.len());
        for (n, draft) in self.drafts.iter().enumerate() {
            // `say` refuses before it writes, so a refused item leaves nothing and the others stand.
            let sent = validate::draft(&format!("/messages/{n}"), draft)
                .map_err(Stop::from)
                .and_then(|()| say(scope, rows, self.thread_id, draft));
            results.push(match sent {
                Ok(sent) => Ok(sent),
                Err(Stop::Refused(refusal)) => Err(*refusal),
                Err(stop) => return Err(stop),
            });
        }
        Ok(Outcome::SentBatch(results))
    }

    /// Asks for what all items need at once: an item that stops for its own row would have all before it said again.
    fn foresee(&self, scope: &Scope<'_>, rows: &Rows) -> Result<(), Stop> {
        Rows::gather(&self.drafts, |draft| {
            if let Some(reply_to) = draft.reply_to {
                rows.message_by_id(self.thread_id, reply_to)?;
            }
            match said_before(scope, rows, Some(self.thread_id), draft) {
                // Refused where the item is said, for itself only.
                Ok(_) | Err(Stop::Refused(_)) => Ok(()),
                Err(stop) => Err(stop),
            }
        })?;
        Ok(())
    }
}

/// Stores a valid draft, or finds the message that an earlier attempt stored. Refuses before it writes anything.
pub(super) fn say(
    scope: &Scope<'_>,
    rows: &mut Rows,
    id: ThreadId,
    draft: &Draft,
) -> Result<Sent, Stop> {
    if let Some(message) = said_before(scope, rows, Some(id), draft)? {
        return Ok(Sent {
            message,
            duplicate: true,
        });
    }
    let (thread, me) = access::writable(rows, scope.actor, id)?;
    if let Some(reply_to) = draft.reply_to {
        let answered = rows.message_by_id(id, reply_to)?;
        if !answered.is_some_and(|message| me.sees_seq(message.seq)) {
            let detail = "the message that is answered is not in this thread";
            return Err(Refusal::invalid("/reply_to", detail).into());
        }
    }
    let is_first = rows.head(id)?.message_count == 0;
    if is_first && thread.thread_type == ThreadType::Direct {
        let both = rows.people_of(id)?;
        people::befriend(scope, rows, std::slice::from_ref(scope.actor), &both)?;
    }
    let position = rows.position(id, scope.actor)?;
    let words = Words {
        kind: MessageKind::Text,
        content: draft.content.clone(),
        client_id: draft.client_id,
        reply_to: draft.reply_to,
    };
    let message = log::append_message(scope, rows, id, Fact::Message, words)?;
    let kept = draft.client_id.filter(|_| !is_on(Defect::NoClientIds));
    if let Some(client_id) = kept {
        let content_hash = hash(scope, draft);
        let row = ClientIdRow {
            thread_id: id,
            seq: Some(message.seq),
            content_hash,
        };
        rows.client_ids
            .put((client_id, scope.actor.clone()), Some(row));
    }
    let read = PositionRow {
        read_seq: message.seq,
        read_count: message.count,
        delivered_seq: position.delivered_seq.max(message.seq),
    };
    rows.positions.put((id, scope.actor.clone()), Some(read));
    Ok(Sent {
        message,
        duplicate: false,
    })
}

/// The message that an earlier attempt with this client id stored: as it is now, be it edited or a tombstone.
///
/// The same client id with other words, or for another thread (where the caller names one), is refused.
pub(super) fn said_before(
    scope: &Scope<'_>,
    rows: &Rows,
    id: Option<ThreadId>,
    draft: &Draft,
) -> Result<Option<MessageRow>, Stop> {
    let Some(client_id) = draft.client_id.filter(|_| !is_on(Defect::NoClientIds)) else {
        return Ok(None);
    };
    let Some(row) = rows.client_id(client_id, scope.actor)? else {
        return Ok(None);
    };
    let is_same = row.content_hash == hash(scope, draft) && id.is_none_or(|id| id == row.thread_id);
    let Some(seq) = row.seq.filter(|_| is_same) else {
        return Err(client_id_reused().into());
    };
    message_at(rows, row.thread_id, seq).map(Some)
}

/// The refusal of a client id that stands for something else.
pub(super) fn client_id_reused() -> Refusal {
    Refusal::new(
        Code::ClientIdReused,
        "this client id was used for something else",
    )
}

fn message_at(rows: &Rows, id: ThreadId, seq: Seq) -> Result<MessageRow, Stop> {
    Ok(rows
        .message(id, seq)?
        .expect("a client id's message is there")
        .clone())
}

fn hash(scope: &Scope<'_>, draft: &Draft) -> crate::chain::ContentHash {
    log::words_hash(scope.context.content_key, &draft.content, draft.reply_to)
}
