//! What is asked about signing in.

use semel_protocol::{ChallengeId, SessionId, Timestamp, UserId};

use crate::{
    Rows, Stop,
    actions::sign_in::{self, OPERATOR_LINK},
    plain::PlainKey,
    sign_in::{ChallengeRow, IdentityKey, IdentityRow, SessionRow, SigningKeyRow},
};

/// The devices of a person that are signed in, the newest first.
pub fn sessions(rows: &Rows, who: &UserId) -> Result<Vec<(SessionId, SessionRow)>, Stop> {
    let mut sessions = sign_in::sessions_of(rows, who)?;
    sessions.sort_by_key(|(id, row)| (std::cmp::Reverse(row.rotated_at), *id));
    Ok(sessions)
}

/// By what a person is known.
pub fn identities(rows: &Rows, who: &UserId) -> Result<Vec<(IdentityKey, IdentityRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::IdentitiesOf(who.clone()))?;
    let keys = keys.iter().filter_map(|key| match key {
        PlainKey::Identity(kind, value) => Some((*kind, value.clone())),
        _ => None,
    });
    let found = Rows::gather(keys, |key| {
        let row = rows.identity(&key)?.cloned();
        Ok((key, row))
    })?;
    let found = found.into_iter().filter_map(|(key, row)| Some((key, row?)));
    Ok(found.collect())
}

/// A sign-in that was begun.
pub fn challenge(rows: &Rows, id: ChallengeId) -> Result<Option<ChallengeRow>, Stop> {
    Ok(rows.challenge(id)?.cloned())
}

/// Sessions that were ended after a time.
pub fn revoked_since(rows: &Rows, time: Timestamp) -> Result<Vec<SessionId>, Stop> {
    let keys = rows.plain_list(&PlainKey::RevokedSince(time))?;
    let ids = keys.iter().filter_map(|key| match key {
        PlainKey::Session(id) => Some(*id),
        _ => None,
    });
    Ok(ids.collect())
}

/// All keys that sign access tokens, or did.
pub fn signing_keys(rows: &Rows) -> Result<Vec<(String, SigningKeyRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::SigningKeys)?;
    let names = keys.iter().filter_map(|key| match key {
        PlainKey::SigningKey(name) => Some(name.clone()),
        _ => None,
    });
    let found = Rows::gather(names, |name| {
        let row = rows.signing_key(&name)?.cloned();
        Ok((name, row))
    })?;
    let found = found
        .into_iter()
        .filter_map(|(name, row)| Some((name, row?)));
    Ok(found.collect())
}

/// Whether anything is to be done outside.
pub fn is_effect_due(rows: &Rows, time: Timestamp) -> Result<bool, Stop> {
    let keys = rows.plain_list(&PlainKey::EffectsDue(time, 1))?;
    Ok(!keys.is_empty())
}

/// Whether the one link that makes an operator was used.
pub fn has_operator(rows: &Rows) -> Result<bool, Stop> {
    Ok(rows.budget(OPERATOR_LINK)?.is_some())
}

/// A device that is or was signed in.
pub fn session(rows: &Rows, id: SessionId) -> Result<Option<SessionRow>, Stop> {
    Ok(rows.session(id)?.cloned())
}
