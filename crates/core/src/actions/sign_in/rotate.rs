//! Exchanges a refresh token for the next one.

use semel_protocol::{
    SessionId, Timestamp, UserId,
    limits::{REFRESH_GRACE_SECONDS, SESSION_IDLE_DAYS_MAX},
};

use super::{SignedIn, ended, is_verified, revoke};
use crate::{
    Key, Refusal, Rows, Stop, access,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::SessionRow,
};

/// Exchanges a refresh token, which the server has found to be real, for the next one. The one before is answered again for a
/// while, with the same next one: a lost answer must not sign anybody out. Later, or from another device, it means that two have
/// it, and the sign-in ends.
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
        // Whoever leaves it out must not come past the comparison. That is no sign that two have the token: nothing ends.
        if self.device_id.is_none() && row.device_id.is_some() && self.generation >= row.generation
        {
            let detail = "this sign-in names its device: say the same `device_id`";
            return Err(Refusal::invalid("/device_id", detail).into());
        }
        // A token of tomorrow: the database was restored since. It is real, so that it counts.
        let row = if self.generation >= row.generation && !self.is_elsewhere(&row) {
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

    /// Another device than the one that signed in has the token, whichever it is: two have it.
    fn is_elsewhere(&self, row: &SessionRow) -> bool {
        let both = self.device_id.as_ref().zip(row.device_id.as_ref());
        both.is_some_and(|(named, own)| named != own)
    }

    /// The one before, lately, from the same device.
    fn is_repeat(&self, row: &SessionRow, now: Timestamp) -> bool {
        self.generation + 1 == row.generation
            && now.0 - row.rotated_at.0 <= REFRESH_GRACE_SECONDS * 1_000
            && self.device_id == row.device_id
    }
}
