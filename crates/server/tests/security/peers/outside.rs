//! What this server asks of others, where it listens, and what it is made of.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::any};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use super::raw;
use crate::place::{Place, send};

/// A host inside, which counts who asks it.
async fn inside() -> (String, Arc<AtomicUsize>) {
    let count = Arc::<AtomicUsize>::default();
    let counted = |State(count): State<Arc<AtomicUsize>>| async move {
        count.fetch_add(1, Ordering::SeqCst);
        StatusCode::OK
    };
    let router = Router::new()
        .fallback(any(counted))
        .with_state(count.clone());
    (serve(router).await, count)
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Synapse CVE-2023-32683 and Mattermost CVE-2026-96259: an address that another host named was asked, wherever it was.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_09_25_nobody_leads_this_server_to_another_host() {
    let (internal, count) = inside().await;
    let elsewhere = internal.clone();
    let redirect =
        move || async move { (StatusCode::FOUND, [(header::LOCATION, elsewhere)]).into_response() };
    let redirects = serve(Router::new().fallback(any(redirect))).await;
    // The other one says of itself that it is somebody else, inside.
    let named = internal.clone();
    let description = move || async move {
        let json = json!({
            "issuer": named, "authorization_endpoint": format!("{named}/a"),
            "token_endpoint": format!("{named}/t"), "jwks_uri": format!("{named}/k"),
        });
        (
            [(header::CONTENT_TYPE, "application/json")],
            json.to_string(),
        )
    };
    let pretends = serve(Router::new().fallback(any(description))).await;
    for issuer in [redirects, pretends] {
        let providers = format!("evil {issuer} client secret");
        let own = "https://chat.example";
        let settings = [("oidc_providers", providers.as_str()), ("public_url", own)];
        let place = Place::with(&settings).await;
        let call = place.call(Method::POST, "/api/auth/providers/evil/start");
        let call = call.header("origin", own).json(&json!({"return_to": "/"}));
        let answer = send(call).await;
        answer.problem("sign_in_failed");
        let text = answer.json.to_string();
        assert!(
            !text.contains(&internal),
            "what is inside is not told: {text}"
        );
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "the host inside was asked");
}

/// Zulip CVE-2021-43799: the port of an internal service was open to everybody.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_36_what_is_for_operators_listens_on_this_machine_only() {
    let place = Place::with(&[("metrics_listen", "auto")]).await;
    let metrics = place.server.metrics_address.unwrap();
    assert!(metrics.ip().is_loopback());
    let defaults = &place.server.config().listen;
    assert!(IpAddr::is_loopback(&defaults.ip()));
    let seen = reqwest::get(format!("http://{metrics}/metrics"))
        .await
        .unwrap();
    assert_eq!(seen.status(), StatusCode::OK);
    for path in [
        "/metrics",
        "/metrics/",
        "/debug",
        "/admin",
        "/server-status",
        "/.env",
    ] {
        let answer = send(place.call(Method::GET, path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// The version of a package in the lockfile, if this server is made of it.
fn locked(name: &str) -> Vec<(u64, u64, u64)> {
    let lock = include_str!("../../../../../Cargo.lock");
    let start = format!("[[package]]\nname = \"{name}\"\nversion = \"");
    let versions = lock.split(&start).skip(1).map(|rest| {
        let version = rest.split('"').next().unwrap();
        let plain = version.split(['-', '+']).next().unwrap();
        let mut parts = plain.split('.').map(|part| part.parse().unwrap());
        let mut next = || parts.next().unwrap();
        (next(), next(), next())
    });
    versions.collect()
}

/// What servers in Rust were hit by: header floods, continuation floods, parameters that wrap around.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_44_defects_of_dependencies_are_mended_or_not_there() {
    for (name, mended) in [
        ("tungstenite", (0, 20, 1)),
        ("rustls", (0, 23, 5)),
        ("idna", (1, 0, 0)),
        // 3.39.2 of SQLite itself is older than all of these.
        ("libsqlite3-sys", (0, 25, 0)),
        ("hyper", (1, 0, 0)),
        ("ring", (0, 17, 12)),
        ("tokio", (1, 44, 2)),
    ] {
        let found = locked(name);
        assert!(
            !found.is_empty(),
            "{name} is not used any more: take its line out"
        );
        assert!(
            found.iter().all(|version| *version >= mended),
            "{name} {found:?}"
        );
    }
    for absent in [
        "comrak",
        "ammonia",
        "openssl",
        "openssl-sys",
        "sqlx",
        "libwebp-sys",
    ] {
        assert_eq!(locked(absent), [], "{absent}");
    }
    // RUSTSEC-2024-0332: without HTTP/2 there is no flood of CONTINUATION frames.
    let place = Place::new().await;
    let preface = raw(&place, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(
        !preface.contains("HTTP/2") && !preface.contains(" 200 "),
        "{preface}"
    );
    // CVE-2023-43669: a head without end is not read on.
    let mut head = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\n".to_vec();
    for n in 0..100_000 {
        head.extend(format!("x-{n}: {n}\r\n").as_bytes());
    }
    let answer = raw(&place, &head).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    super::is_well(&place).await;
}
