//! TLS to the database server, as the address asks for it.

use std::{fs, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// How connections are kept from others.
#[derive(Clone)]
pub(super) enum Tls {
    /// Not at all.
    None(NoTls),
    /// With TLS, and the certificate checked against the name.
    Rustls(MakeRustlsConnect),
}

/// What an address says of TLS in words that the library does not know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    mode: Option<SslMode>,
    names_mode: bool,
    roots: Option<PathBuf>,
}

/// Takes `sslrootcert` and the modes of `sslmode` that check certificates out of an address. With TLS the certificate is
/// always checked, so they mean no more than `require` here.
pub(super) fn split(url: &str) -> Result<(String, Parameters), Error> {
    let mut parameters = Parameters::default();
    let Some((front, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), parameters));
    };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", "verify-full")) => {
                parameters.mode = Some(SslMode::Require);
                parameters.names_mode = true;
            }
            Some(("sslmode", "verify-ca")) => {
                return Err(Error::Unusable(
                    "the database's address has sslmode=verify-ca; verify-full is as easy and safer".to_owned(),
                ));
            }
            Some(("sslrootcert", path)) => parameters.roots = Some(PathBuf::from(path)),
            _ => {
                parameters.names_mode |= pair.starts_with("sslmode=");
                kept.push(pair);
            }
        }
    }
    let query = kept.join("&");
    let url = if query.is_empty() {
        front.to_owned()
    } else {
        format!("{front}?{query}")
    };
    Ok((url, parameters))
}

impl Parameters {
    /// Sets the mode. An address that does not speak of it has TLS, unless nothing leaves the machine.
    pub(super) fn apply(&self, config: &mut Config) {
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => name == "localhost" || name.starts_with("127.") || name == "::1",
            Host::Unix(_) => true,
        };
        if let Some(mode) = self.mode {
            config.ssl_mode(mode);
        } else if !self.names_mode {
            let is_local = config.get_hosts().iter().all(is_local);
            config.ssl_mode(if is_local {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
    }
}

impl Tls {
    pub(super) fn new(parameters: &Parameters, is_wanted: bool) -> Result<Self, Error> {
        if !is_wanted {
            return match parameters.roots {
                None => Ok(Self::None(NoTls)),
                // Whoever names it believes that it protects something.
                Some(_) => Err(Error::Unusable(
                    "the database's address has sslrootcert, but connections to it are not encrypted, as on this machine they \
                     are not by themselves: add sslmode=require, or leave sslrootcert out"
                        .to_owned(),
                )),
            };
        }
        let roots = roots(parameters)?;
        let unusable =
            |error: rustls::Error| Error::Unusable(format!("TLS cannot be used: {error}"));
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::Rustls(MakeRustlsConnect::new(config)))
    }
}

/// Whom to trust: the file that is named, else what the machine trusts.
fn roots(parameters: &Parameters) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let Some(path) = &parameters.roots else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return Ok(roots);
    };
    let pem = fs::read(path).map_err(Error::io("read the certificates in", path))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let bad = || Error::Unusable(format!("{} has no valid certificate", path.display()));
        roots
            .add(certificate.map_err(|_| bad())?)
            .map_err(|_| bad())?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_certificates_and_ask_for_checks() {
        let (url, parameters) =
            split("postgres://a@b/c?sslmode=verify-full&connect_timeout=3&sslrootcert=/ca.pem")
                .unwrap();
        assert_eq!(url, "postgres://a@b/c?connect_timeout=3");
        assert_eq!(parameters.mode, Some(SslMode::Require));
        assert_eq!(parameters.roots, Some(PathBuf::from("/ca.pem")));
        let (url, parameters) = split("postgres://a@b/c").unwrap();
        assert_eq!(
            (url.as_str(), parameters),
            ("postgres://a@b/c", Parameters::default())
        );
        assert!(split("postgres://a@b/c?sslmode=verify-ca").is_err());
    }

    #[test]
    fn certificates_that_would_not_be_looked_at_are_refused() {
        let refusal = |url: &str| {
            let told = url.parse::<super::super::Address>().unwrap_err();
            told.to_string()
        };
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let told = refusal(&format!("postgres://a@{host}/c?sslrootcert=/none.pem"));
            assert!(told.contains("add sslmode=require"), "{told}");
        }
        let told = refusal("postgres://a@b/c?sslmode=disable&sslrootcert=/none.pem");
        assert!(told.contains("add sslmode=require"), "{told}");
        // Where they are looked at, the file has to be there.
        for url in [
            "postgres://a@b/c?sslrootcert=/none.pem",
            "postgres://a@localhost/c?sslmode=require&sslrootcert=/none.pem",
        ] {
            let told = refusal(url);
            assert!(told.contains("/none.pem"), "{told}");
        }
        assert!(
            "postgres://a@localhost/c"
                .parse::<super::super::Address>()
                .is_ok()
        );
    }
}
