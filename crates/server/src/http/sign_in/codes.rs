//! Codes.

use axum::response::Response;
use semel_core::actions::sign_in::SignedIn;
use semel_protocol::{
    Problem,
    sign_in::{
        KeepIn, LinkIdentity, LinkResult, Provider, SignInMethods, SignInPurpose, SignInResult,
        StartSignIn, StartSignInResult, VerifyCode,
    },
};

use super::{Visit, sessions::answer, success};
use crate::{
    convert::Success,
    sign_in::{codes, sessions},
};

/// How people sign in here.
#[utoipa::path(get, path = "/api/auth/methods", tag = "sign-in", security(()),
    responses((status = 200, description = "The ways.", body = Success<SignInMethods>)))]
#[expect(clippy::unused_async, reason = "all calls of signing in look alike")]
pub(in crate::http) async fn methods(visit: Visit) -> Result<Response, Problem> {
    let settings = &visit.app.sign_in().settings;
    let provider = |provider: &crate::sign_in::ProviderSettings| Provider {
        name: provider.name.clone(),
        issuer: provider.issuer.clone(),
    };
    Ok(success(&SignInMethods {
        phone: settings.phone.is_some(),
        email: settings.email.is_some(),
        providers: settings.providers.iter().map(provider).collect(),
    }))
}

/// Sends a code to a phone or an address. The answer is the same whether somebody is known by it or not.
#[utoipa::path(post, path = "/api/auth/challenges", tag = "sign-in", operation_id = "start_sign_in", security((), ("token" = [])),
    request_body = StartSignIn,
    responses((status = 200, description = "A code is on its way.", body = Success<StartSignInResult>)))]
pub(in crate::http) async fn start(visit: Visit) -> Result<Response, Problem> {
    let request: StartSignIn = visit.json()?;
    let linking = match request.purpose {
        SignInPurpose::SignIn => None,
        SignInPurpose::Link => Some(visit.linking().await?),
    };
    let from = visit.from();
    let begun = codes::start(&visit.app, &request, linking.as_ref(), &from).await?;
    Ok(success(&begun))
}

/// Signs a device in with a code. The answer to a right code can be asked for again for 30 seconds.
#[utoipa::path(post, path = "/api/auth/verify", tag = "sign-in", security(()),
    request_body = VerifyCode,
    responses((status = 200, description = "The device is signed in.", body = Success<SignInResult>)))]
pub(in crate::http) async fn verify(visit: Visit) -> Result<Response, Problem> {
    let request: VerifyCode = visit.json()?;
    let origin = match request.keep_in {
        KeepIn::Answer => None,
        KeepIn::Cookie => Some(visit.own_origin()?),
    };
    let name = request.device_name.as_deref();
    let session = codes::new_session(&visit.app, request.device_id.clone(), name);
    let session = session.map_err(|refusal| visit.refuse(&refusal))?;
    let code = (request.challenge_id, request.code.as_str());
    let signed_in = codes::verify(&visit.app, code, session, None, &visit.from()).await?;
    let tokens = sessions::tokens(&visit.app, signed_in, &visit.request_id)?;
    Ok(answer(tokens, origin.as_deref()))
}

/// Links a number or an address to the caller, with the code that was sent to it.
#[utoipa::path(post, path = "/api/auth/identities", tag = "sign-in",
    request_body = LinkIdentity,
    responses((status = 200, description = "It is the caller's.", body = Success<LinkResult>)))]
pub(in crate::http) async fn link(visit: Visit) -> Result<Response, Problem> {
    let request: LinkIdentity = visit.json()?;
    let linking = visit.linking().await?;
    let session = codes::new_session(&visit.app, None, None);
    let session = session.map_err(|refusal| visit.refuse(&refusal))?;
    let code = (request.challenge_id, request.code.as_str());
    let who = Some(&linking.user_id);
    match codes::verify(&visit.app, code, session, who, &visit.from()).await? {
        SignedIn::Linked((kind, value)) => Ok(success(&LinkResult {
            kind: sessions::kind(kind),
            value,
        })),
        _ => Err(codes::inside(&visit.request_id)),
    }
}
