//! Exchanges a code for who somebody is.

use semel_core::{actions::sign_in::Proof, sign_in::IdentityKind};
use semel_protocol::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Failed, Flow, Provider, discovery::Found};
use crate::{
    app::App,
    auth::{signature_only, tidy_name},
    sign_in::Egress,
};

/// Characters of an issuer and a subject together.
const SUBJECT_CHARACTERS_MAX: usize = 1_000;
/// How far a provider's clock may be off, in seconds.
const CLOCK_SECONDS_MAX: f64 = 60.0;

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

impl Provider {
    /// Exchanges a code for what the provider says of the person.
    pub(super) async fn exchange(
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
        let (algorithm, key) = self.key(egress, found, &kid).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::ProviderSettings;

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
}
