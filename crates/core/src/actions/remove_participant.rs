//! Takes somebody out of a group.

use semel_protocol::{ThreadId, ThreadType, UserId, requests::OnConflict};

use super::{Outcome, Scope, delete_message::By, membership};
use crate::{Key, Refusal, Rows, Stop, access, view};

/// Takes somebody else out of a group, also who has just left it: they do not come back by themselves. Admins only; who goes
/// by themselves leaves.
#[derive(Clone, Debug)]
pub struct RemoveParticipant {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// When another thread has the remaining people.
    pub on_conflict: OnConflict,
}

impl RemoveParticipant {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::Roster(self.thread_id));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        let (thread, _) = access::thread(rows, scope.actor, id)?;
        if self.user_id == *scope.actor && thread.thread_type == ThreadType::Group {
            let detail = "to go by oneself, leave: POST …/leave";
            return Err(Refusal::invalid("?user_id", detail).into());
        }
        access::group_as_admin(rows, scope.actor, id)?;
        let row = rows
            .participant(id, &self.user_id)?
            .ok_or_else(Refusal::not_found)?;
        if row.is_active() {
            let how = (self.on_conflict, By::People);
            membership::depart(scope, rows, id, &self.user_id, how)?;
        } else {
            membership::keep_out(rows, id, &self.user_id)?;
        }
        Ok(Outcome::Changed(Box::new(view::thread(
            rows,
            id,
            scope.actor,
        )?)))
    }
}
