//! Who they are was shown: a person signs in, or links what was shown.

use semel_protocol::{
    ChallengeId, Code, SessionId, Timestamp, UserId,
    limits::{IDENTITIES_PER_USER_MAX, SESSION_DAYS_MAX, SESSIONS_PER_USER_MAX},
};

use super::{SignedIn, is_verified, over, revoke};
use crate::{
    Refusal, Rows, Stop, access,
    actions::{Outcome, Scope},
    plain::PlainKey,
    row::{Standing, UserRow},
    sign_in::{ChallengeRow, IdentityKey, IdentityKind, IdentityRow, SessionRow},
    validate,
};

const DAY_MS: i64 = 86_400_000;

/// A device that signs in.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id: random.
    pub id: SessionId,
    /// From this and the server's key follow its refresh tokens: random.
    pub salt: [u8; 16],
    /// Its name for itself.
    pub device_id: Option<String>,
    /// Its name for people.
    pub device_name: Option<String>,
}

/// What was shown.
#[derive(Clone, Debug)]
pub struct Proof {
    /// By what somebody is known.
    pub kind: IdentityKind,
    /// The number, the address, or issuer and subject.
    pub value: String,
    /// What people see of it.
    pub label: String,
    /// Their name, for a person who is new.
    pub name: Option<String>,
    /// Whether a number or an address was shown to be theirs.
    pub is_verified: bool,
}

pub(super) fn enter(
    scope: &Scope<'_>,
    rows: &mut Rows,
    (id, challenge): (ChallengeId, ChallengeRow),
    proof: &Proof,
    new: &NewSession,
) -> Result<Outcome, Stop> {
    let now = scope.context.now;
    let key = (proof.kind, proof.value.clone());
    let owner = rows.identity(&key)?.cloned();
    if let Some(who) = &challenge.link_to {
        let linked = link(rows, who, &key, owner.as_ref(), proof, now)?;
        use_up(rows, id, challenge, None, now);
        return Ok(linked);
    }
    if challenge.used_at.is_some() {
        return repeat(rows, &challenge);
    }
    let (who, is_new_person) = match &owner {
        Some(row) => {
            access::welcome(rows, &row.user_id)?;
            (row.user_id.clone(), false)
        }
        None => (make_person(scope, rows, proof)?, true),
    };
    put_identity(rows, &who, &key, owner.as_ref(), proof, now);
    let ended = make_room(rows, &who, new.device_id.as_deref(), now)?;
    let row = SessionRow {
        user_id: who.clone(),
        kind: proof.kind,
        device_id: new.device_id.clone(),
        device_name: new.device_name.clone(),
        salt: new.salt,
        generation: 0,
        rotated_at: now,
        created_at: now,
        expires_at: Timestamp(now.0 + SESSION_DAYS_MAX * DAY_MS),
        revoked_at: None,
    };
    rows.sessions.put(new.id, Some(row.clone()));
    use_up(rows, id, challenge, Some(new.id), now);
    let is_operator = rows.operator(&who)?.is_some();
    let is_verified = proof.is_verified || (!is_new_person && is_verified(rows, &who)?);
    Ok(Outcome::SignedIn(SignedIn::Session {
        id: new.id,
        row: Box::new(row),
        is_operator,
        is_verified,
        is_new_person,
        ended,
    }))
}

/// The answer to a right code was lost, or two came at once: the one session, as long as it is new.
fn repeat(rows: &Rows, challenge: &ChallengeRow) -> Result<Outcome, Stop> {
    let id = challenge.session_id.ok_or_else(over)?;
    let row = rows.session(id)?;
    let row = row.filter(|row| row.generation == 0 && row.revoked_at.is_none());
    let row = row.ok_or_else(over)?.clone();
    let is_operator = rows.operator(&row.user_id)?.is_some();
    let is_verified = is_verified(rows, &row.user_id)?;
    Ok(Outcome::SignedIn(SignedIn::Session {
        id,
        row: Box::new(row),
        is_operator,
        is_verified,
        is_new_person: false,
        ended: Vec::new(),
    }))
}

fn make_person(scope: &Scope<'_>, rows: &mut Rows, proof: &Proof) -> Result<UserId, Stop> {
    let (who, now) = (scope.context.user_id(), scope.context.now);
    if let Some(name) = &proof.name {
        validate::name("/name", name)?;
    }
    if rows.user(&who)?.is_some() {
        let detail = "a fresh id was used before";
        return Err(Refusal::new(Code::Internal, detail).into());
    }
    let row = UserRow {
        display_name: proof.name.clone(),
        about: None,
        picture: None,
        handle: None,
        standing: Standing::Good,
        created_at: now,
        updated_at: now,
    };
    rows.users.put(who.clone(), Some(row));
    Ok(who)
}

fn put_identity(
    rows: &mut Rows,
    who: &UserId,
    key: &IdentityKey,
    before: Option<&IdentityRow>,
    proof: &Proof,
    now: Timestamp,
) {
    let verified_at = proof.is_verified.then_some(now);
    let after = match before {
        None => IdentityRow {
            user_id: who.clone(),
            label: proof.label.clone(),
            verified_at,
            created_at: now,
        },
        Some(row) => IdentityRow {
            label: proof.label.clone(),
            verified_at: row.verified_at.or(verified_at),
            ..row.clone()
        },
    };
    if before != Some(&after) {
        rows.identities.put(key.clone(), Some(after));
    }
}

fn link(
    rows: &mut Rows,
    who: &UserId,
    key: &IdentityKey,
    owner: Option<&IdentityRow>,
    proof: &Proof,
    now: Timestamp,
) -> Result<Outcome, Stop> {
    if owner.is_some_and(|row| row.user_id != *who) {
        let detail = "this belongs to somebody else here; sign in with it, or link another one";
        return Err(Refusal::new(Code::IdentityTaken, detail).into());
    }
    let all = rows.plain_list(&PlainKey::IdentitiesOf(who.clone()))?;
    if owner.is_none() && all.len() >= IDENTITIES_PER_USER_MAX {
        let detail = format!("a person has at most {IDENTITIES_PER_USER_MAX} ways to sign in");
        return Err(Refusal::new(Code::InvalidRequest, detail).into());
    }
    put_identity(rows, who, key, owner, proof, now);
    Ok(Outcome::SignedIn(SignedIn::Linked(key.clone())))
}

fn use_up(
    rows: &mut Rows,
    id: ChallengeId,
    challenge: ChallengeRow,
    session_id: Option<SessionId>,
    now: Timestamp,
) {
    let row = ChallengeRow {
        used_at: challenge.used_at.or(Some(now)),
        session_id: challenge.session_id.or(session_id),
        ..challenge
    };
    rows.challenges.put(id, Some(row));
}

/// Ends what the same device had before, and the session that was refreshed least lately when there are too many.
fn make_room(
    rows: &mut Rows,
    who: &UserId,
    device_id: Option<&str>,
    now: Timestamp,
) -> Result<Vec<SessionId>, Stop> {
    let is_same = |row: &SessionRow| device_id.is_some() && row.device_id.as_deref() == device_id;
    let sessions = revoke::sessions_of(rows, who)?.into_iter();
    let (mut ending, staying): (Vec<_>, Vec<_>) = sessions.partition(|(_, row)| is_same(row));
    if staying.len() >= SESSIONS_PER_USER_MAX {
        ending.extend(staying.into_iter().min_by_key(|(_, row)| row.rotated_at));
    }
    Ok(revoke::end(rows, ending, now))
}
