//! What is asked of the tokens of a host application, and the keys that it publishes.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

/// Keys of one set that are read.
const KEYS_MAX: usize = 100;

/// What is asked of the tokens of a host application.
#[derive(Debug, Default)]
pub struct HostPolicy {
    /// What `iss` must be, if it must be anything.
    pub issuer: Option<String>,
    /// What `aud` must be or have, if it must be anything.
    pub audience: Option<String>,
    /// Who counts as verified.
    pub verified: Verified,
    /// Where its keys are, if it publishes any.
    pub keys_url: Option<String>,
    /// The keys that are known.
    pub keys: PublicKeys,
}

/// Who of a host application's people counts as verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verified {
    /// Nobody.
    #[default]
    Nobody,
    /// Everybody.
    Everybody,
    /// Whose token has `email_verified` or `phone_number_verified`.
    AsTold,
}

impl Verified {
    pub(super) fn holds(self, says: bool) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::AsTold => says,
        }
    }
}

/// A key that was looked for.
pub(super) enum HostKey {
    Known(Algorithm, DecodingKey),
    Unknown,
}

impl HostPolicy {
    pub(super) fn key(&self, kid: &str) -> HostKey {
        self.keys
            .find(kid)
            .map_or(HostKey::Unknown, |(algorithm, key)| {
                HostKey::Known(algorithm, key)
            })
    }
}

/// Public keys by `kid`, each for one algorithm.
#[derive(Default)]
pub struct PublicKeys(RwLock<HashMap<String, (Algorithm, DecodingKey)>>);

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublicKeys")
    }
}

impl PublicKeys {
    /// Takes a set as it was published; says how many of its keys are of use. None if it is no set.
    pub fn replace(&self, json: &[u8]) -> Option<usize> {
        let set: JwkSet = serde_json::from_slice(json).ok()?;
        let keys: HashMap<_, _> = set.keys.iter().take(KEYS_MAX).filter_map(read).collect();
        let count = keys.len();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Some(count)
    }

    /// The key with a name. A name that is left out stands for the only key.
    pub fn find(&self, kid: &str) -> Option<(Algorithm, DecodingKey)> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(kid).cloned()
    }
}

/// A key for signatures with a name. Secrets among them are no keys of ours: anybody who reads the set would have them.
fn read(jwk: &Jwk) -> Option<(String, (Algorithm, DecodingKey))> {
    let name = jwk.common.key_id.clone()?;
    if !matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    ) {
        return None;
    }
    let said = jwk.common.key_algorithm;
    let algorithm = match (&jwk.algorithm, said) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS512)) => Algorithm::RS512,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
        (AlgorithmParameters::EllipticCurve(key), _) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        (AlgorithmParameters::EllipticCurve(key), _) if key.curve == EllipticCurve::P384 => {
            Algorithm::ES384
        }
        (AlgorithmParameters::OctetKeyPair(key), _) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let key = match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => rsa(&key.n, &key.e)?,
        _ => DecodingKey::from_jwk(jwk).ok()?,
    };
    Some((name, (algorithm, key)))
}

/// An RSA key as DER (`RSAPublicKey` of RFC 8017): the form of it that a `CryptoProvider` of others can read.
fn rsa(modulus: &str, exponent: &str) -> Option<DecodingKey> {
    let part = |text: &str| Some(integer(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?));
    let parts = [part(modulus)?, part(exponent)?].concat();
    Some(DecodingKey::from_rsa_der(&tagged(SEQUENCE, &parts)))
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// A number that is not negative.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0);
    let significant = &bytes[start.unwrap_or(bytes.len())..];
    // With its highest bit set it would be negative.
    let is_high = significant.first().is_none_or(|byte| byte & 0x80 != 0);
    let padding: &[u8] = if is_high { &[0] } else { &[] };
    tagged(INTEGER, &[padding, significant].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let bytes = length.to_be_bytes();
    let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(length as u8);
    } else {
        der.push(0x80 | (bytes.len() - skipped) as u8);
        der.extend_from_slice(&bytes[skipped..]);
    }
    der.extend_from_slice(content);
    der
}
