//! Exchanges a refresh token for the next one.

use semel_protocol::{
    SessionId, Timestamp, UserId,
    limits::{REFRESH_GRACE_SECONDS, SESSION_IDLE_DAYS_MAX},
};

use super::{SignedIn, ended, is_verified, revoke};
use crate::{
    Key, Rows, Stop, access,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::SessionRow,
};

/// Exchanges a refresh token, which the server has found to be real, for the next one. The one before is answered again for a
/// while, with the same next one: a lost answer must not sign anybody out. Later it means that two have it.
#[derive(Clone, Debug)]
pub struct RotateSession {
    /// Which.
    pub session_id: SessionId,
    /// Which of its tokens.
    pub generation: u64,
    /// The device's name for itself.
    pub device_id: Option<String>,
}

impl RotateSession {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Session(self.session_id)));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        let row = rows.session(self.session_id)?.ok_or_else(ended)?.clone();
        let idle_ms = SESSION_IDLE_DAYS_MAX * 86_400_000;
        let is_over = now >= row.expires_at || now.0 - row.rotated_at.0 > idle_ms;
        if row.revoked_at.is_some() || is_over {
            return Err(ended());
        }
        access::welcome(rows, &row.user_id)?;
        // A token of tomorrow: the database was restored since. It is real, so that it counts.
        let row = if self.generation >= row.generation {
            let row = SessionRow {
                generation: self.generation + 1,
                rotated_at: now,
                ..row
            };
            rows.sessions.put(self.session_id, Some(row.clone()));
            row
        } else if self.is_repeat(&row, now) {
            row
        } else {
            let (id, user_id) = (self.session_id, row.user_id.clone());
            revoke::end(rows, vec![(id, row)], now);
            return Ok(Outcome::SignedIn(SignedIn::Reused { id, user_id }));
        };
        Ok(Outcome::SignedIn(SignedIn::Session {
            id: self.session_id,
            is_operator: rows.operator(&row.user_id)?.is_some(),
            is_verified: is_verified(rows, &row.user_id)?,
            row: Box::new(row),
            is_new_person: false,
            ended: Vec::new(),
        }))
    }

    /// The one before, lately, from the same device.
    fn is_repeat(&self, row: &SessionRow, now: Timestamp) -> bool {
        self.generation + 1 == row.generation
            && now.0 - row.rotated_at.0 <= REFRESH_GRACE_SECONDS * 1_000
            && self.device_id == row.device_id
    }
}
