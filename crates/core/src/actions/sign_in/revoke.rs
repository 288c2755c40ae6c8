//! Signs devices out.

use semel_protocol::{SessionId, Timestamp, UserId};

use super::SignedIn;
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::SessionRow,
};

/// How long a session that was ended is kept, so that every server hears of it.
const KEPT_MS: i64 = 86_400_000;

/// Signs devices of the actor out.
#[derive(Clone, Debug)]
pub struct RevokeSessions {
    /// Which.
    pub which: Which,
}

/// Which devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All but this one; none: all.
    AllBut(Option<SessionId>),
}

impl RevokeSessions {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        if let Which::One(id) = self.which {
            keys.push(Key::Plain(PlainKey::Session(id)));
        }
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        let sessions = match self.which {
            Which::One(id) => {
                let row = rows.session(id)?;
                let row = row.filter(|row| row.user_id == *scope.actor);
                vec![(id, row.ok_or_else(Refusal::not_found)?.clone())]
            }
            Which::AllBut(kept) => {
                let mut all = sessions_of(rows, scope.actor)?;
                all.retain(|(id, _)| Some(*id) != kept);
                all
            }
        };
        let ended = end(rows, sessions, now);
        Ok(Outcome::SignedIn(SignedIn::Revoked(ended)))
    }
}

/// The sessions of a person that were not ended.
pub(crate) fn sessions_of(rows: &Rows, who: &UserId) -> Result<Vec<(SessionId, SessionRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::SessionsOf(who.clone()))?;
    let ids = keys.iter().filter_map(|key| match key {
        PlainKey::Session(id) => Some(*id),
        _ => None,
    });
    let found = Rows::gather(ids, |id| Ok((id, rows.session(id)?.cloned())))?;
    let is_there = |row: &SessionRow| row.user_id == *who && row.revoked_at.is_none();
    let found = found.into_iter().filter_map(|(id, row)| Some((id, row?)));
    Ok(found.filter(|(_, row)| is_there(row)).collect())
}

/// Ends sessions. Those that were ended before stay as they are, and are named all the same.
pub(in crate::actions) fn end(
    rows: &mut Rows,
    sessions: Vec<(SessionId, SessionRow)>,
    now: Timestamp,
) -> Vec<SessionId> {
    let mut ended = Vec::with_capacity(sessions.len());
    for (id, row) in sessions {
        ended.push(id);
        if row.revoked_at.is_none() {
            let row = SessionRow {
                revoked_at: Some(now),
                expires_at: Timestamp(row.expires_at.0.min(now.0 + KEPT_MS)),
                ..row
            };
            rows.sessions.put(id, Some(row));
        }
    }
    ended
}
