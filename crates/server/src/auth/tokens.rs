//! Access tokens: JWT, HS256 and nothing else, signed with one secret.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use semel_core::{is_visible, ports::Clock, turns_text};
use semel_protocol::{Code, Problem, Timestamp, UserId, ids::UserIdError, limits};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

use super::{Caller, Scope, hs256};

/// Bytes of a token.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The value of the claim `scope` that makes an operator.
const OPERATOR: &str = "operator";

/// Signs and verifies access tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    clock: Arc<dyn Clock>,
}

/// What a token says. Other claims are ignored.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

#[derive(Deserialize)]
struct UnverifiedHeader {
    alg: String,
    #[serde(default, deserialize_with = "is_there")]
    kid: bool,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// Whatever the value is: `null` is there as well.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

#[derive(Serialize)]
struct NewClaims<'a> {
    sub: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
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
    /// Another algorithm than HS256, a `kid`, or extensions that must be understood (`crit`).
    #[error("the access token must be signed with HS256 and have no `kid`")]
    Algorithm,
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
        Problem::new(Code::Unauthenticated, self.to_string(), request_id)
    }
}

impl Tokens {
    /// Signs and verifies with one secret.
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Self {
        hs256::install();
        let encoding = EncodingKey::from_secret(secret);
        Self {
            encoding,
            decoding: DecodingKey::from_secret(secret),
            clock,
        }
    }

    /// A token for a caller.
    pub fn sign(&self, caller: &Caller) -> String {
        let claims = NewClaims {
            sub: caller.user_id.as_str(),
            exp: caller.expires_at.0.div_euclid(1_000),
            name: caller.name.as_deref(),
            scope: (caller.scope == Scope::Operator).then_some(OPERATOR),
        };
        encode(&claims, &self.encoding)
    }

    /// Reads a token, without `Bearer`.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let claims = self.claims(token)?;
        let now = self.clock.now();
        if millis(claims.exp) <= now.0 {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|from| millis(from) > now.0) {
            return Err(TokenError::NotYetValid);
        }
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
        })
    }

    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let header = header(token).ok_or(TokenError::Invalid)?;
        if header.alg != "HS256" || header.kid || header.crit {
            return Err(TokenError::Algorithm);
        }
        // Times are judged below, by the server's own clock.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let data = jsonwebtoken::decode(token, &self.decoding, &validation);
        data.map(|data| data.claims)
            .map_err(|_| TokenError::Invalid)
    }
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

fn encode(claims: &NewClaims<'_>, key: &EncodingKey) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, key)
        .expect("claims are plain JSON and the key is for HS256")
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0) as i64
}

/// A name that can be stored: a host application's token must not keep a person out for the sake of its name.
fn tidy_name(name: &str) -> Option<String> {
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
