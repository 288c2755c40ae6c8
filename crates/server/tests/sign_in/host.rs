//! Tokens of a host application.

use std::sync::Arc;

use axum::{Router, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::place::{Place, SECRET};

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of the application, signed with what it shares.
pub(crate) fn shared(claims: &Value) -> String {
    let message = format!("{}.{}", encode(&json!({"alg": "HS256"})), encode(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!(
        "{message}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_2_issuer_and_audience_of_a_host_application_are_looked_at_when_they_are_set() {
    let exp = 4_000_000_000_u64;
    let place = Place::new().await;
    let plain = shared(&json!({"sub": "user-id-1", "exp": exp}));
    place.get_as(&plain, "/api/users/me").await.data();
    let place = Place::with(&[("host_issuer", "core"), ("host_audience", "chat")]).await;
    for (claims, is_good) in [
        (
            json!({"sub": "a", "exp": exp, "iss": "core", "aud": "chat"}),
            true,
        ),
        (
            json!({"sub": "a", "exp": exp, "iss": "core", "aud": ["x", "chat"]}),
            true,
        ),
        (
            json!({"sub": "a", "exp": exp, "iss": "core", "aud": "x"}),
            false,
        ),
        (
            json!({"sub": "a", "exp": exp, "iss": "x", "aud": "chat"}),
            false,
        ),
        (json!({"sub": "a", "exp": exp}), false),
    ] {
        let answer = place.get_as(&shared(&claims), "/api/users/me").await;
        if is_good {
            assert_eq!(answer.data()["user"]["user_id"], "a");
        } else {
            answer.problem("unauthenticated");
        }
    }
    // Whom a host application knows signs in there, not here.
    let good = shared(&json!({"sub": "a", "exp": exp, "iss": "core", "aud": "chat"}));
    let link = json!({"kind": "phone", "to": "+493012345678", "purpose": "link"});
    place
        .post_as(&good, "/api/auth/challenges", link)
        .await
        .problem("forbidden");
}

struct Key {
    pair: EcdsaKeyPair,
    kid: &'static str,
}

impl Key {
    fn new(kid: &'static str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { pair, kid }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig",
            "x": part(&point[1..33]), "y": part(&point[33..])})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid});
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message.as_bytes())
            .unwrap();
        format!(
            "{message}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref())
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_13_a_host_application_may_publish_its_keys_and_change_them() {
    let (one, two, strange) = (Key::new("one"), Key::new("two"), Key::new("two"));
    let set = Arc::new(std::sync::Mutex::new(json!({"keys": [one.public()]})));
    let shown = Arc::clone(&set);
    let router = Router::new().route("/", get(async move || shown.lock().unwrap().to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let place = Place::with(&[("host_jwks_url", &url)]).await;
    let claims = json!({"sub": "ann", "exp": 4_000_000_000_u64});
    let me = place.get_as(&one.sign(&claims), "/api/users/me").await;
    assert_eq!(me.data()["user"]["user_id"], "ann");
    place
        .get_as(&strange.sign(&claims), "/api/users/me")
        .await
        .problem("unauthenticated");
    *set.lock().unwrap() = json!({"keys": [one.public(), two.public()]});
    // Unknown names are looked for every few seconds, whoever makes them up.
    let started = tokio::time::Instant::now();
    loop {
        let answer = place.get_as(&two.sign(&claims), "/api/users/me").await;
        if answer.status.is_success() {
            break;
        }
        assert!(started.elapsed().as_secs() < 20, "{answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    place
        .get_as(&strange.sign(&claims), "/api/users/me")
        .await
        .problem("unauthenticated");
    // The shared secret counts beside it, without a name.
    place.get_as(&shared(&claims), "/api/users/me").await.data();
    task.abort();
}
