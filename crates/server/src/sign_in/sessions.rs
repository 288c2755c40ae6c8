//! Sessions: their tokens.

use std::sync::Arc;

use semel_core::{
    actions::sign_in::{RevokeSessions, RotateSession, SignedIn, Which},
    queries,
    sign_in::{IdentityKind, SessionRow},
};
use semel_protocol::{
    Code, Problem, SessionId, Timestamp,
    sign_in::{Session, SignInKind},
};

use super::{act, codes::inside, stranger};
use crate::{
    app::App,
    auth::{RefreshToken, Scope, SignedInAs, TokenError},
};

/// Tokens for a device that is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// The device.
    pub session: (SessionId, SessionRow),
    /// The access token, and until when it counts.
    pub access: (String, Timestamp),
    /// The refresh token.
    pub refresh: String,
    /// Whether the person is new here.
    pub is_new_person: bool,
}

/// The tokens that follow from a sign-in.
#[expect(clippy::result_large_err, reason = "made once for a request")]
pub(crate) fn tokens(app: &App, signed_in: SignedIn, request_id: &str) -> Result<Tokens, Problem> {
    let (id, row, is_operator, is_verified, is_new_person) = match signed_in {
        SignedIn::Session {
            id,
            row,
            is_operator,
            is_verified,
            is_new_person,
            ..
        } => (id, *row, is_operator, is_verified, is_new_person),
        SignedIn::Reused { id, .. } => {
            metrics::counter!("semel_refresh_reused_total").increment(1);
            tracing::warn!(session_id = %id, "a refresh token came twice: the sign-in was ended");
            return Err(ended(request_id));
        }
        _ => return Err(inside(request_id)),
    };
    let scope = if is_operator {
        Scope::Operator
    } else {
        Scope::Person
    };
    let access = app.tokens.sign_in(SignedInAs {
        user_id: &row.user_id,
        session_id: id,
        scope,
        is_verified,
    });
    let late = "there is no key to sign with yet; try again";
    let access = access.ok_or_else(|| Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::StoreUnavailable, late, request_id)
    })?;
    Ok(Tokens {
        refresh: app.tokens.secrets().refresh_token(id, &row),
        session: (id, row),
        access,
        is_new_person,
    })
}

/// Exchanges a refresh token.
pub(crate) async fn refresh(
    app: &Arc<App>,
    text: &str,
    device_id: Option<String>,
    request_id: &str,
) -> Result<Tokens, Problem> {
    let token = real(app, text, request_id).await?.0;
    let rotate = RotateSession {
        session_id: token.session_id,
        generation: token.generation,
        device_id,
    };
    let signed_in = act(app, None, rotate, request_id).await?;
    tokens(app, signed_in, request_id)
}

/// Ends the sign-in that a refresh token is of.
pub(crate) async fn sign_out(app: &Arc<App>, text: &str, request_id: &str) -> Result<(), Problem> {
    let (token, row) = real(app, text, request_id).await?;
    let revoke = RevokeSessions {
        which: Which::One(token.session_id),
    };
    act(app, Some(&row.user_id), revoke, request_id).await?;
    Ok(())
}

/// A refresh token that was made here, and its session. One that was not has no effect at all.
async fn real(
    app: &Arc<App>,
    text: &str,
    request_id: &str,
) -> Result<(RefreshToken, SessionRow), Problem> {
    let token = RefreshToken::parse(text).ok_or_else(|| ended(request_id))?;
    let id = token.session_id;
    let who = stranger();
    let row = app.ask(&who, request_id, move |rows| {
        queries::sign_in::session(rows, id)
    });
    let row = row
        .await?
        .filter(|row| app.tokens.secrets().is_real(&token, row));
    let row = row.ok_or_else(|| ended(request_id))?;
    Ok((token, row))
}

fn ended(request_id: &str) -> Problem {
    TokenError::Revoked.problem(request_id)
}

/// A session as its person sees it.
pub(crate) fn shown(id: SessionId, row: &SessionRow, current: Option<SessionId>) -> Session {
    Session {
        session_id: id,
        is_current: current == Some(id),
        kind: kind(row.kind),
        device_id: row.device_id.clone(),
        device_name: row.device_name.clone(),
        created_at: row.created_at,
        refreshed_at: row.rotated_at,
        expires_at: row.expires_at,
    }
}

/// As on the wire.
pub(crate) fn kind(kind: IdentityKind) -> SignInKind {
    match kind {
        IdentityKind::Phone => SignInKind::Phone,
        IdentityKind::Email => SignInKind::Email,
        IdentityKind::Oidc => SignInKind::Oidc,
    }
}

/// As in rows.
pub(crate) fn kind_of(kind: SignInKind) -> IdentityKind {
    match kind {
        SignInKind::Phone => IdentityKind::Phone,
        SignInKind::Email => IdentityKind::Email,
        SignInKind::Oidc => IdentityKind::Oidc,
    }
}
