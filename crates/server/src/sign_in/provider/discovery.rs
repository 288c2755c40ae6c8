//! What a provider says of itself: where it is asked, and by which keys it signs.

use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::Failed;
use crate::{
    auth::PublicKeys,
    sign_in::{Egress, ProviderSettings},
};

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
pub(super) struct Found {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    jwks_uri: String,
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

    /// What it says of itself; asked for once.
    pub(super) async fn find(&self, egress: &Egress) -> Result<Arc<Found>, Failed> {
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

    /// The key of its by this name; asked for where it is not known.
    pub(super) async fn key(
        &self,
        egress: &Egress,
        found: &Found,
        kid: &str,
    ) -> Result<(Algorithm, DecodingKey), Failed> {
        if let Some(key) = self.keys.find(kid) {
            return Ok(key);
        }
        let json = Egress::send(egress.client().get(&found.jwks_uri)).await;
        let json = json.map_err(|error| Failed::Egress("its keys", error))?;
        self.keys.replace(&json);
        let key = self.keys.find(kid);
        key.ok_or(Failed::Wrong("its id_token is of an unknown key"))
    }
}
