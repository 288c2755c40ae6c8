//! Takes up what a provider gave a browser.

use semel_protocol::{ChallengeId, Code, UserId};

use super::SignedIn;
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
};

/// A browser came back from a provider: of all who bring the same answer, at once or later, one goes on. Before the provider is asked,
/// which may take a code that comes twice for a stolen one.
#[derive(Clone, Debug)]
pub struct ClaimChallenge {
    /// Of which challenge. Whoever claims it has shown that it is theirs.
    pub challenge_id: ChallengeId,
}

impl ClaimChallenge {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Challenge(self.challenge_id)));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let row = rows.challenge(self.challenge_id)?.filter(|row| {
            let is_open = row.used_at.is_none() && scope.context.now < row.expires_at;
            is_open && row.tries == 0
        });
        let Some(mut row) = row.cloned() else {
            let detail = "this sign-in was used or is too old; begin again";
            return Err(Refusal::new(Code::SignInFailed, detail).into());
        };
        row.tries = 1;
        rows.challenges.put(self.challenge_id, Some(row));
        Ok(Outcome::SignedIn(SignedIn::Claimed))
    }
}
