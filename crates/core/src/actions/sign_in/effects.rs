//! What is done outside: taken by one worker at a time, and settled.

use semel_protocol::{Timestamp, UserId};
use uuid::Uuid;

use super::SignedIn;
use crate::{
    Key, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::EffectRow,
};

/// Takes what is due, for a while: who does not settle it in time lets it go to another one.
#[derive(Clone, Debug)]
pub struct LeaseEffects {
    /// What is due at this time.
    pub due_at: Timestamp,
    /// At most so much at once.
    pub limit: usize,
    /// For how long, in milliseconds.
    pub lease_ms: i64,
}

/// Notes what became of something that was taken.
#[derive(Clone, Debug)]
pub struct SettleEffect {
    /// Which.
    pub id: Uuid,
    /// The attempt that it was: a later one is somebody else's.
    pub attempt: u64,
    /// What became of it.
    pub result: EffectResult,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectResult {
    /// It was done, or never will be.
    Done,
    /// It is to be tried again after so many milliseconds.
    Again(i64),
}

impl LeaseEffects {
    fn list(&self) -> PlainKey {
        PlainKey::EffectsDue(self.due_at, self.limit)
    }

    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(in crate::actions) fn keys(&self, _actor: &UserId, _keys: &mut Vec<Key>) {}

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        let keys = rows.plain_list(&self.list())?;
        let ids = keys.iter().filter_map(|key| match key {
            PlainKey::Effect(id) => Some(*id),
            _ => None,
        });
        let found = Rows::gather(ids, |id| Ok((id, rows.effect(id)?.cloned())))?;
        let mut leased = Vec::new();
        for (id, row) in found {
            // Another server may have taken it since the list was made.
            let Some(row) = row.filter(|row| row.due_at <= self.due_at) else {
                continue;
            };
            if now >= row.expires_at {
                rows.effects.put(id, None);
                continue;
            }
            let row = EffectRow {
                attempts: row.attempts + 1,
                due_at: Timestamp(now.0 + self.lease_ms),
                ..row
            };
            rows.effects.put(id, Some(row.clone()));
            leased.push((id, row));
        }
        Ok(Outcome::SignedIn(SignedIn::Leased(leased)))
    }
}

impl SettleEffect {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Effect(self.id)));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let row = rows.effect(self.id)?.cloned();
        if let Some(row) = row.filter(|row| row.attempts == self.attempt) {
            let after = match self.result {
                EffectResult::Done => None,
                EffectResult::Again(millis) => Some(EffectRow {
                    due_at: Timestamp(scope.context.now.0 + millis),
                    ..row
                }),
            };
            rows.effects.put(self.id, after);
        }
        Ok(Outcome::SignedIn(SignedIn::Settled))
    }
}
