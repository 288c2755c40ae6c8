//! Tokens of a sign-in: signed, exchanged, ended.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::place::{Place, send};

const ANN: &str = "+49 30 12345678";

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_5_own_tokens_are_signed_with_published_keys() {
    let place = Place::new().await;
    let token = place.sign_in(ANN).await.text("access_token");
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("at+jwt"))
    );
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 600);
    let set = send(place.call(Method::GET, "/.well-known/jwks.json")).await;
    let key = &set.json["keys"][0];
    assert_eq!(key["kid"], header["kid"]);
    // As anybody verifies it who knows the set only.
    let public = BASE64_URL_SAFE_NO_PAD
        .decode(key["x"].as_str().unwrap())
        .unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public);
    key.verify(message.as_bytes(), &signature).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_5_a_token_with_another_header_or_other_claims_counts_for_nothing() {
    let place = Place::new().await;
    let token = place.sign_in(ANN).await.text("access_token");
    let kid = part(&token, 0)["kid"].clone();
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let parts: Vec<&str> = token.split('.').collect();
    let with = |header: Value| format!("{}.{}.{}", encode(&header), parts[1], parts[2]);
    let mut claims = part(&token, 1);
    claims["scope"] = json!("operator");
    let huge = "k".repeat(5_000);
    for bad in [
        with(json!({"alg": "none", "kid": kid})),
        with(json!({"alg": "HS256", "kid": kid, "typ": "at+jwt"})),
        with(json!({"alg": "EdDSA"})),
        with(json!({"alg": "EdDSA", "kid": "another"})),
        with(json!({"alg": "EdDSA", "kid": huge})),
        with(json!({"alg": "EdDSA", "kid": kid, "typ": "JWT"})),
        with(json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt", "crit": ["x"]})),
        format!("{}.{}.{}", parts[0], encode(&claims), parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
    ] {
        place
            .get_as(&bad, "/api/users/me")
            .await
            .problem("unauthenticated");
    }
    place.get_as(&token, "/api/users/me").await.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_6_a_refresh_that_is_asked_for_again_has_the_same_answer() {
    let place = Place::new().await;
    let first = place.sign_in(ANN).await.text("refresh_token");
    let at_once = (0..10).map(|_| place.refresh(&first, "phone"));
    let answers = futures_util::future::join_all(at_once).await;
    let next = answers[0].text("refresh_token");
    assert_ne!(next, first);
    for answer in &answers {
        assert_eq!(answer.text("refresh_token"), next);
    }
    let token = place.refresh(&next, "phone").await.text("access_token");
    place.get_as(&token, "/api/users/me").await.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_6_a_stolen_refresh_token_ends_the_sign_in_and_its_sockets() {
    let place = Place::new().await;
    let signed_in = place.sign_in(ANN).await;
    let (token, first) = (
        signed_in.text("access_token"),
        signed_in.text("refresh_token"),
    );
    let mut socket = place.socket(&token).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let next = place.refresh(&first, "phone").await.text("refresh_token");
    // The thief has the one before, and another device.
    place
        .refresh(&first, "the thief's")
        .await
        .problem("session_revoked");
    place
        .refresh(&next, "phone")
        .await
        .problem("session_revoked");
    place
        .get_as(&token, "/api/users/me")
        .await
        .problem("session_revoked");
    assert_eq!(socket.next().await.unwrap(), r#"42["session_revoked",{}]"#);
    while socket.next().await.is_some() {}
    for made_up in ["", "semel_rt_AAAA", "x"] {
        place
            .refresh(made_up, "phone")
            .await
            .problem("session_revoked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_6_who_names_no_device_does_not_come_past_the_comparison() {
    let place = Place::new().await;
    let bare = |token: &str| place.post("/api/auth/refresh", json!({"refresh_token": token}));
    let first = place.sign_in(ANN).await.text("refresh_token");
    // Refused, and nothing ends: leaving it out is no sign that two have the token.
    for _ in 0..2 {
        let refused = bare(&first).await;
        refused.problem("invalid_request");
        assert_eq!(refused.json["errors"][0]["pointer"], "/device_id");
    }
    let next = place.refresh(&first, "phone").await.text("refresh_token");
    // The one before, without a device, is somebody else's.
    bare(&first).await.problem("session_revoked");
    let gone = place.refresh(&next, "phone").await;
    gone.problem("session_revoked");
    // A sign-in that named no device is not asked for one.
    let challenge = place.begin(ANN).await;
    let body = json!({"challenge_id": challenge, "code": place.code().await});
    let unnamed = place.post("/api/auth/verify", body).await;
    let next = bare(&unnamed.text("refresh_token")).await;
    place
        .refresh(&next.text("refresh_token"), "phone")
        .await
        .data();
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_01_live_sockets_close_when_a_session_is_revoked() {
    let place = Place::new().await;
    let (one, two) = (
        place.sign_in(ANN).await,
        place.sign_in_at(ANN, "tablet").await,
    );
    let (mine, theirs) = (one.text("access_token"), two.text("access_token"));
    let mut socket = place.socket(&theirs).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let list = place.get_as(&mine, "/api/auth/sessions").await;
    let sessions = list.data()["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions
        .iter()
        .find(|session| session["is_current"] == false)
        .unwrap();
    assert_eq!(other["session_id"], two.text("session_id"));
    let path = format!("/api/auth/sessions/{}", two.text("session_id"));
    let started = Instant::now();
    send(place.call(Method::DELETE, &path).bearer_auth(&mine))
        .await
        .data();
    assert_eq!(socket.next().await.unwrap(), r#"42["session_revoked",{}]"#);
    while socket.next().await.is_some() {}
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    place
        .get_as(&theirs, "/api/users/me")
        .await
        .problem("session_revoked");
    place
        .refresh(&two.text("refresh_token"), "tablet")
        .await
        .problem("session_revoked");
    // Its token opens no new socket.
    let mut again = place.socket(&theirs).await;
    let refused = again.next().await.unwrap();
    assert!(refused.contains("session_revoked"), "{refused}");
    place.get_as(&mine, "/api/users/me").await.data();
    // Nobody ends what is not theirs.
    let bob = place.sign_in("+49 30 12345679").await.text("access_token");
    let path = format!("/api/auth/sessions/{}", one.text("session_id"));
    send(place.call(Method::DELETE, &path).bearer_auth(&bob))
        .await
        .problem("not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_9_who_signs_in_anew_ends_what_the_same_device_had_and_nothing_else() {
    let place = Place::new().await;
    let tablet = place.sign_in_at(ANN, "tablet").await.text("access_token");
    let bob = place.sign_in("+49 30 12345679").await.text("access_token");
    let before = place.sign_in(ANN).await;
    let mut socket = place.socket(&before.text("access_token")).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let now = place.sign_in(ANN).await.text("access_token");
    assert_eq!(socket.next().await.unwrap(), r#"42["session_revoked",{}]"#);
    place
        .refresh(&before.text("refresh_token"), "phone")
        .await
        .problem("session_revoked");
    for token in [tablet, bob, now] {
        place.get_as(&token, "/api/users/me").await.data();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_9_signing_out_ends_this_device_and_revoke_others_all_but_it() {
    let place = Place::new().await;
    let (one, two, three) = (
        place.sign_in(ANN).await,
        place.sign_in_at(ANN, "tablet").await,
        place.sign_in_at(ANN, "laptop").await,
    );
    let mine = one.text("access_token");
    let ended = place
        .post_as(&mine, "/api/auth/sessions/revoke-others", json!({}))
        .await;
    assert_eq!(ended.data()["session_ids"].as_array().unwrap().len(), 2);
    for (other, device) in [(two, "tablet"), (three, "laptop")] {
        place
            .refresh(&other.text("refresh_token"), device)
            .await
            .problem("session_revoked");
    }
    let body = json!({"refresh_token": one.text("refresh_token")});
    for _ in 0..2 {
        assert_eq!(
            place.post("/api/auth/sign-out", body.clone()).await.data()["done"],
            true
        );
    }
    place
        .get_as(&mine, "/api/users/me")
        .await
        .problem("session_revoked");
}

/// Every file of the data directory.
fn stored(place: &Place) -> Vec<u8> {
    let files = std::fs::read_dir(&place.server.config().data_dir).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|path| path.is_file())
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_20_no_code_and_no_token_lies_in_the_database() {
    let place = Place::new().await;
    // Nobody takes the message yet: what is to be sent waits in the database.
    place
        .receiver
        .trouble(&[reqwest::StatusCode::BAD_GATEWAY; 3]);
    let challenge = place.begin(ANN).await;
    let code = place.code().await;
    let has = |text: &str| {
        stored(&place)
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has("+493012345678"), "the files are those of the database");
    assert!(!has(&format!("\"{code}\"")));
    // An idempotency key stores nothing of what gives out tokens.
    let body = json!({"challenge_id": challenge, "code": code, "device_id": "phone"});
    let call = || {
        let call = place.call(Method::POST, "/api/auth/verify").json(&body);
        send(call.header("idempotency-key", "k"))
    };
    let (first, again) = (call().await, call().await);
    assert!(!again.headers.contains_key("idempotent-replayed"));
    let next = place.refresh(&first.text("refresh_token"), "phone").await;
    for answer in [&first, &next] {
        for name in ["refresh_token", "access_token"] {
            assert!(!has(&answer.text(name)), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_02_sockets_ask_for_the_same_tokens_as_calls() {
    let place = Place::new().await;
    let good = place.sign_in(ANN).await.text("access_token");
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    let refresh = place.sign_in_at(ANN, "tablet").await.text("refresh_token");
    for bad in [unsigned.as_str(), refresh.as_str(), "", "null"] {
        let call = place.get_as(bad, "/api/users/me").await;
        assert_eq!(call.status, 401, "{bad}");
        let mut socket = place.socket(bad).await;
        let refused = socket.next().await.unwrap();
        assert!(
            refused.starts_with("44") && refused.contains("unauthenticated"),
            "{refused}"
        );
    }
    let mut socket = place.socket(&good).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
}
