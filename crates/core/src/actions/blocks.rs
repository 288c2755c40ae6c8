//! Blocks: who does not want to hear of whom.

use semel_protocol::{ThreadId, ThreadType, UserId};

use super::{Outcome, Own, Scope, make_thread::Wanted, people};
use crate::{
    Key, Refusal, Rows, Stop,
    participants_key::ParticipantsKey,
    plain::PlainKey,
    row::{BlockRow, ParticipantRow, Side, Subject},
};

/// Blocks a person, or ends that. Neither hears of the other any more: what they say to each other is refused, from the
/// acknowledgement on, and who is blocked brings the other one into no group. What is so already stays so.
#[derive(Clone, Debug)]
pub struct SetBlock {
    /// Whom.
    pub user_id: UserId,
    /// Whether they are blocked from now on.
    pub is_blocked: bool,
}

impl SetBlock {
    /// The key of their direct thread is among them: who makes it meanwhile waits, or is waited for.
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::User(self.user_id.clone()));
        people::strangers_key(actor, keys);
        keys.push(Key::ParticipantsKey(direct(actor, &self.user_id)));
        for (by, who) in [(actor, &self.user_id), (&self.user_id, actor)] {
            keys.push(Key::Plain(PlainKey::Block(by.clone(), who.clone())));
            keys.push(Key::PersonHead(who.clone()));
        }
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let (actor, who) = (scope.actor, &self.user_id);
        if who == actor {
            return Err(Refusal::invalid("?user_id", "nobody blocks themselves").into());
        }
        if rows.block(actor, who)?.is_none() {
            people::meet(scope, rows, [who])?;
        }
        rows.user(who)?.ok_or_else(Refusal::not_found)?;
        self.set(scope, rows)
    }

    /// Of somebody else who is known.
    pub(super) fn set(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let (actor, who) = (scope.actor, &self.user_id);
        let was_blocked = rows.block(actor, who)?.is_some();
        if was_blocked != self.is_blocked {
            let since = scope.context.now;
            let row = self.is_blocked.then_some(BlockRow { since });
            rows.blocks.put((actor.clone(), who.clone()), row);
            if let Some(id) = rows.owner_of(direct(actor, who))? {
                mark(rows, id, actor, who)?;
                mark(rows, id, who, actor)?;
            }
            rows.tell_person(actor, Subject::Block(who.clone()))?;
            if !self.is_blocked {
                // What changed meanwhile was kept from them.
                rows.tell_person(actor, Subject::Profile(who.clone()))?;
            }
            rows.tell_person(who, Subject::BlockedBy(actor.clone()))?;
        }
        let (user_id, is_blocked) = (who.clone(), self.is_blocked);
        Ok(Outcome::Own(Own::Block {
            user_id,
            is_blocked,
        }))
    }
}

/// Brings somebody's seat in their direct thread up to date.
fn mark(rows: &mut Rows, id: ThreadId, who: &UserId, other: &UserId) -> Result<(), Stop> {
    let blocks = rows.block(who, other)?.is_some();
    let is_blocked = rows.block(other, who)?.is_some();
    let block = match (blocks, is_blocked) {
        (false, false) => None,
        (true, false) => Some(Side::Blocks),
        (false, true) => Some(Side::IsBlocked),
        (true, true) => Some(Side::Both),
    };
    let seat = rows.participant(id, who)?.expect("both are in it").clone();
    rows.put_participant(id, who.clone(), ParticipantRow { block, ..seat });
    Ok(())
}

/// Whether the actor may make a thread with these people: not against a block, and no direct one from behind their own.
pub(super) fn let_make(scope: &Scope<'_>, rows: &Rows, wanted: &Wanted) -> Result<(), Stop> {
    if wanted.thread_type == ThreadType::SelfNote {
        return Ok(());
    }
    if wanted.thread_type == ThreadType::Direct {
        for other in wanted.people.iter().filter(|who| *who != scope.actor) {
            if rows.block(scope.actor, other)?.is_some() {
                return Err(Refusal::own_block().into());
            }
        }
    }
    let_add(scope, rows, &wanted.people)
}

/// Whether the actor may bring these people in: nobody among them has blocked them.
pub(super) fn let_add<'a>(
    scope: &Scope<'_>,
    rows: &Rows,
    people: impl IntoIterator<Item = &'a UserId>,
) -> Result<(), Stop> {
    let blockers = rows.blockers_of(scope.actor)?;
    let out_of_reach = people.into_iter().filter(|who| blockers.contains(*who));
    let user_ids: Vec<UserId> = out_of_reach.cloned().collect();
    if user_ids.is_empty() {
        return Ok(());
    }
    let refusal = Refusal::unreachable();
    Err(Refusal {
        user_ids,
        ..refusal
    }
    .into())
}

fn direct(one: &UserId, other: &UserId) -> ParticipantsKey {
    let both = [one.clone(), other.clone()].into();
    ParticipantsKey::of(ThreadType::Direct, &both)
}
