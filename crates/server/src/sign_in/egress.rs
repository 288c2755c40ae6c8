//! The one way out to other hosts: with limits, and without following anybody elsewhere.

use std::{sync::OnceLock, time::Duration};

use reqwest::{Client, RequestBuilder, redirect::Policy};
use rustls::{ClientConfig, RootCertStore};

/// How long another host may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes of another host's answer.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Why another host did not answer as expected.
#[derive(Debug, thiserror::Error)]
pub(super) enum EgressError {
    /// It was not reached, or not in time.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("it answered {0}")]
    Status(u16),
    /// It said something else.
    #[error("its answer is not as expected: {0}")]
    Unexpected(&'static str),
}

/// The one way out. Made when it is first used.
#[derive(Debug, Default)]
pub struct Egress(OnceLock<Client>);

impl Egress {
    /// A client that follows no redirects: who is asked is who is named.
    pub(super) fn client(&self) -> &Client {
        self.0.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            let provider = rustls::crypto::ring::default_provider();
            let tls = ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .expect("ring knows TLS 1.2 and 1.3")
                .with_root_certificates(roots)
                .with_no_client_auth();
            Client::builder()
                .tls_backend_preconfigured(tls)
                .redirect(Policy::none())
                .timeout(ANSWER_MAX)
                .user_agent(concat!("semel/", env!("CARGO_PKG_VERSION")))
                .build()
                .expect("nothing of it depends on the machine")
        })
    }

    /// Sends a request; the body of a success.
    pub(super) async fn send(request: RequestBuilder) -> Result<Vec<u8>, EgressError> {
        // Without the address: it may hold a secret.
        let lost = |error: reqwest::Error| {
            let error = error.without_url();
            EgressError::Unreachable(error.to_string())
        };
        let mut answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(lost)? {
            if body.len() + part.len() > ANSWER_BYTES_MAX {
                return Err(EgressError::Unexpected("it is too large"));
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() {
            return Ok(body);
        }
        Err(EgressError::Status(status.as_u16()))
    }
}
