//! Shows who somebody is: by the code that was sent to them, or by what a provider says.

use semel_protocol::{
    ChallengeId, Code, SessionId, Timestamp, UserId,
    limits::{CODE_TRIES_MAX, REFRESH_GRACE_SECONDS},
};

use super::{Budget, NewSession, Proof, SignedIn, ended, enter, over, spend};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::{ChallengeRow, IdentityKind},
};

/// A guess of a code. It is counted before it is compared, in one transaction with what follows from it; a wrong one is an
/// outcome and no refusal, or the count would be undone.
#[derive(Clone, Debug)]
pub struct VerifyCode {
    /// Of which challenge.
    pub challenge_id: ChallengeId,
    /// Keyed hash of the guess.
    pub secret_hash: [u8; 32],
    /// The device that signs in.
    pub session: NewSession,
    /// Whether the actor links it; otherwise somebody signs in.
    pub purpose: Purpose,
    /// Of which one each is taken.
    pub budgets: Vec<Budget>,
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To link what they show to themselves.
    Link,
}

/// What a provider says of the one who came back from it.
#[derive(Clone, Debug)]
pub struct VerifyProvider {
    /// Of which challenge.
    pub challenge_id: ChallengeId,
    /// Keyed hash of what the browser has.
    pub secret_hash: [u8; 32],
    /// The provider's name.
    pub provider: String,
    /// Who it is.
    pub proof: Proof,
    /// The device that signs in.
    pub session: NewSession,
    /// The sign-in that began this to link; none: somebody signs in.
    pub link_from: Option<SessionId>,
}

/// Whether two keyed hashes are equal, in constant time.
pub fn is_same_hash(one: [u8; 32], other: [u8; 32]) -> bool {
    blake3::Hash::from(one) == blake3::Hash::from(other)
}

/// A challenge that counts still.
fn open(rows: &Rows, id: ChallengeId, now: Timestamp) -> Result<ChallengeRow, Stop> {
    let row = rows.challenge(id)?.ok_or_else(over)?;
    if now >= row.expires_at || row.tries >= CODE_TRIES_MAX {
        return Err(over());
    }
    Ok(row.clone())
}

impl VerifyCode {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Challenge(self.challenge_id)));
        keys.extend(self.budgets.iter().map(Budget::key));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        let mut row = open(rows, self.challenge_id, now)?;
        if row.kind == IdentityKind::Oidc {
            return Err(over());
        }
        match (self.purpose, &row.link_to) {
            (Purpose::SignIn, None) => {}
            (Purpose::Link, Some(who)) if who == scope.actor => {}
            _ => return Err(over()),
        }
        let is_late = |used_at: Timestamp| now.0 - used_at.0 > REFRESH_GRACE_SECONDS * 1_000;
        if row.used_at.is_some_and(is_late) {
            return Err(over());
        }
        spend(rows, &self.budgets, now)?;
        row.tries += 1;
        let tries_left = CODE_TRIES_MAX - row.tries;
        rows.challenges.put(self.challenge_id, Some(row.clone()));
        if !is_same_hash(row.secret_hash, self.secret_hash) {
            return Ok(Outcome::SignedIn(SignedIn::WrongCode { tries_left }));
        }
        let proof = Proof {
            kind: row.kind,
            value: row.value.clone(),
            label: row.value.clone(),
            name: None,
            is_verified: true,
        };
        enter::enter(scope, rows, (self.challenge_id, row), &proof, &self.session)
    }
}

impl VerifyProvider {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        let (kind, value) = (self.proof.kind, self.proof.value.clone());
        keys.push(Key::Plain(PlainKey::Challenge(self.challenge_id)));
        keys.push(Key::Plain(PlainKey::Identity(kind, value)));
        keys.extend(self.link_from.map(|id| Key::Plain(PlainKey::Session(id))));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let row = open(rows, self.challenge_id, scope.context.now)?;
        let is_its = row.kind == IdentityKind::Oidc
            && row.value == self.provider
            && row.used_at.is_none()
            && row.link_to.is_some() == self.link_from.is_some()
            && is_same_hash(row.secret_hash, self.secret_hash);
        if !is_its {
            let detail = "this answer of the provider does not belong to a sign-in of this browser";
            return Err(Refusal::new(Code::SignInFailed, detail).into());
        }
        // Nobody shows a token when they come back: what was begun ends with the sign-in that began it.
        if let Some(session) = self.link_from {
            let session = rows.session(session)?;
            session
                .filter(|row| row.revoked_at.is_none())
                .ok_or_else(ended)?;
        }
        enter::enter(
            scope,
            rows,
            (self.challenge_id, row),
            &self.proof,
            &self.session,
        )
    }
}
