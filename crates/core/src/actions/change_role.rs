//! Gives a participant another role.

use semel_protocol::{ThreadId, UserId, thread::Role};

use super::{Outcome, Scope, membership};
use crate::{Key, Refusal, Rows, Stop, access, view};

/// Gives a participant of a group another role. Admins only; the last admin stays one.
#[derive(Clone, Debug)]
pub struct ChangeRole {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Which.
    pub role: Role,
}

impl ChangeRole {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::Roster(self.thread_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        access::group_as_admin(rows, scope.actor, id)?;
        let row = rows
            .participant(id, &self.user_id)?
            .filter(|row| row.is_active());
        let now = row.ok_or_else(Refusal::not_found)?.role;
        if now == Role::Admin && self.role == Role::Participant && admins(rows, id)? == 1 {
            let detail = "a group needs an admin; make somebody else one first";
            return Err(Refusal::invalid("/role", detail).into());
        }
        if now != self.role {
            membership::set_role(scope, rows, id, &self.user_id, self.role)?;
        }
        Ok(Outcome::Changed(Box::new(view::thread(
            rows,
            id,
            scope.actor,
        )?)))
    }
}

fn admins(rows: &Rows, id: ThreadId) -> Result<usize, Stop> {
    Ok(rows
        .active(id)?
        .iter()
        .filter(|(_, row)| row.role == Role::Admin)
        .count())
}
