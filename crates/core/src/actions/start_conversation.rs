//! Finds or makes a thread and says something in it.

use semel_protocol::{ClientId, Code, ThreadId, ThreadType, UserId};

use super::{
    Draft, Outcome, Scope, Sent,
    create_or_get::wanted,
    make_thread::{self, Wanted},
    membership, people,
    send::{client_id_reused, said_before, say},
};
use crate::{Key, Refusal, Rows, Stop, row::ParticipantRow, validate, view};

/// Finds or makes the thread of these people and says something in it, in one step.
#[derive(Clone, Debug)]
pub struct StartConversation {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    pub title: Option<String>,
    /// `false`: a group of its own.
    pub distinct: bool,
    /// The first words.
    pub content: String,
    /// The message's client id.
    pub client_id: Option<ClientId>,
}

impl StartConversation {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        people::keys(actor, &self.participants, keys);
        keys.extend(self.client_id.map(|id| Key::ClientId(id, actor.clone())));
        if let Ok(wanted) = wanted(
            actor,
            &self.participants,
            self.thread_type,
            None,
            self.distinct,
        ) {
            keys.extend(wanted.key().map(Key::ParticipantsKey));
        }
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let draft = self.draft();
        if let Some(id) = draft.client_id {
            validate::client_id("/client_id", id)?;
        }
        validate::content("/message_content", &draft.content)?;
        let title = self.title.as_ref();
        let wanted = wanted(
            scope.actor,
            &self.participants,
            self.thread_type,
            title,
            self.distinct,
        )?;
        // Before the participants key: a retried first message finds its thread even when the set has changed since.
        if let Some(message) = said_before(scope, rows, None, &draft)? {
            let id = message.thread_id;
            if !may_have_been_for(rows, id, &wanted)? {
                return Err(client_id_reused().into());
            }
            return outcome(
                scope,
                rows,
                id,
                Sent {
                    message,
                    duplicate: true,
                },
                true,
            );
        }
        let (id, created) = make_thread::find_or_make(scope, rows, &wanted)?;
        let sent = say(scope, rows, id, &draft)?;
        outcome(scope, rows, id, sent, !created)
    }

    fn draft(&self) -> Draft {
        Draft {
            client_id: self.client_id,
            content: self.content.clone(),
            kind: None,
            reply_to: None,
            attachment_count: 0,
        }
    }
}

/// Whether a thread may have been that of the people who are named now. One that somebody of them was never in, or of
/// another type, never was: their message must not be taken for said.
fn may_have_been_for(rows: &Rows, id: ThreadId, wanted: &Wanted) -> Result<bool, Stop> {
    let thread = rows.thread(id)?.expect("a message's thread is there");
    let is_type = thread.thread_type == wanted.thread_type;
    Ok(is_type && membership::were_all_in(rows, id, &wanted.people)?)
}

fn outcome(
    scope: &Scope<'_>,
    rows: &Rows,
    id: ThreadId,
    sent: Sent,
    is_existing_thread: bool,
) -> Result<Outcome, Stop> {
    if !rows
        .participant(id, scope.actor)?
        .is_some_and(ParticipantRow::is_active)
    {
        return Err(Refusal::new(Code::Forbidden, "you are not in this thread any more").into());
    }
    let thread = Box::new(view::thread(rows, id, scope.actor)?);
    Ok(Outcome::Conversation {
        thread,
        sent: Box::new(sent),
        is_existing_thread,
    })
}
