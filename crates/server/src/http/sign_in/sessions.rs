//! Sessions, their tokens, and the keys that sign them.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use semel_protocol::{
    Problem,
    sign_in::{ClaimOperator, Done, Refresh, SignInResult},
};

use super::{
    Visit,
    cookie::{REFRESH, is_secure},
    success,
};
use crate::{
    convert::Success,
    sign_in::sessions::{self, Tokens},
};

/// The answer to a device that is signed in. With an origin, its refresh token goes into the cookie.
pub(super) fn answer(tokens: Tokens, origin: Option<&str>) -> Response {
    let (session_id, row) = tokens.session;
    let (access_token, expires_at) = tokens.access;
    let result = SignInResult {
        user_id: row.user_id,
        session_id,
        access_token,
        expires_at,
        refresh_token: origin.is_none().then(|| tokens.refresh.clone()),
        is_new_person: tokens.is_new_person,
    };
    let mut response = success(&result);
    if let Some(origin) = origin {
        let cookie = REFRESH.set(&tokens.refresh, is_secure(origin));
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The refresh token of a request, and with a cookie the origin, which must be our own.
#[expect(clippy::result_large_err, reason = "made once for a request")]
fn token<'a>(visit: &'a Visit, request: &'a Refresh) -> Result<(&'a str, Option<String>), Problem> {
    if let Some(token) = &request.refresh_token {
        return Ok((token, None));
    }
    let origin = visit.own_origin()?;
    let cookie = REFRESH.read(&visit.headers, is_secure(&origin));
    Ok((cookie.unwrap_or(""), Some(origin)))
}

/// Exchanges a refresh token for a new access token and the next refresh token. The answer can be asked for again for 30
/// seconds; a token that comes a second time after that ends the sign-in, because somebody else has it.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "sign-in", security(()),
    request_body = Refresh,
    responses((status = 200, description = "New tokens.", body = Success<SignInResult>)))]
pub(in crate::http) async fn refresh(visit: Visit) -> Result<Response, Problem> {
    let request: Refresh = visit.json()?;
    let (token, origin) = token(&visit, &request)?;
    let device = request.device_id.clone();
    let tokens = sessions::refresh(&visit.app, token, device, &visit.request_id).await?;
    Ok(answer(tokens, origin.as_deref()))
}

/// Signs this device out: by its refresh token, or by the cookie, which goes.
#[utoipa::path(post, path = "/api/auth/sign-out", tag = "sign-in", security(()),
    request_body = Refresh,
    responses((status = 200, description = "The device is signed out.", body = Success<Done>)))]
pub(in crate::http) async fn sign_out(visit: Visit) -> Result<Response, Problem> {
    let request: Refresh = visit.json()?;
    let (token, origin) = token(&visit, &request)?;
    // A token that counts no more is signed out already.
    if let Err(problem) = sessions::sign_out(&visit.app, token, &visit.request_id).await
        && problem.status >= 500
    {
        return Err(problem);
    }
    let mut response = success(&Done { done: true });
    if let Some(origin) = origin {
        let cookie = REFRESH.clear(is_secure(&origin));
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Makes the caller, who signed in here, the operator: with the link that a fresh server prints, once.
#[utoipa::path(post, path = "/api/auth/operator", tag = "sign-in",
    request_body = ClaimOperator,
    responses((status = 200, description = "Tokens from the next refresh on are an operator's.", body = Success<Done>)))]
pub(in crate::http) async fn claim_operator(visit: Visit) -> Result<Response, Problem> {
    let request: ClaimOperator = visit.json()?;
    let linking = visit.linking().await?;
    crate::sign_in::claim_operator(&visit.app, &linking, &request.token, &visit.from()).await?;
    Ok(success(&Done { done: true }))
}

/// The public keys of this server's access tokens (RFC 7517).
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "sign-in", security(()),
    responses((status = 200, description = "The set.", content_type = "application/jwk-set+json")))]
#[expect(clippy::unused_async, reason = "all calls of signing in look alike")]
pub(in crate::http) async fn jwks(visit: Visit) -> Result<Response, Problem> {
    let set = visit
        .app
        .tokens
        .own_keys()
        .public_set(visit.app.clock.now());
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    Ok((headers, set.to_string()).into_response())
}
