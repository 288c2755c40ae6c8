//! What somebody chooses for themselves in a thread.

use semel_protocol::{ThreadId, Timestamp, UserId};

use super::{Outcome, Own, Scope};
use crate::{
    Key, Refusal, Rows, Stop, access,
    row::{FOREVER, ParticipantRow, PreferencesRow, Subject},
};

/// Mutes, pins and archives a thread for the actor alone. What is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct SetPreferences {
    /// Where.
    pub thread_id: ThreadId,
    /// Whether they want no notifications.
    pub is_muted: Option<bool>,
    /// Until when; only for who mutes.
    pub muted_until: Option<Timestamp>,
    /// Whether it stands above the others.
    pub is_pinned: Option<bool>,
    /// Whether it is put away.
    pub is_archived: Option<bool>,
}

impl SetPreferences {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::PersonHead(actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let id = self.thread_id;
        let (_, me) = access::thread(rows, scope.actor, id)?;
        let (me, before) = (me.clone(), me.preferences);
        let preferences = self.after(before, scope.context.now)?;
        if preferences != before {
            let row = ParticipantRow { preferences, ..me };
            rows.put_participant(id, scope.actor.clone(), row);
            rows.tell_person(scope.actor, Subject::Thread(id))?;
        }
        Ok(Outcome::Own(Own::Preferences {
            thread_id: id,
            preferences,
        }))
    }

    fn after(&self, before: PreferencesRow, now: Timestamp) -> Result<PreferencesRow, Refusal> {
        let muted_until = match (self.is_muted, self.muted_until) {
            (None, None) => before.muted_until,
            (Some(false), None) => None,
            (Some(true), None) => Some(FOREVER),
            (Some(true), Some(until)) if until > now => Some(until),
            (Some(true), Some(_)) => {
                return Err(Refusal::invalid("/muted_until", "a time that lies ahead"));
            }
            (_, Some(_)) => {
                let detail = "only together with `muted: true`";
                return Err(Refusal::invalid("/muted_until", detail));
            }
        };
        let pinned_at = match self.is_pinned {
            None => before.pinned_at,
            Some(false) => None,
            Some(true) => before.pinned_at.or(Some(now)),
        };
        Ok(PreferencesRow {
            muted_until,
            pinned_at,
            is_archived: self.is_archived.unwrap_or(before.is_archived),
        })
    }
}
