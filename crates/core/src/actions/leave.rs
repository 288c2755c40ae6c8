//! Leaves a thread.

use semel_protocol::{ThreadId, ThreadType, UserId, requests::OnConflict};

use super::{Outcome, Scope, delete_message::By, membership};
use crate::{
    Key, Refusal, Rows, Stop,
    row::{ParticipantRow, Subject},
};

/// Leaves a group, or hides a direct thread from the own list until something new is said. Always succeeds for
/// somebody who is or was in it.
#[derive(Clone, Debug)]
pub struct Leave {
    /// Which.
    pub thread_id: ThreadId,
}

impl Leave {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        let thread = rows.thread(id)?.ok_or_else(Refusal::not_found)?;
        let me = rows
            .participant(id, scope.actor)?
            .ok_or_else(Refusal::not_found)?;
        if thread.thread_type != ThreadType::Group {
            hide(scope, rows, id)?;
        } else if me.is_active() {
            // Whoever has the remaining people already keeps their key: nobody is held in a group by that.
            let on_conflict = OnConflict::KeepSeparate;
            membership::depart(scope, rows, id, scope.actor, (on_conflict, By::People))?;
        }
        Ok(Outcome::Left(id))
    }
}

fn hide(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId) -> Result<(), Stop> {
    let last_seq = rows.head(id)?.last_seq;
    let me = rows.participant(id, scope.actor)?.expect("checked").clone();
    if me.hidden_seq != Some(last_seq) {
        let me = ParticipantRow {
            hidden_seq: Some(last_seq),
            ..me
        };
        rows.put_participant(id, scope.actor.clone(), me);
        rows.tell_person(scope.actor, Subject::Thread(id))?;
    }
    Ok(())
}
