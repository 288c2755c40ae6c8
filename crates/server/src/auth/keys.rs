//! The keys with which this database's servers sign access tokens.

use std::sync::{PoisonError, RwLock};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use semel_core::sign_in::SigningKeyRow;
use semel_protocol::Timestamp;
use serde_json::{Value, json};

use super::Secrets;

/// As what private keys are sealed.
pub(crate) const SEALED_AS: &str = "signing key";

/// The keys that are known, oldest first.
#[derive(Default)]
pub struct OwnKeys(RwLock<Vec<OwnKey>>);

#[derive(Clone)]
struct OwnKey {
    name: String,
    public: Vec<u8>,
    decoding: DecodingKey,
    /// None when it was sealed with another secret.
    encoding: Option<EncodingKey>,
    signs_until: Timestamp,
    expires_at: Timestamp,
}

impl std::fmt::Debug for OwnKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnKeys")
    }
}

impl OwnKeys {
    /// Takes what the database has.
    pub fn replace(&self, rows: Vec<(String, SigningKeyRow)>, secrets: &Secrets) {
        let mut keys: Vec<_> = rows
            .into_iter()
            .map(|(name, row)| (row.created_at, key(name, &row, secrets)))
            .collect();
        keys.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The key with a name that counts still.
    pub(super) fn find(&self, name: &str, now: Timestamp) -> Option<DecodingKey> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys
            .iter()
            .find(|key| key.name == name && now < key.expires_at)?;
        Some(key.decoding.clone())
    }

    /// The key to sign with: the oldest that signs, so that every server knows it by now.
    pub(super) fn signing(&self, now: Timestamp) -> Option<(String, EncodingKey)> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut signing = keys.iter().filter(|key| now < key.signs_until);
        signing.find_map(|key| Some((key.name.clone(), key.encoding.clone()?)))
    }

    /// Until when there is a key to sign with.
    pub fn signs_until(&self) -> Option<Timestamp> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let own = keys.iter().filter(|key| key.encoding.is_some());
        own.map(|key| key.signs_until).max()
    }

    /// Whether servers with another secret have a key to sign with.
    pub fn others_sign(&self, now: Timestamp) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter()
            .any(|key| key.encoding.is_none() && now < key.signs_until)
    }

    /// The public halves, for everybody (RFC 7517).
    pub fn public_set(&self, now: Timestamp) -> Value {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let public = |key: &OwnKey| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": key.name, "x": BASE64_URL_SAFE_NO_PAD.encode(&key.public),
            })
        };
        let known = keys.iter().filter(|key| now < key.expires_at);
        json!({"keys": known.map(public).collect::<Vec<_>>()})
    }
}

fn key(name: String, row: &SigningKeyRow, secrets: &Secrets) -> OwnKey {
    let private = secrets.open(SEALED_AS, &row.sealed);
    OwnKey {
        name,
        public: row.public.clone(),
        decoding: DecodingKey::from_ed_der(&row.public),
        encoding: private.map(|pkcs8| EncodingKey::from_ed_der(&pkcs8)),
        signs_until: row.signs_until,
        expires_at: row.expires_at,
    }
}
