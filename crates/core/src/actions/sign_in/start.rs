//! Begins a sign-in.

use semel_protocol::{
    ChallengeId, Code, SessionId, Timestamp, UserId, limits::FRESH_SIGN_IN_MINUTES_MAX,
};
use uuid::Uuid;

use super::{SignedIn, spend};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::{ChallengeRow, EffectKind, EffectRow, IdentityKind},
};

/// How often something may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of what.
    pub name: String,
    /// How often.
    pub max: u64,
    /// In which time, in milliseconds.
    pub period_ms: i64,
}

impl Budget {
    /// Where it is counted.
    pub(in crate::actions) fn key(&self) -> Key {
        Key::Plain(PlainKey::Budget(self.name.clone()))
    }
}

/// Begins a sign-in, or the linking of another identity. Whether somebody is known by it makes no difference here.
#[derive(Clone, Debug)]
pub struct StartChallenge {
    /// Its id: random.
    pub id: ChallengeId,
    /// What has to be shown.
    pub kind: IdentityKind,
    /// The number, the address, the provider's name.
    pub value: String,
    /// The session of a person who wants to link it; it must be fresh.
    pub link_from: Option<SessionId>,
    /// Keyed hash of the code, or of what binds a provider's answer to a browser.
    pub secret_hash: [u8; 32],
    /// What the server needs again.
    pub sealed: Vec<u8>,
    /// What is sent, with the id of its row.
    pub effect: Option<(Uuid, EffectKind, Vec<u8>)>,
    /// How long it counts, in milliseconds.
    pub lifetime_ms: i64,
    /// Of which one each is taken.
    pub budgets: Vec<Budget>,
}

impl StartChallenge {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Challenge(self.id)));
        keys.extend(self.budgets.iter().map(Budget::key));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        let link_to = match self.link_from {
            Some(session) => Some(fresh(rows, session, scope.actor, now)?),
            None => None,
        };
        if rows.challenge(self.id)?.is_some() {
            let detail = "a challenge's id was used before";
            return Err(Refusal::new(Code::InvalidRequest, detail).into());
        }
        spend(rows, &self.budgets, now)?;
        let expires_at = Timestamp(now.0 + self.lifetime_ms);
        let row = ChallengeRow {
            kind: self.kind,
            value: self.value.clone(),
            link_to,
            secret_hash: self.secret_hash,
            sealed: self.sealed.clone(),
            tries: 0,
            created_at: now,
            expires_at,
            used_at: None,
            session_id: None,
        };
        rows.challenges.put(self.id, Some(row));
        if let Some((id, kind, sealed)) = &self.effect {
            let row = EffectRow {
                kind: *kind,
                sealed: sealed.clone(),
                attempts: 0,
                due_at: now,
                expires_at,
            };
            rows.effects.put(*id, Some(row));
        }
        Ok(Outcome::SignedIn(SignedIn::Begun {
            challenge_id: self.id,
            expires_at,
        }))
    }
}

/// The person of a session that began lately.
pub(in crate::actions) fn fresh(
    rows: &Rows,
    id: SessionId,
    actor: &UserId,
    now: Timestamp,
) -> Result<UserId, Stop> {
    let session = rows.session(id)?;
    let session = session.filter(|row| row.user_id == *actor && row.revoked_at.is_none());
    let session = session.ok_or_else(super::ended)?;
    if now.0 - session.created_at.0 > FRESH_SIGN_IN_MINUTES_MAX * 60_000 {
        let detail = format!(
            "sign in again first: this takes a sign-in of the last {FRESH_SIGN_IN_MINUTES_MAX} minutes"
        );
        return Err(Refusal::new(Code::FreshSignInNeeded, detail).into());
    }
    Ok(session.user_id.clone())
}
