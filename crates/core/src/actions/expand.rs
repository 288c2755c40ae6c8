//! Adds people to a group.

use std::collections::BTreeSet;

use semel_protocol::{
    ClientId, Code, ThreadId, UserId, limits::PARTICIPANTS_PER_CALL_MAX, requests::OnConflict,
    thread::Role,
};

use super::{
    Draft, Outcome, Scope, blocks, membership, people,
    send::{client_id_reused, said_before, say},
};
use crate::{Key, Refusal, Rows, Stop, access, actions::Sent, validate, view};

/// Adds people to a group, with a welcome message if wanted, by whom its settings let. Whom somebody took out, only admins
/// bring back.
#[derive(Clone, Debug)]
pub struct Expand {
    /// Where.
    pub thread_id: ThreadId,
    /// Who; those who are in are ignored.
    pub new_participants: Vec<UserId>,
    /// The welcome. Said when somebody came in.
    pub message_content: Option<String>,
    /// The welcome's client id.
    pub client_id: Option<ClientId>,
    /// When another thread has these people.
    pub on_conflict: OnConflict,
}

impl Expand {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        people::keys(actor, &self.new_participants, keys);
        if self.new_participants.len() <= PARTICIPANTS_PER_CALL_MAX {
            let seat = |who: &UserId| Key::Participant(self.thread_id, who.clone());
            keys.extend(self.new_participants.iter().map(seat));
        }
        keys.extend(self.client_id.map(|id| Key::ClientId(id, actor.clone())));
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Roster(self.thread_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        let welcome = self.welcome()?;
        access::group_to_add_to(rows, scope.actor, id)?;
        let welcomed = self.welcomed_before(scope, rows, welcome.as_ref())?;
        let (added, sent) = match welcomed {
            Some(sent) => (Vec::new(), Some(sent)),
            None => self.admit(scope, rows, welcome.as_ref())?,
        };
        let thread = Box::new(view::thread(rows, id, scope.actor)?);
        let added = Rows::gather(added, |who| view::participant(rows, id, who))?;
        Ok(Outcome::Expanded {
            thread,
            added,
            sent: sent.map(Box::new),
        })
    }

    /// Lets in who is not in, and welcomes them. Nobody new: nothing is said.
    fn admit(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
        welcome: Option<&Draft>,
    ) -> Result<(Vec<UserId>, Option<Sent>), Stop> {
        let id = self.thread_id;
        let before = rows.people_of(id)?;
        let named: BTreeSet<&UserId> = self.new_participants.iter().collect();
        let added: Vec<UserId> = named
            .iter()
            .filter(|who| !before.contains(**who))
            .map(|who| (*who).clone())
            .collect();
        people::meet(scope, rows, &added)?;
        // Also those who are in: an erased person is in until their seat is given up.
        people::known(rows, named)?;
        if added.is_empty() {
            return Ok((added, None));
        }
        blocks::let_add(scope, rows, &added)?;
        let_back(scope, rows, id, &added)?;
        if welcome.is_some() {
            access::writable(rows, scope.actor, id)?;
        }
        membership::admit(scope, rows, id, &added, self.on_conflict)?;
        let all = rows.people_of(id)?;
        people::befriend(scope, rows, &added, &all)?;
        let sent = welcome.map(|draft| say(scope, rows, id, draft));
        Ok((added, sent.transpose()?))
    }

    fn welcome(&self) -> Result<Option<Draft>, Refusal> {
        let count = self.new_participants.len();
        if count == 0 || count > PARTICIPANTS_PER_CALL_MAX {
            let detail = format!("1 to {PARTICIPANTS_PER_CALL_MAX} people");
            return Err(Refusal::invalid("/new_participants", detail));
        }
        if let Some(id) = self.client_id {
            validate::client_id("/client_id", id)?;
        }
        let Some(content) = &self.message_content else {
            return Ok(None);
        };
        validate::content("/message_content", content)?;
        Ok(Some(Draft {
            client_id: self.client_id,
            content: content.clone(),
            kind: None,
            reply_to: None,
            attachment_count: 0,
        }))
    }

    /// The welcome's client id is known: the whole call is a repeat, which gets the welcome that was said then. Whoever
    /// went since is not let in again. Somebody who was never in the thread shows that it is another call.
    fn welcomed_before(
        &self,
        scope: &Scope<'_>,
        rows: &Rows,
        welcome: Option<&Draft>,
    ) -> Result<Option<Sent>, Stop> {
        let Some(draft) = welcome else {
            return Ok(None);
        };
        let id = self.thread_id;
        let Some(message) = said_before(scope, rows, Some(id), draft)? else {
            return Ok(None);
        };
        if !membership::were_all_in(rows, id, &self.new_participants)? {
            return Err(client_id_reused().into());
        }
        let duplicate = true;
        Ok(Some(Sent { message, duplicate }))
    }
}

/// Whether the actor may bring these people in: nobody but an admin undoes that somebody was taken out.
fn let_back(scope: &Scope<'_>, rows: &Rows, id: ThreadId, people: &[UserId]) -> Result<(), Stop> {
    let (_, me) = access::group(rows, scope.actor, id)?;
    if me.role == Role::Admin {
        return Ok(());
    }
    let seats = Rows::gather(people, |who| Ok((who, rows.participant(id, who)?)))?;
    let removed = seats
        .into_iter()
        .filter(|(_, seat)| seat.is_some_and(|seat| seat.is_removed));
    let user_ids: Vec<UserId> = removed.map(|(who, _)| who.clone()).collect();
    if user_ids.is_empty() {
        return Ok(());
    }
    let detail = "only admins bring back who was taken out";
    let refusal = Refusal::new(Code::Forbidden, detail);
    Err(Refusal {
        user_ids,
        ..refusal
    }
    .into())
}
