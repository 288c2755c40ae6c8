//! `OpenID` providers: the code flow with PKCE, `state`, `nonce`, and the issuer looked at.
//!
//! Invariant: a person of a provider is its issuer and their subject there, never an e-mail address.

mod discovery;
mod exchange;

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use discovery::Found;
pub use discovery::Provider;
use semel_core::{
    Refusal,
    actions::sign_in::{
        Budget, ClaimChallenge, SignedIn, StartChallenge, VerifyProvider, is_same_hash,
    },
    queries,
    sign_in::IdentityKind,
};
use semel_protocol::{
    ChallengeId, Code, Problem, SessionId, Timestamp,
    limits::{PROVIDER_MINUTES_MAX, SIGN_INS_PER_ADDRESS_HOUR_MAX},
    sign_in::StartProvider,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ProviderSettings, act,
    codes::{From, Linking, inside, new_session, random_id},
    egress::EgressError,
    problem, stranger,
};
use crate::app::App;

/// As what is kept of a flow is sealed.
const SEALED_AS: &str = "provider flow";

/// What is kept of a flow until the browser comes back.
#[derive(Serialize, Deserialize)]
struct Flow {
    nonce: String,
    verifier: String,
    redirect_uri: String,
    return_to: String,
    device_id: Option<String>,
    device_name: Option<String>,
    /// The sign-in that links.
    link_from: Option<SessionId>,
}

/// A browser that goes to a provider.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// Where it goes.
    pub authorization_url: String,
    /// What it keeps, and shows when it comes back.
    pub binding: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A browser that came back.
#[derive(Clone, Debug)]
pub(crate) struct Returned<'a> {
    /// What it kept.
    pub binding: &'a str,
    /// The flow.
    pub state: ChallengeId,
    /// What the provider gave it: a code, or an error.
    pub code: Option<&'a str>,
    /// Who says so (RFC 9207).
    pub issuer: Option<&'a str>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Where the browser goes on.
    pub return_to: String,
    /// What it brought.
    pub result: Result<SignedIn, Problem>,
}

/// Why a provider's answer does not count. The text is for the log.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}: {1}")]
    Egress(&'static str, EgressError),
    #[error("{0}")]
    Wrong(&'static str),
}

/// Sends a browser to a provider.
pub(crate) async fn start(
    app: &Arc<App>,
    name: &str,
    request: &StartProvider,
    redirect_uri: String,
    linking: Option<&Linking>,
    from: &From<'_>,
) -> Result<Begun, Problem> {
    let refuse = |refusal: Refusal| problem(&refusal, from.request_id);
    let provider = app.sign_in().provider(name).map_err(refuse)?;
    let return_to = return_to(request.return_to.as_deref()).map_err(refuse)?;
    // Looked at now: nobody comes back to hear that it is not valid.
    new_session(
        app,
        request.device_id.clone(),
        request.device_name.as_deref(),
    )
    .map_err(refuse)?;
    let found = provider.find(&app.sign_in().egress).await;
    let found = found.map_err(|failed| unreachable(name, &failed, from.request_id))?;
    let secret = || {
        BASE64_URL_SAFE_NO_PAD.encode(
            [
                app.entropy.seed().to_be_bytes(),
                app.entropy.seed().to_be_bytes(),
            ]
            .concat(),
        )
    };
    let (id, binding) = (ChallengeId(random_id(app)), secret());
    let flow = Flow {
        nonce: secret(),
        verifier: secret(),
        redirect_uri,
        return_to,
        device_id: request.device_id.clone(),
        device_name: request.device_name.clone(),
        link_from: linking.map(|linking| linking.session_id),
    };
    let secrets = app.tokens.secrets();
    let plain = serde_json::to_vec(&flow).expect("it is plain JSON");
    let begun = StartChallenge {
        id,
        kind: IdentityKind::Oidc,
        value: name.to_owned(),
        link_from: flow.link_from,
        secret_hash: secrets.code_hash(id, &binding),
        sealed: secrets.seal(SEALED_AS, &plain, app.entropy.as_ref()),
        effect: None,
        lifetime_ms: PROVIDER_MINUTES_MAX * 60_000,
        budgets: vec![budget(&from.address_text())],
    };
    let actor = linking.map(|linking| &linking.user_id);
    let SignedIn::Begun { expires_at, .. } = act(app, actor, begun, from.request_id).await? else {
        return Err(inside(from.request_id));
    };
    Ok(Begun {
        authorization_url: address(&found, &provider.settings, id, &flow),
        binding,
        expires_at,
    })
}

fn budget(address: &str) -> Budget {
    Budget {
        name: format!("sign-ins from {address}"),
        max: SIGN_INS_PER_ADDRESS_HOUR_MAX,
        period_ms: 3_600_000,
    }
}

fn address(found: &Found, settings: &ProviderSettings, id: ChallengeId, flow: &Flow) -> String {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier.as_bytes()));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", settings.client_id.as_str()),
            ("redirect_uri", &flow.redirect_uri),
            ("scope", "openid email profile"),
            ("state", &id.to_string()),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let endpoint = &found.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{joint}{query}")
}

/// A path of this server: a browser must not be sent elsewhere by whoever made the link.
fn return_to(path: Option<&str>) -> Result<String, Refusal> {
    let path = path.unwrap_or("/");
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    let is_plain = path.len() <= 2_000 && path.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_path || !is_plain {
        let detail = "a path of this server, beginning with one slash";
        return Err(Refusal::invalid("/return_to", detail));
    }
    Ok(path.to_owned())
}

/// A browser came back from a provider. An error means that it is not known which flow it is of.
pub(crate) async fn finish(
    app: &Arc<App>,
    name: &str,
    returned: &Returned<'_>,
    from: &From<'_>,
) -> Result<Finished, Problem> {
    let refuse = |refusal: Refusal| problem(&refusal, from.request_id);
    let provider = app.sign_in().provider(name).map_err(refuse)?;
    let (id, secrets) = (returned.state, app.tokens.secrets());
    let ask = move |rows: &_| queries::sign_in::challenge(rows, id);
    let row = app.ask(&stranger(), from.request_id, ask).await?;
    let hash = secrets.code_hash(id, returned.binding);
    let row = row.filter(|row| {
        row.kind == IdentityKind::Oidc && row.value == name && is_same_hash(row.secret_hash, hash)
    });
    let strange = || failed(from.request_id, "this browser did not begin this sign-in");
    let row = row.ok_or_else(strange)?;
    let flow = secrets.open(SEALED_AS, &row.sealed);
    let flow: Option<Flow> = flow.and_then(|json| serde_json::from_slice(&json).ok());
    let flow = flow.ok_or_else(strange)?;
    let return_to = flow.return_to.clone();
    let result = async {
        let is_its = returned
            .issuer
            .is_none_or(|issuer| issuer == provider.settings.issuer);
        let code = returned.code.filter(|_| is_its);
        let code = code.ok_or_else(|| failed(from.request_id, "the provider said no"))?;
        let unreachable = |why| unreachable(name, &why, from.request_id);
        // Before it is taken up: a browser can come once more while the provider is away.
        let found = provider.find(&app.sign_in().egress).await;
        let found = found.map_err(unreachable)?;
        let claim = ClaimChallenge { challenge_id: id };
        act(app, row.link_to.as_ref(), claim, from.request_id).await?;
        let proof = provider.exchange(app, &found, &flow, code).await;
        let proof = proof.map_err(unreachable)?;
        let session = new_session(app, flow.device_id.clone(), flow.device_name.as_deref());
        let verify = VerifyProvider {
            challenge_id: id,
            secret_hash: hash,
            provider: name.to_owned(),
            proof,
            session: session.map_err(refuse)?,
            link_from: flow.link_from,
        };
        act(app, row.link_to.as_ref(), verify, from.request_id).await
    };
    let result = result.await;
    Ok(Finished { return_to, result })
}

fn failed(request_id: &str, detail: &str) -> Problem {
    Problem::new(Code::SignInFailed, detail, request_id)
}

/// The cause is for the log.
fn unreachable(name: &str, why: &Failed, request_id: &str) -> Problem {
    tracing::warn!(provider = name, %why, "a provider did not confirm a sign-in");
    failed(request_id, "the provider did not confirm who this is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_cve_08_browsers_are_sent_back_to_paths_of_this_server_only() {
        for bad in [
            "https://evil",
            "//evil",
            "/\\evil",
            "evil",
            "",
            "/a b",
            "/\u{e9}",
        ] {
            assert!(return_to(Some(bad)).is_err(), "{bad}");
        }
        assert_eq!(return_to(None).unwrap(), "/");
        assert_eq!(return_to(Some("/chats?x=1")).unwrap(), "/chats?x=1");
    }
}
