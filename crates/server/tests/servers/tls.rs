//! Connections to `PostgreSQL` that are encrypted, and certificates that are checked.

use std::net::Ipv4Addr;

use semel_server::serve::ServeError;
use semel_services::{Authority, or_skip};

use super::place::{OwnPostgres, Server};

/// An address at which the server is as well, and which is in no certificate.
const UNNAMED: &str = "127.0.0.9";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_is_reached_over_tls_when_its_certificate_is_right_and_not_else() {
    let Some(postgres) = OwnPostgres::new() else {
        return;
    };
    let files = postgres.directory.path().join("certificates");
    let authority = |name| or_skip(Authority::make(&files, name));
    let (Some(right), Some(wrong)) = (authority("right"), authority("wrong")) else {
        return;
    };
    let (certificate, key) = right.sign(Ipv4Addr::LOCALHOST.into()).unwrap();
    let encrypted = [
        ("listen_addresses", format!("127.0.0.1,{UNNAMED}")),
        ("ssl", "on".to_owned()),
        ("ssl_cert_file", certificate.display().to_string()),
        ("ssl_key_file", key.display().to_string()),
    ];
    let encrypted: Vec<_> = encrypted.iter().map(|(a, b)| (*a, b.as_str())).collect();
    postgres.restart_with(&encrypted).unwrap();
    let port = postgres.address().port();
    let url = |host: &str, mode: &str, authority: &Authority| {
        let roots = authority.roots();
        let roots = roots.display();
        format!("postgres://semel@{host}:{port}/postgres?sslmode={mode}&sslrootcert={roots}")
    };
    for mode in ["require", "verify-full"] {
        let server = Server::start(&url("127.0.0.1", mode, &right), None).await;
        let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE ssl AND application_name LIKE 'semel%'";
        let count: u32 = postgres.sql(encrypted).unwrap().parse().unwrap();
        assert!(count >= 4, "{count} connections are encrypted");
        server.stop().await;
        for (host, authority) in [("127.0.0.1", &wrong), (UNNAMED, &right)] {
            let began = std::time::Instant::now();
            let started = Server::start_with(&url(host, mode, authority), None, |_| {}).await;
            let Err(ServeError::DatabaseServer { source, .. }) = started else {
                panic!("{mode} {host} {authority:?}: {:?}", started.err());
            };
            let chain = source.chain();
            assert!(
                chain.contains("certificate"),
                "{mode} {host} {authority:?}: {chain}"
            );
            assert!(began.elapsed().as_secs() < 20, "it was tried again in vain");
        }
    }
}
