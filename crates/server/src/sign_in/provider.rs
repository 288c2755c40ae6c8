//! `OpenID` providers: the code flow with PKCE, `state`, `nonce`, and the issuer looked at.
//!
//! Invariant: a person of a provider is its issuer and their subject there, never an e-mail address.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use semel_core::{
    Refusal,
    actions::sign_in::{
        Budget, ClaimChallenge, Proof, SignedIn, StartChallenge, VerifyProvider, is_same_hash,
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
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Egress, ProviderSettings, act,
    codes::{From, Linking, inside, new_session, random_id},
    egress::EgressError,
    problem, stranger,
};
use crate::{
    app::App,
    auth::{PublicKeys, signature_only, tidy_name},
};

/// As what is kept of a flow is sealed.
const SEALED_AS: &str = "provider flow";
/// Characters of an issuer and a subject together.
const SUBJECT_CHARACTERS_MAX: usize = 1_000;
/// How far a provider's clock may be off, in seconds.
const CLOCK_SECONDS_MAX: f64 = 60.0;

/// A provider, and what is known of it.
pub struct Provider {
    /// The settings.
    pub settings: ProviderSettings,
    found: RwLock<Option<Arc<Found>>>,
    keys: PublicKeys,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.settings.name)
    }
}

/// What a provider says of itself.
#[derive(Deserialize)]
struct Found {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

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

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

#[derive(Deserialize)]
struct IdClaims {
    iss: String,
    sub: String,
    aud: Value,
    #[serde(default)]
    azp: Option<String>,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Option<Value>,
}

/// Why a provider's answer does not count. The text is for the log.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}: {1}")]
    Egress(&'static str, EgressError),
    #[error("{0}")]
    Wrong(&'static str),
}

impl Provider {
    /// By settings.
    pub fn new(settings: ProviderSettings) -> Self {
        Self {
            settings,
            found: RwLock::default(),
            keys: PublicKeys::default(),
        }
    }

    async fn find(&self, egress: &Egress) -> Result<Arc<Found>, Failed> {
        let known = self
            .found
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(found) = known {
            return Ok(found);
        }
        let issuer = self.settings.issuer.as_str();
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let json = Egress::send(egress.client().get(url)).await;
        let json = json.map_err(|error| Failed::Egress("its configuration", error))?;
        let found: Found = serde_json::from_slice(&json)
            .map_err(|_| Failed::Wrong("its configuration is not that of a provider"))?;
        if found.issuer != issuer {
            return Err(Failed::Wrong("its configuration is that of another issuer"));
        }
        // A provider that is asked over TLS must not send anybody, nor any secret, past it.
        let is_safe = |url: &str| url.starts_with("https://") || !issuer.starts_with("https://");
        let all = [
            &found.authorization_endpoint,
            &found.token_endpoint,
            &found.jwks_uri,
        ];
        if !all.into_iter().all(|url| is_safe(url)) {
            return Err(Failed::Wrong(
                "its configuration names an address without TLS",
            ));
        }
        let found = Arc::new(found);
        *self.found.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&found));
        Ok(found)
    }

    /// Exchanges a code for what the provider says of the person.
    async fn exchange(
        &self,
        app: &App,
        found: &Found,
        flow: &Flow,
        code: &str,
    ) -> Result<Proof, Failed> {
        let egress = &app.sign_in().egress;
        let form = self.exchange_form(flow, code);
        let request = egress.client().post(&found.token_endpoint);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form);
        let json = Egress::send(request).await;
        let json = json.map_err(|error| Failed::Egress("the exchange of a code", error))?;
        let answer: TokenAnswer = serde_json::from_slice(&json)
            .map_err(|_| Failed::Wrong("the exchange of a code brought no id_token"))?;
        let claims = self.claims(egress, found, &answer.id_token).await?;
        self.proof(claims, &flow.nonce, app.clock.now())
    }

    fn exchange_form(&self, flow: &Flow, code: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &flow.redirect_uri),
            ("code_verifier", &flow.verifier),
            ("client_id", &self.settings.client_id),
        ]);
        if let Some(secret) = &self.settings.client_secret {
            form.append_pair("client_secret", secret.expose());
        }
        form.finish()
    }

    /// The claims of an ID token that one of the provider's keys signed.
    async fn claims(
        &self,
        egress: &Egress,
        found: &Found,
        token: &str,
    ) -> Result<IdClaims, Failed> {
        let header = jsonwebtoken::decode_header(token);
        let header = header.map_err(|_| Failed::Wrong("its id_token is no token"))?;
        let kid = header.kid.unwrap_or_default();
        if self.keys.find(&kid).is_none() {
            let json = Egress::send(egress.client().get(&found.jwks_uri)).await;
            let json = json.map_err(|error| Failed::Egress("its keys", error))?;
            self.keys.replace(&json);
        }
        let key = self.keys.find(&kid);
        let (algorithm, key) = key.ok_or(Failed::Wrong("its id_token is of an unknown key"))?;
        let data = jsonwebtoken::decode(token, &key, &signature_only(algorithm));
        data.map(|data| data.claims)
            .map_err(|_| Failed::Wrong("its id_token is not signed as it should be"))
    }

    /// What `OpenID` Connect Core, section 3.1.3.7, asks to be looked at.
    fn proof(&self, claims: IdClaims, nonce: &str, now: Timestamp) -> Result<Proof, Failed> {
        let client = self.settings.client_id.as_str();
        let (is_for_us, is_for_others) = match &claims.aud {
            Value::String(text) => (text == client, false),
            Value::Array(list) => {
                let is_us = |text: &Value| text.as_str() == Some(client);
                (list.iter().any(is_us), !list.iter().all(is_us))
            }
            _ => (false, false),
        };
        let azp = claims.azp.as_deref();
        if claims.iss != self.settings.issuer {
            return Err(Failed::Wrong("its id_token is of another issuer"));
        }
        if !is_for_us || azp.is_some_and(|azp| azp != client) || (is_for_others && azp.is_none()) {
            return Err(Failed::Wrong("its id_token is for somebody else"));
        }
        let ends_at = ((claims.exp + CLOCK_SECONDS_MAX) * 1_000.0) as i64;
        if ends_at <= now.0 {
            return Err(Failed::Wrong("its id_token has expired"));
        }
        let begins_at = claims
            .nbf
            .map(|nbf| ((nbf - CLOCK_SECONDS_MAX) * 1_000.0) as i64);
        if begins_at.is_some_and(|begins_at| begins_at > now.0) {
            return Err(Failed::Wrong("its id_token does not count yet"));
        }
        if claims.nonce.as_deref().map(digest_of) != Some(digest_of(nonce)) {
            return Err(Failed::Wrong("its id_token is of another sign-in (nonce)"));
        }
        let value = format!("{} {}", claims.iss, claims.sub);
        if claims.sub.is_empty() || value.chars().count() > SUBJECT_CHARACTERS_MAX {
            return Err(Failed::Wrong("its id_token names nobody"));
        }
        let label = claims.email.or_else(|| claims.name.clone());
        let label = label.as_deref().and_then(tidy_name);
        Ok(Proof {
            kind: IdentityKind::Oidc,
            label: label.unwrap_or_else(|| self.settings.name.clone()),
            name: claims.name.as_deref().and_then(tidy_name),
            is_verified: claims.email_verified == Some(Value::Bool(true)),
            value,
        })
    }
}

/// For a comparison whose time says nothing.
fn digest_of(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
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

    fn provider() -> Provider {
        Provider::new(ProviderSettings {
            name: "example".to_owned(),
            issuer: "https://id.example".to_owned(),
            client_id: "us".to_owned(),
            client_secret: None,
        })
    }

    fn check(change: &[(&str, Value)]) -> Result<Proof, Failed> {
        let mut claims = serde_json::json!({
            "iss": "https://id.example", "sub": "7", "aud": "us", "exp": 1_000, "nonce": "n",
            "email": "ann@example.org", "email_verified": true,
        });
        for (name, value) in change {
            claims[name] = value.clone();
        }
        provider().proof(
            serde_json::from_value(claims).unwrap(),
            "n",
            Timestamp(900_000),
        )
    }

    #[test]
    fn a_person_of_a_provider_is_issuer_and_subject() {
        let proof = check(&[]).unwrap();
        assert_eq!(proof.value, "https://id.example 7");
        assert!(proof.is_verified);
        let unsure = check(&[("email_verified", "true".into())]).unwrap();
        assert!(!unsure.is_verified, "only true is true");
        assert!(check(&[("aud", serde_json::json!(["us"]))]).is_ok());
        assert!(check(&[("nbf", 960.into())]).is_ok(), "clocks differ");
    }

    #[test]
    fn peer_cve_07_an_id_token_of_another_flow_is_refused() {
        for change in [
            ("iss", "https://id.example.evil".into()),
            ("aud", "them".into()),
            ("aud", serde_json::json!(["us", "them"])),
            ("azp", "them".into()),
            ("nonce", "m".into()),
            ("nonce", Value::Null),
            ("exp", 800.into()),
            ("nbf", 961.into()),
            ("sub", "".into()),
        ] {
            assert!(check(std::slice::from_ref(&change)).is_err(), "{change:?}");
        }
    }

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
