//! What browsers may do with this server, and what its pages may do.

use reqwest::{Method, StatusCode, header::HeaderMap};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Error, client::IntoClientRequest},
};

use crate::place::{Place, send};

const FRIEND: &str = "https://friend.example";
const EVIL: &str = "https://evil.example";
const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// Whether a page of an origin may open a WebSocket; no origin: a program.
async fn connects(place: &Place, origin: Option<&str>) -> bool {
    let address = place.server.address;
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match client_async(request, stream).await {
        Ok(_) => true,
        Err(Error::Http(refused)) => {
            assert_eq!(refused.status(), StatusCode::FORBIDDEN);
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_connect_only_when_the_settings_name_them() {
    let only_own: &[(&str, &str)] = &[];
    let cases = [
        (only_own, false, false),
        (&[("allowed_origins", FRIEND)], true, false),
        (&[("allowed_origins", "*")], true, true),
        (&[("public_url", FRIEND)], true, false),
    ];
    for (settings, friend, evil) in cases {
        let place = Place::with(settings).await;
        let own = place.server.url();
        for (origin, is_welcome) in [
            (None, true),
            (Some(own.as_str()), true),
            (Some(FRIEND), friend),
            (Some(EVIL), evil),
            (Some("https://friend.example.evil.example"), evil),
            (Some("null"), evil),
        ] {
            let name = format!("{settings:?} {origin:?}");
            assert_eq!(connects(&place, origin).await, is_welcome, "{name}");
            let mut call = place.call(Method::GET, POLLING);
            if let Some(origin) = origin {
                call = call.header("origin", origin);
            }
            assert_eq!(
                send(call).await.status == StatusCode::OK,
                is_welcome,
                "{name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_read_answers_only_when_the_settings_name_them() {
    for (setting, friend, evil) in [("", false, false), (FRIEND, true, false), ("*", true, true)] {
        let place = Place::with(&[("allowed_origins", setting)]).await;
        for (origin, is_welcome) in [(FRIEND, friend), (EVIL, evil), ("null", evil)] {
            let call = place.call(Method::GET, "/api/users/me");
            let answer = send(call.header("origin", origin)).await;
            let allowed = answer.headers.get("access-control-allow-origin");
            assert_eq!(allowed.is_some(), is_welcome, "{setting} {origin}");
            let asks = place.call(Method::OPTIONS, "/api/users/me");
            let asks = asks.header("origin", origin);
            let asks = asks.header("access-control-request-method", "PATCH");
            let may = send(asks).await;
            let methods = may.headers.get("access-control-allow-methods");
            assert_eq!(methods.is_some(), is_welcome, "{setting} {origin}");
            for headers in [&answer.headers, &may.headers] {
                // Cookies never count for others.
                assert!(!headers.contains_key("access-control-allow-credentials"));
            }
        }
    }
}

/// Every kind of answer, by where it is and what else is asked.
const ANSWERS: &[(&str, u16)] = &[
    ("/api/users/me", 401),
    ("/api/nothing", 404),
    ("/api/auth/methods", 200),
    ("/.well-known/jwks.json", 200),
    ("/health", 200),
    ("/api/openapi.json", 200),
    ("/api/docs", 200),
    ("/api/docs/page.js", 200),
    ("/", 200),
    ("/settings", 200),
    ("/operator", 200),
    ("/operator/log", 200),
    (POLLING, 200),
    ("/socket.io/?EIO=3&transport=polling", 400),
    ("/socket.io/?EIO=4&transport=polling&sid=x", 400),
];

fn has(headers: &HeaderMap, name: &str) -> String {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map_or("", |value| value.to_str().unwrap());
    assert!(values.next().is_none(), "{name} comes twice");
    value.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_what_they_may_do_with_it() {
    let place = Place::new().await;
    for (path, status) in ANSWERS {
        let answer = send(place.call(Method::GET, path)).await;
        assert_eq!(answer.status, *status, "{path}");
        let has = |name| has(&answer.headers, name);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            // This server cannot know that there is TLS in front of it.
            ("strict-transport-security", ""),
            ("server", ""),
            ("x-powered-by", ""),
        ] {
            assert_eq!(has(name), value, "{path} {name}");
        }
        let permissions = has("permissions-policy");
        assert!(permissions.contains("camera=()"), "{path} {permissions}");
        let policy = has("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path} {policy}");
        }
        for part in ["unsafe", "data:", "http:", "https:", "*"] {
            assert!(!policy.contains(part), "{path} {policy}");
        }
        if has("content-type").starts_with("text/html") {
            for part in ["base-uri 'none'", "form-action 'none'", "script-src 'self'"] {
                assert!(policy.contains(part), "{path} {policy}");
            }
        }
    }
}

/// Zulip, 2021-03-18: a cache between server and people gave some the pages of others.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_39_what_is_somebodys_is_kept_by_no_cache() {
    let place = Place::new().await;
    let ann = place.sign_in("+49 30 12345678").await;
    let token = ann.text("access_token");
    assert_eq!(has(&ann.headers, "cache-control"), "no-store");
    for path in [
        "/api/users/me",
        "/api/contacts",
        "/api/chat/threads",
        "/api/auth/sessions",
        "/api/auth/identities",
        "/api/nothing",
    ] {
        let answer = place.get_as(&token, path).await;
        assert_eq!(has(&answer.headers, "cache-control"), "no-store", "{path}");
    }
    let polled = send(place.call(Method::GET, POLLING)).await;
    assert_eq!(has(&polled.headers, "cache-control"), "no-store");
    // What a cache may keep is nobody's, and names no person.
    let set = send(
        place
            .call(Method::GET, "/.well-known/jwks.json")
            .bearer_auth(&token),
    )
    .await;
    assert!(has(&set.headers, "cache-control").starts_with("public"));
    assert!(!set.headers.contains_key("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_that_came_over_tls_are_told_to_stay_there() {
    let https = ("public_url", "https://chat.example");
    for (settings, expected) in [
        (&[https][..], "max-age=31536000"),
        (&[https, ("hsts_days", "2")], "max-age=172800"),
        (&[https, ("hsts_days", "0")], ""),
        (&[("public_url", "http://chat.example")], ""),
    ] {
        let place = Place::with(settings).await;
        for path in ["/", "/api/users/me", POLLING] {
            let answer = send(place.call(Method::GET, path)).await;
            let told = has(&answer.headers, "strict-transport-security");
            assert_eq!(told, expected, "{settings:?} {path}");
        }
    }
}
