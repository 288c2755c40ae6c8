//! Signing in: codes, providers, sessions, and what is done outside for them.

mod claim;
mod effects;
mod enter;
mod keys;
mod operator;
mod prune;
mod revoke;
mod rotate;
mod start;
mod unlink;
mod verify;

pub use claim::ClaimChallenge;
pub use effects::{EffectResult, LeaseEffects, SettleEffect};
pub use enter::{NewSession, Proof};
pub use keys::AddSigningKey;
pub use operator::{ClaimOperator, OPERATOR_LINK};
pub use prune::PruneSignIn;
pub(super) use revoke::end;
pub(crate) use revoke::sessions_of;
pub use revoke::{RevokeSessions, Which};
pub use rotate::RotateSession;
use semel_protocol::{ChallengeId, Code, SessionId, Timestamp, UserId};
pub(super) use start::fresh;
pub use start::{Budget, StartChallenge};
pub use unlink::UnlinkIdentity;
use uuid::Uuid;
pub use verify::{Purpose, VerifyCode, VerifyProvider, is_same_hash};

use crate::{
    Refusal, Rows, Stop,
    plain::PlainKey,
    sign_in::{BudgetRow, EffectRow, IdentityKey, SessionRow},
};

/// What signing in brought.
#[derive(Clone, Debug)]
pub enum SignedIn {
    /// Of [`StartChallenge`].
    Begun {
        /// Which.
        challenge_id: ChallengeId,
        /// Until when it counts.
        expires_at: Timestamp,
    },
    /// Of [`ClaimChallenge`]: the caller is the one who goes on.
    Claimed,
    /// The code was another one. It was counted.
    WrongCode {
        /// How many guesses are left.
        tries_left: u64,
    },
    /// A device is signed in, by this call or by the one that it repeats.
    Session {
        /// Which.
        id: SessionId,
        /// The device.
        row: Box<SessionRow>,
        /// Whether its person runs this server.
        is_operator: bool,
        /// Whether a number or an address was shown to be the person's.
        is_verified: bool,
        /// Whether the person is new here.
        is_new_person: bool,
        /// Sessions that gave way.
        ended: Vec<SessionId>,
    },
    /// A refresh token came a second time and too late: somebody else has it. The session was ended.
    Reused {
        /// Which.
        id: SessionId,
        /// Whose.
        user_id: UserId,
    },
    /// An identity is the person's.
    Linked(IdentityKey),
    /// An identity is not the person's any more.
    Unlinked,
    /// Sessions were ended.
    Revoked(Vec<SessionId>),
    /// The person runs this server.
    Operator,
    /// The key signs.
    SigningKey,
    /// What is to be done outside now, for the one who asked.
    Leased(Vec<(Uuid, EffectRow)>),
    /// What became of it was noted.
    Settled,
    /// Of [`PruneSignIn`]: how many rows went.
    Pruned(usize),
}

fn over() -> Stop {
    let detail =
        "this code or link counts no more: it is too old, was used, or was tried too often";
    Refusal::new(Code::ChallengeOver, detail).into()
}

fn ended() -> Stop {
    Refusal::new(
        Code::SessionRevoked,
        "this sign-in was ended; sign in again",
    )
    .into()
}

/// Takes one from each budget, or refuses. An action that is refused afterwards has taken nothing.
pub(in crate::actions) fn spend(
    rows: &mut Rows,
    budgets: &[Budget],
    now: Timestamp,
) -> Result<(), Stop> {
    take(rows, budgets, 1, now)
}

/// Takes so many from each budget, or refuses. It stays taken when the action is refused afterwards: for what tells something
/// also by a refusal.
pub(in crate::actions) fn spend_whatever_comes(
    rows: &mut Rows,
    budgets: &[Budget],
    times: u64,
    now: Timestamp,
) -> Result<(), Stop> {
    take(rows, budgets, times, now)?;
    for budget in budgets {
        rows.count_whatever_comes(&budget.name);
    }
    Ok(())
}

fn take(rows: &mut Rows, budgets: &[Budget], times: u64, now: Timestamp) -> Result<(), Stop> {
    let found = Rows::gather(budgets, |budget| Ok((budget, rows.budget(&budget.name)?)))?;
    for (budget, row) in found {
        let begun = row.filter(|row| now < row.expires_at);
        let row = begun.unwrap_or(BudgetRow {
            count: 0,
            expires_at: Timestamp(now.0 + budget.period_ms),
        });
        if row.count + times > budget.max {
            let refusal = Refusal::new(
                Code::RateLimited,
                "this was done too often; wait, then try again",
            );
            let retry_after_ms = u64::try_from(row.expires_at.0 - now.0).ok();
            return Err(Refusal {
                retry_after_ms,
                ..refusal
            }
            .into());
        }
        let count = row.count + times;
        rows.budgets
            .put(budget.name.clone(), Some(BudgetRow { count, ..row }));
    }
    Ok(())
}

/// Whether a person has a way to sign in here. Whom only a host application knows has none: its tokens are its own matter.
pub(in crate::actions) fn can_sign_in(rows: &Rows, who: &UserId) -> Result<bool, Stop> {
    let identities = rows.plain_list(&PlainKey::IdentitiesOf(who.clone()))?;
    Ok(!identities.is_empty())
}

/// Whether a number or an address was shown to be a person's.
pub(crate) fn is_verified(rows: &Rows, who: &UserId) -> Result<bool, Stop> {
    let keys = rows.plain_list(&PlainKey::IdentitiesOf(who.clone()))?;
    let rows = Rows::gather(keys, |key| match key {
        PlainKey::Identity(kind, value) => {
            let row = rows.identity(&(*kind, value.clone()))?;
            Ok(row.is_some_and(|row| row.user_id == *who && row.verified_at.is_some()))
        }
        _ => Ok(false),
    })?;
    Ok(rows.into_iter().any(|is_verified| is_verified))
}
