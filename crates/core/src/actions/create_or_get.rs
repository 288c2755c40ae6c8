//! The one thread of a set of people.

use semel_protocol::{ClientId, ThreadId, ThreadType, UserId};
use semel_sabotage::{Defect, is_on};

use super::{
    Absorbed, Outcome, Scope,
    make_thread::{self, Wanted},
    people,
    send::client_id_reused,
};
use crate::{
    Key, Rows, Stop, access,
    chain::{ContentHash, content_hash},
    row::ClientIdRow,
    validate, view,
};

/// The one thread of these people: found, or made.
#[derive(Clone, Debug)]
pub struct CreateOrGet {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    pub title: Option<String>,
    /// `false`: a group of its own.
    pub distinct: bool,
    /// Names this creation for ever.
    pub client_id: Option<ClientId>,
}

impl CreateOrGet {
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
        if let Some(id) = self.client_id {
            validate::client_id("/client_id", id)?;
        }
        let title = self.title.as_ref();
        let wanted = wanted(
            scope.actor,
            &self.participants,
            self.thread_type,
            title,
            self.distinct,
        )?;
        let hash = hash(scope, &wanted);
        if let Some(id) = self.made_before(scope, rows, &hash)? {
            access::thread(rows, scope.actor, id)?;
            return outcome(scope, rows, id, Some(Absorbed::ClientId));
        }
        let (id, created) = make_thread::find_or_make(scope, rows, &wanted)?;
        if let Some(client_id) = self.client_id {
            let row = ClientIdRow {
                thread_id: id,
                seq: None,
                content_hash: hash,
            };
            rows.client_ids
                .put((client_id, scope.actor.clone()), Some(row));
        }
        outcome(
            scope,
            rows,
            id,
            (!created).then_some(Absorbed::ParticipantsKey),
        )
    }

    fn made_before(
        &self,
        scope: &Scope<'_>,
        rows: &Rows,
        hash: &ContentHash,
    ) -> Result<Option<ThreadId>, Stop> {
        let Some(client_id) = self.client_id else {
            return Ok(None);
        };
        match rows.client_id(client_id, scope.actor)? {
            None => Ok(None),
            Some(row) if row.seq.is_none() && row.content_hash == *hash => Ok(Some(row.thread_id)),
            Some(_) => Err(client_id_reused().into()),
        }
    }
}

/// The thread that a call asks for, checked.
pub(super) fn wanted(
    actor: &UserId,
    participants: &[UserId],
    thread_type: Option<ThreadType>,
    title: Option<&String>,
    distinct: bool,
) -> Result<Wanted, crate::Refusal> {
    if let Some(title) = title {
        validate::title("/title", title)?;
    }
    let people = people::set(actor, participants)?;
    let thread_type = people::thread_type(thread_type, &people, distinct)?;
    let is_out_of_order = people.first() != Some(actor) && is_on(Defect::UnsortedParticipants);
    Ok(Wanted {
        people,
        thread_type,
        title: title.cloned(),
        distinct: distinct && !is_out_of_order,
    })
}

fn outcome(
    scope: &Scope<'_>,
    rows: &Rows,
    id: ThreadId,
    absorbed: Option<Absorbed>,
) -> Result<Outcome, Stop> {
    let thread = Box::new(view::thread(rows, id, scope.actor)?);
    Ok(Outcome::Thread {
        thread,
        created: absorbed.is_none(),
        absorbed,
    })
}

fn hash(scope: &Scope<'_>, wanted: &Wanted) -> ContentHash {
    let kind = format!("{:?}", wanted.thread_type);
    let distinct = [u8::from(wanted.distinct)];
    let title = wanted.title.as_deref().unwrap_or("");
    let mut parts = vec![&b"thread"[..], kind.as_bytes(), &distinct, title.as_bytes()];
    parts.extend(wanted.people.iter().map(|who| who.as_str().as_bytes()));
    content_hash(scope.context.content_key, &parts)
}
