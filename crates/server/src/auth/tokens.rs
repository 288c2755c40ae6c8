//! Access tokens: those that this server signs with its own keys (Ed25519, by `kid`), and those of a host application, signed with
//! a shared secret (HS256, no `kid`) or with the keys that it publishes.
//!
//! Invariant: which keys and which one algorithm count follows from `kid`, before anything else in the token is read.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use semel_core::{is_visible, ports::Clock, turns_text};
use semel_protocol::{
    Code, Problem, SessionId, Timestamp, UserId, ids::UserIdError, limits,
    limits::ACCESS_TOKEN_MINUTES,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Caller, HostPolicy, OwnKeys, Scope, Secrets, cryptography, host::HostKey};

/// Bytes of a token.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The value of the claim `scope` that makes an operator.
const OPERATOR: &str = "operator";
/// `iss` and `aud` of tokens that are signed here.
const OWN: &str = "semel";
/// `typ` of tokens that are signed here (RFC 9068).
const OWN_TYPE: &str = "at+jwt";

/// Signs and verifies access tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    clock: Arc<dyn Clock>,
    own: Arc<OwnKeys>,
    host: Arc<HostPolicy>,
    secrets: Arc<Secrets>,
}

/// What a token says. Other claims are ignored.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    iss: Option<Value>,
    #[serde(default)]
    aud: Option<Value>,
    #[serde(default)]
    sid: Option<SessionId>,
    #[serde(default)]
    is_verified: bool,
    #[serde(default)]
    email_verified: Option<Value>,
    #[serde(default)]
    phone_number_verified: Option<Value>,
}

#[derive(Deserialize)]
struct UnverifiedHeader {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    /// `null` is there as well.
    #[serde(default, deserialize_with = "is_there")]
    kid: Option<Value>,
    #[serde(default, deserialize_with = "is_there")]
    crit: Option<Value>,
}

/// Whatever the value is.
fn is_there<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

#[derive(Serialize)]
struct HostClaims<'a> {
    sub: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

#[derive(Serialize)]
struct OwnClaims<'a> {
    iss: &'static str,
    aud: &'static str,
    sub: &'a str,
    sid: SessionId,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    is_verified: bool,
}

/// For whom a token of a sign-in is.
#[derive(Clone, Copy, Debug)]
pub struct SignedInAs<'a> {
    /// Who.
    pub user_id: &'a UserId,
    /// Which sign-in.
    pub session_id: SessionId,
    /// What else it allows.
    pub scope: Scope,
    /// Whether a number or an address was shown to be theirs.
    pub is_verified: bool,
}

/// Why a token does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None was sent.
    #[error("send `Authorization: Bearer` and an access token")]
    Missing,
    /// Not a JWT with the claims `sub` and `exp`, or not signed with this server's secret.
    #[error("the access token is not one of this server's")]
    Invalid,
    /// Another algorithm than that of its key, or extensions that must be understood (`crit`).
    #[error(
        "the access token must be signed with HS256 and have no `kid`, or with a key that is known by its `kid`"
    )]
    Algorithm,
    /// A key with this `kid` is not known: perhaps it is new.
    #[error("the key of the access token is not known")]
    UnknownKey,
    /// `iss` or `aud` is not what the settings say.
    #[error("the access token is of another issuer, or for somebody else")]
    NotForUs,
    /// The sign-in that it is of was ended.
    #[error("this sign-in was ended; sign in again")]
    Revoked,
    /// It was valid once.
    #[error("the access token has expired")]
    Expired,
    /// It will be valid.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// `sub` is no user id.
    #[error("the access token's `sub` is no user id: {0}")]
    Subject(UserIdError),
}

impl TokenError {
    /// As the caller is told.
    pub fn problem(self, request_id: &str) -> Problem {
        let code = match self {
            Self::Revoked => Code::SessionRevoked,
            _ => Code::Unauthenticated,
        };
        Problem::new(code, self.to_string(), request_id)
    }
}

impl Tokens {
    /// Signs and verifies with one secret that a host application has as well, and with keys of its own, which follow.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Self {
        Self::with_host(secret, clock, HostPolicy::default())
    }

    /// The same with more to ask of a host application's tokens.
    pub fn with_host(secret: &[u8], clock: Arc<dyn Clock>, host: HostPolicy) -> Self {
        cryptography::install();
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            clock,
            own: Arc::default(),
            host: Arc::new(host),
            secrets: Arc::new(Secrets::new(secret)),
        }
    }

    /// What follows from the secret.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The keys that sign.
    pub fn own_keys(&self) -> &OwnKeys {
        &self.own
    }

    /// What is asked of a host application's tokens.
    pub fn host(&self) -> &HostPolicy {
        &self.host
    }

    /// A token for a caller, as a host application makes it: signed with the shared secret.
    ///
    /// # Panics
    /// Never: claims are plain JSON.
    pub fn sign(&self, caller: &Caller) -> String {
        let claims = HostClaims {
            sub: caller.user_id.as_str(),
            exp: caller.expires_at.0.div_euclid(1_000),
            name: caller.name.as_deref(),
            scope: (caller.scope == Scope::Operator).then_some(OPERATOR),
            iss: self.host.issuer.as_deref(),
            aud: self.host.audience.as_deref(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .expect("claims are plain JSON and the key is for HS256")
    }

    /// A token of a sign-in, and until when it counts; none while there is no key.
    pub fn sign_in(&self, who: SignedInAs<'_>) -> Option<(String, Timestamp)> {
        let now = self.clock.now();
        let (name, key) = self.own.signing(now)?;
        let expires_at = now.0.div_euclid(1_000) + ACCESS_TOKEN_MINUTES * 60;
        let claims = OwnClaims {
            iss: OWN,
            aud: OWN,
            sub: who.user_id.as_str(),
            sid: who.session_id,
            iat: now.0.div_euclid(1_000),
            exp: expires_at,
            scope: (who.scope == Scope::Operator).then_some(OPERATOR),
            is_verified: who.is_verified,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(OWN_TYPE.to_owned());
        header.kid = Some(name);
        let token = jsonwebtoken::encode(&header, &claims, &key).ok()?;
        Some((token, Timestamp(expires_at * 1_000)))
    }

    /// Reads a token, without `Bearer`.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let now = self.clock.now();
        let (claims, is_own) = self.claims(token, now)?;
        if millis(claims.exp) <= now.0 {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|from| millis(from) > now.0) {
            return Err(TokenError::NotYetValid);
        }
        let is_verified = if is_own {
            let is_ours = names(claims.iss.as_ref(), OWN) && names(claims.aud.as_ref(), OWN);
            if !is_ours || claims.sid.is_none() {
                return Err(TokenError::Invalid);
            }
            claims.is_verified
        } else {
            let is_named = |wanted: &Option<String>, found: Option<&Value>| {
                wanted.as_deref().is_none_or(|wanted| names(found, wanted))
            };
            if !is_named(&self.host.issuer, claims.iss.as_ref())
                || !is_named(&self.host.audience, claims.aud.as_ref())
            {
                return Err(TokenError::NotForUs);
            }
            let says = [&claims.email_verified, &claims.phone_number_verified];
            let says = says.iter().any(|claim| **claim == Some(Value::Bool(true)));
            self.host.verified.holds(says)
        };
        let is_operator = |scope: String| scope.split(' ').any(|word| word == OPERATOR);
        Ok(Caller {
            user_id: UserId::parse(&claims.sub).map_err(TokenError::Subject)?,
            name: claims.name.as_deref().and_then(tidy_name),
            scope: if claims.scope.is_some_and(is_operator) {
                Scope::Operator
            } else {
                Scope::Person
            },
            expires_at: Timestamp(millis(claims.exp)),
            session_id: claims.sid.filter(|_| is_own),
            is_verified,
        })
    }

    /// The claims, and whether this server signed them.
    fn claims(&self, token: &str, now: Timestamp) -> Result<(Claims, bool), TokenError> {
        let header = header(token).ok_or(TokenError::Invalid)?;
        if header.crit.is_some() {
            return Err(TokenError::Algorithm);
        }
        let Some(kid) = &header.kid else {
            let claims = decode(token, &header, Algorithm::HS256, &self.decoding)?;
            return Ok((claims, false));
        };
        let kid = kid.as_str().ok_or(TokenError::Algorithm)?;
        if let Some(key) = self.own.find(kid, now) {
            if header.typ.as_deref() != Some(OWN_TYPE) {
                return Err(TokenError::Invalid);
            }
            return Ok((decode(token, &header, Algorithm::EdDSA, &key)?, true));
        }
        match self.host.key(kid) {
            HostKey::Known(algorithm, key) => Ok((decode(token, &header, algorithm, &key)?, false)),
            HostKey::Unknown if header.alg == "HS256" => Err(TokenError::Algorithm),
            HostKey::Unknown => Err(TokenError::UnknownKey),
        }
    }
}

/// Whether a claim is a text, or has it in its list.
fn names(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(list)) => list.iter().any(|text| text.as_str() == Some(wanted)),
        _ => false,
    }
}

/// Reads a token that must be signed with this key and this algorithm.
fn decode(
    token: &str,
    header: &UnverifiedHeader,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<Claims, TokenError> {
    if header.alg.parse::<Algorithm>().ok() != Some(algorithm) {
        return Err(TokenError::Algorithm);
    }
    let data = jsonwebtoken::decode(token, key, &signature_only(algorithm));
    data.map(|data| data.claims)
        .map_err(|_| TokenError::Invalid)
}

/// Times and names are judged by the caller, by the server's own clock.
pub(crate) fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// The header, not verified yet: only to say what is wrong with it.
fn header(token: &str) -> Option<UnverifiedHeader> {
    let header = BASE64_URL_SAFE_NO_PAD
        .decode(token.split('.').next()?)
        .ok()?;
    serde_json::from_slice(&header).ok()
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0) as i64
}

/// A name that can be stored: a host application's token must not keep a person out for the sake of its name.
pub(crate) fn tidy_name(name: &str) -> Option<String> {
    let visible = name
        .chars()
        .filter(|character| !character.is_control() && !turns_text(*character))
        .collect::<String>();
    let short = visible
        .trim()
        .chars()
        .take(limits::NAME_CHARACTERS_MAX)
        .collect::<String>();
    let name = short.trim_end();
    name.chars().any(is_visible).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
