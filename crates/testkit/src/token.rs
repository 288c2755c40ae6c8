//! Access tokens, signed as a host application signs its own.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::now;

/// The secret of every server that is started here.
pub const SECRET: &str = "a secret of tests and benchmarks, nothing else";

/// A token for a person, valid for 30 days: longer than any clock here jumps.
pub fn token(user: &str) -> String {
    token_for(user, 30 * 24 * 60 * 60)
}

/// The same for so many seconds from now on; one that has ended where they are negative.
///
/// # Panics
///
/// Never: every length of secret is a key.
pub fn token_for(user: &str, seconds: i64) -> String {
    let header = BASE64.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let expires = now().0 / 1_000 + seconds;
    let claims = BASE64.encode(serde_json::json!({ "sub": user, "exp": expires }).to_string());
    let signed = format!("{header}.{claims}");
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("every length is a key");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}
