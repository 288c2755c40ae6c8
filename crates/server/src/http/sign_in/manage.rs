//! A person's devices and ways to sign in.

use semel_core::{
    Refusal,
    actions::{
        Action,
        sign_in::{RevokeSessions, UnlinkIdentity, Which},
    },
    queries,
};
use semel_protocol::{
    Code, SessionId,
    sign_in::{self, Done, Identity, IdentityList, RevokeResult, SessionList},
};

use crate::{
    auth::Caller,
    convert::{Data, Success},
    http::{parts::Parts, route::Ask},
    sign_in::sessions::{kind, kind_of, shown},
};

/// The devices on which the caller is signed in.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "sign-in",
    responses((status = 200, description = "The newest first.", body = Success<SessionList>)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "all routes of the table look alike"
)]
pub(in crate::http) fn list_sessions(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    let (who, current) = (caller.user_id.clone(), caller.session_id);
    Ok(Box::new(move |rows| {
        let sessions = queries::sign_in::sessions(rows, &who)?;
        let shown = |(id, row): &(SessionId, _)| shown(*id, row, current);
        Ok(Data::Sessions(SessionList {
            sessions: sessions.iter().map(shown).collect(),
        }))
    }))
}

/// Signs one of the caller's devices out, wherever it is connected, within 5 seconds.
#[utoipa::path(delete, path = "/api/auth/sessions/{session_id}", tag = "sign-in",
    responses((status = 200, description = "It is signed out.", body = Success<RevokeResult>)))]
pub(in crate::http) fn revoke_session(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    let id = parts.path("session_id").parse();
    let id = id.map_err(|_| Refusal::invalid("?session_id", "a session id is a UUID"))?;
    let which = Which::One(id);
    Ok(RevokeSessions { which }.into())
}

/// Signs all other devices of the caller out.
#[utoipa::path(post, path = "/api/auth/sessions/revoke-others", tag = "sign-in",
    responses((status = 200, description = "They are signed out.", body = Success<RevokeResult>)))]
pub(in crate::http) fn revoke_others(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    let which = Which::AllBut(caller.session_id);
    Ok(RevokeSessions { which }.into())
}

/// The caller's ways to sign in.
#[utoipa::path(get, path = "/api/auth/identities", tag = "sign-in",
    responses((status = 200, description = "All of them.", body = Success<IdentityList>)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "all routes of the table look alike"
)]
pub(in crate::http) fn list_identities(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let found = queries::sign_in::identities(rows, &who)?;
        let identities = found.into_iter().map(|((of, value), row)| Identity {
            kind: kind(of),
            value,
            label: row.label,
            is_verified: row.verified_at.is_some(),
            created_at: row.created_at,
        });
        Ok(Data::Identities(IdentityList {
            identities: identities.collect(),
        }))
    }))
}

/// Takes one of the caller's ways to sign in away. The last one stays; it takes a fresh sign-in.
#[utoipa::path(post, path = "/api/auth/identities/unlink", tag = "sign-in",
    request_body = sign_in::UnlinkIdentity,
    responses((status = 200, description = "It is not theirs any more.", body = Success<Done>)))]
pub(in crate::http) fn unlink(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let request: sign_in::UnlinkIdentity = parts.json()?;
    let session_id = caller.session_id.ok_or_else(|| {
        let detail = "the host application knows this person; how they sign in is its matter";
        Refusal::new(Code::Forbidden, detail)
    })?;
    let action = UnlinkIdentity {
        kind: kind_of(request.kind),
        value: request.value,
        session_id,
    };
    Ok(action.into())
}
