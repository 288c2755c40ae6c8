//! Providers.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use semel_core::Refusal;
use semel_core::actions::sign_in::SignedIn;
use semel_protocol::{
    Code, Problem,
    sign_in::{SignInPurpose, StartProvider, StartProviderResult},
};

use super::{
    Visit,
    cookie::{PROVIDER, REFRESH, is_secure},
    success,
};
use crate::{
    convert::Success,
    sign_in::{provider, provider::Returned, sessions},
};

/// Sends a browser to a provider. It comes back with the refresh token in its cookie.
#[utoipa::path(post, path = "/api/auth/providers/{provider}/start", tag = "sign-in",
    operation_id = "start_provider", security((), ("token" = [])),
    request_body = StartProvider,
    responses((status = 200, description = "Where the browser goes.", body = Success<StartProviderResult>)))]
pub(in crate::http) async fn start(visit: Visit) -> Result<Response, Problem> {
    let request: StartProvider = visit.json()?;
    let origin = visit.own_origin()?;
    let linking = match request.purpose {
        SignInPurpose::SignIn => None,
        SignInPurpose::Link => Some(visit.linking().await?),
    };
    let name = visit.parts.path("provider");
    let redirect_uri = format!("{origin}/api/auth/providers/{name}/callback");
    let from = visit.from();
    let begun = provider::start(
        &visit.app,
        name,
        &request,
        redirect_uri,
        linking.as_ref(),
        &from,
    );
    let begun = begun.await?;
    let mut response = success(&StartProviderResult {
        authorization_url: begun.authorization_url,
        expires_at: begun.expires_at,
    });
    let cookie = PROVIDER.set(&begun.binding, is_secure(&origin));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Where a provider sends browsers back to.
#[utoipa::path(get, path = "/api/auth/providers/{provider}/callback", tag = "sign-in", security(()),
    responses((status = 303, description = "The browser goes on; `#sign_in_error=CODE` tells what went wrong.")))]
pub(in crate::http) async fn callback(visit: Visit) -> Result<Response, Problem> {
    let strange = || {
        let detail = "this browser did not begin this sign-in";
        visit.refuse(&Refusal::new(Code::SignInFailed, detail))
    };
    // The origin that the browser began from is this one.
    let public = visit.app.sign_in().settings.public_url.as_deref();
    let is_secure = public.is_some_and(is_secure);
    let binding = PROVIDER.read(&visit.headers, is_secure);
    let binding = binding.ok_or_else(strange)?;
    let state = visit
        .parts
        .query("state")
        .and_then(|text| text.parse().ok());
    let returned = Returned {
        binding,
        state: state.ok_or_else(strange)?,
        code: visit.parts.query("code"),
        issuer: visit.parts.query("iss"),
    };
    let name = visit.parts.path("provider");
    let finished = provider::finish(&visit.app, name, &returned, &visit.from()).await?;
    let (mut address, mut cookies) = (finished.return_to, vec![PROVIDER.clear(is_secure)]);
    let signed_in = match finished.result {
        Ok(SignedIn::Linked(_)) => Ok(()),
        Ok(signed_in) => sessions::tokens(&visit.app, signed_in, &visit.request_id)
            .map(|tokens| cookies.push(REFRESH.set(&tokens.refresh, is_secure))),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = signed_in {
        address = format!("{address}#sign_in_error={}", problem.code);
    }
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    let address = HeaderValue::from_str(&address).expect("it is visible ASCII");
    headers.insert(header::LOCATION, address);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
