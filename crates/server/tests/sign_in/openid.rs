//! An `OpenID` provider that the test runs: a real HTTP server with a key pair of its own. A code of its counts once, and for
//! whoever has the verifier of the flow that it was given for.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, Uri},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use semel_core::ports::Clock;
use semel_server::world::SystemClock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    net::TcpListener,
    sync::{OwnedRwLockWriteGuard, RwLock},
    task::JoinHandle,
};

/// How the provider's answer is signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Signed {
    Well,
    /// By a key of somebody else, under the name of the provider's.
    ByAnother,
    /// By a key of somebody else, which the token itself brings.
    ByItsOwn,
    /// Not at all, and it says so.
    Not,
    /// Well, and then it was changed.
    ThenChanged,
    /// As if the public key were a shared secret.
    WithThePublicKey,
}

/// What a code was given for.
struct Grant {
    /// The query of the browser that came.
    asked: HashMap<String, String>,
    who: String,
    signed: Signed,
}

struct Inside {
    issuer: String,
    key: Ed25519KeyPair,
    other: Ed25519KeyPair,
    grants: Mutex<HashMap<String, Grant>>,
    given: AtomicUsize,
    exchanges: AtomicUsize,
    gate: Arc<RwLock<()>>,
}

/// The provider, on a free port of this machine.
pub(crate) struct Provider {
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = Arc::new(Inside {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: key(),
            other: key(),
            grants: Mutex::default(),
            given: AtomicUsize::new(0),
            exchanges: AtomicUsize::new(0),
            gate: Arc::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&inside));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { inside, task }
    }

    /// As the settings name it.
    pub(crate) fn setting(&self) -> String {
        format!("example {} client secret", self.inside.issuer)
    }

    /// How often a code was exchanged, or tried to be.
    pub(crate) fn exchanges(&self) -> usize {
        self.inside.exchanges.load(Ordering::SeqCst)
    }

    /// From now on, and until this is dropped, it keeps those waiting who exchange codes.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.inside.gate).write_owned().await
    }

    /// A browser comes to the address that it was given, and this person signs in there: the path by which it goes back.
    pub(crate) fn visit(&self, authorization_url: &str, who: &str, signed: Signed) -> String {
        let address: Uri = authorization_url.parse().unwrap();
        let query = address.query().unwrap().as_bytes();
        let asked: HashMap<_, _> = form_urlencoded::parse(query).into_owned().collect();
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = format!("code-{}", self.inside.given.fetch_add(1, Ordering::SeqCst));
        let callback: Uri = asked["redirect_uri"].parse().unwrap();
        let path = format!("{}?code={code}&state={}", callback.path(), asked["state"]);
        let grant = Grant {
            asked,
            who: who.to_owned(),
            signed,
        };
        self.inside.grants.lock().unwrap().insert(code, grant);
        path
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inside {
    fn id_token(&self, grant: &Grant) -> String {
        let now = SystemClock.now().0 / 1_000;
        let claims = |sub: &str| {
            let claims = json!({
                "iss": self.issuer, "sub": sub, "aud": "client", "nonce": grant.asked["nonce"],
                "iat": now, "exp": now + 300, "name": "Ann",
            });
            encode(claims.to_string())
        };
        let mut header = json!({"alg": "EdDSA", "kid": "first", "typ": "JWT"});
        match grant.signed {
            Signed::Not => header["alg"] = json!("none"),
            Signed::WithThePublicKey => header["alg"] = json!("HS256"),
            Signed::ByItsOwn => {
                header["kid"] = json!("second");
                header["jwk"] = jwk(&self.other);
            }
            _ => {}
        }
        let header = encode(header.to_string());
        let text = format!("{header}.{}", claims(&grant.who));
        let signature = match grant.signed {
            Signed::Well | Signed::ThenChanged => encode(self.key.sign(text.as_bytes())),
            Signed::ByAnother | Signed::ByItsOwn => encode(self.other.sign(text.as_bytes())),
            Signed::Not => String::new(),
            Signed::WithThePublicKey => {
                let secret = self.key.public_key().as_ref();
                let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
                encode(hmac::sign(&secret, text.as_bytes()))
            }
        };
        match grant.signed {
            Signed::ThenChanged => format!("{header}.{}.{signature}", claims("mallory")),
            _ => format!("{text}.{signature}"),
        }
    }
}

fn key() -> Ed25519KeyPair {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(key: &Ed25519KeyPair) -> Value {
    let x = encode(key.public_key());
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "first", "use": "sig", "alg": "EdDSA", "x": x})
}

async fn configuration(State(inside): State<Arc<Inside>>) -> Json<Value> {
    let issuer = &inside.issuer;
    Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
    }))
}

async fn keys(State(inside): State<Arc<Inside>>) -> Json<Value> {
    Json(json!({"keys": [jwk(&inside.key)]}))
}

async fn token(State(inside): State<Arc<Inside>>, body: String) -> (StatusCode, Json<Value>) {
    let form = form_urlencoded::parse(body.as_bytes()).into_owned();
    let form: HashMap<_, _> = form.collect();
    inside.exchanges.fetch_add(1, Ordering::SeqCst);
    drop(inside.gate.read().await);
    let grant = inside.grants.lock().unwrap().remove(&form["code"]);
    let challenge = encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let is_its = |grant: &Grant| {
        grant.asked["code_challenge"] == challenge
            && grant.asked["redirect_uri"] == form["redirect_uri"]
            && form["client_secret"] == "secret"
    };
    match grant.filter(is_its) {
        Some(grant) => {
            let token = inside.id_token(&grant);
            let answer = json!({"access_token": "x", "token_type": "Bearer", "id_token": token});
            (StatusCode::OK, Json(answer))
        }
        None => (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant"})),
        ),
    }
}
