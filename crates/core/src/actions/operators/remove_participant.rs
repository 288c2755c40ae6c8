//! Takes people out of groups.

use semel_protocol::{Code, ThreadId, ThreadType, UserId, requests::OnConflict};

use super::{deed, write_down};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope, delete_message::By, membership},
    safety::{AuditRow, Deed},
    validate,
};

/// Takes a person out of a group, as an admin of it would, also one who has just left it: only admins bring them back. The operator need not be in the
/// group, and learns nothing of it.
#[derive(Clone, Debug)]
pub struct ExpelParticipant {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Why.
    pub reason: String,
}

impl ExpelParticipant {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Roster(self.thread_id));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        if self.user_id == *scope.actor {
            let detail = "to go by oneself, leave: POST /api/chat/threads/{thread_id}/leave";
            return Err(Refusal::invalid("?user_id", detail).into());
        }
        let id = self.thread_id;
        let thread = rows.thread(id)?.ok_or_else(Refusal::not_found)?;
        if thread.thread_type != ThreadType::Group {
            let detail = "only groups change their people";
            return Err(Refusal::new(Code::WrongThreadType, detail).into());
        }
        let seat = rows.participant(id, &self.user_id)?;
        let is_done = if seat.ok_or_else(Refusal::not_found)?.is_active() {
            // Whoever has the remaining people already keeps their key: that holds nobody in a group.
            let on_conflict = OnConflict::KeepSeparate;
            membership::depart(scope, rows, id, &self.user_id, (on_conflict, By::Operator))?;
            true
        } else {
            membership::keep_out(rows, id, &self.user_id)?
        };
        if is_done {
            let written = AuditRow {
                user_id: Some(self.user_id.clone()),
                thread_id: Some(id),
                ..deed(scope, Deed::RemoveParticipant, &self.reason)
            };
            write_down(scope, rows, written);
        }
        Ok(Outcome::Removed)
    }
}
