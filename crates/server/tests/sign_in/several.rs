//! Two servers of one `PostgreSQL` database, with Redis: what one of them does, the other one knows.

use std::time::Duration;

use reqwest::Method;
use semel_services::{Postgres, Redis, or_skip};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    operators::{deed, operator, put_out},
    place::{Place, send},
    receiver::Receiver,
};

const ANN: &str = "+49 30 12345678";

/// Two servers, and what they need.
pub(crate) struct Servers {
    pub(crate) one: Place,
    pub(crate) two: Place,
    services: (Postgres, Redis, TempDir),
}

async fn two_servers() -> Option<Servers> {
    two_servers_with(&[]).await
}

/// Two servers with more settings.
pub(crate) async fn two_servers_with(more: &[(&'static str, &str)]) -> Option<Servers> {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let postgres = or_skip(Postgres::start(&path("postgres"), &[]))?;
    let redis = or_skip(Redis::start(&path("redis")))?;
    let (database, redis_url) = (postgres.database("semel").unwrap(), redis.url());
    let mut settings = vec![
        ("database_url", database.as_str()),
        ("redis_url", &redis_url),
    ];
    settings.extend_from_slice(more);
    let receiver = Receiver::start().await;
    let start = || Place::beside(receiver.clone(), &settings);
    let (one, two) = tokio::join!(start(), start());
    let services = (postgres, redis, directory);
    Some(Servers { one, two, services })
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_01_a_session_that_one_server_ends_is_closed_on_the_other() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    // Both sign with one set of keys, whoever made it.
    let mine = one.sign_in(ANN).await;
    let theirs = two.sign_in(ANN).await;
    assert_eq!(mine.text("user_id"), theirs.text("user_id"));
    let set = |place: &Place| send(place.call(Method::GET, "/.well-known/jwks.json"));
    let (a, b) = (set(one).await, set(two).await);
    assert_eq!(
        (a.json.to_string(), 1),
        (b.json.to_string(), a.json["keys"].as_array().unwrap().len())
    );
    let token = theirs.text("access_token");
    let (mut here, mut there) = (one.socket(&token).await, two.socket(&token).await);
    for socket in [&mut here, &mut there] {
        assert!(socket.next().await.unwrap().starts_with("40"));
    }
    let path = format!("/api/auth/sessions/{}", theirs.text("session_id"));
    let call = one
        .call(Method::DELETE, &path)
        .bearer_auth(mine.text("access_token"));
    let started = Instant::now();
    send(call).await.data();
    // Both are told the same: why, and that there is nothing to come back for.
    for socket in [&mut here, &mut there] {
        assert_eq!(socket.next().await.unwrap(), r#"42["session_revoked",{}]"#);
        let closing = socket.next().await.unwrap();
        let closing: serde_json::Value = serde_json::from_str(&closing[2..]).unwrap();
        assert_eq!(closing[0], "closing");
        assert_eq!(closing[1]["retry_after_ms"], json!(null), "{closing}");
        while socket.next().await.is_some() {}
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let mut again = two.socket(&token).await;
    let refused = again.next().await.unwrap();
    assert!(refused.contains("session_revoked"), "{refused}");
    for place in [one, two] {
        place
            .get_as(&token, "/api/users/me")
            .await
            .problem("session_revoked");
        place
            .refresh(&theirs.text("refresh_token"), "phone")
            .await
            .problem("session_revoked");
    }
}

/// No hint comes: what the store says puts the device out, which is told why.
#[tokio::test(flavor = "multi_thread")]
async fn peer_cve_01_without_redis_the_other_server_finds_in_the_store_that_a_session_ended() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    servers.services.1.kill().unwrap();
    let mine = one.sign_in(ANN).await;
    let theirs = two.sign_in_at(ANN, "tablet").await;
    let mut there = two.socket(&theirs.text("access_token")).await;
    assert!(there.next().await.unwrap().starts_with("40"));
    let path = format!("/api/auth/sessions/{}", theirs.text("session_id"));
    let call = one.call(Method::DELETE, &path);
    let ended = send(call.bearer_auth(mine.text("access_token"))).await;
    ended.data();
    let mut told = Vec::new();
    while let Some(text) = there.next().await {
        told.push(text);
    }
    let is_told = told
        .iter()
        .any(|text| text == r#"42["session_revoked",{}]"#);
    assert!(is_told, "{told:?}");
    // The other sign-in counts on.
    let answer = two
        .get_as(&mine.text("access_token"), "/api/users/me")
        .await;
    answer.data();
}

#[tokio::test(flavor = "multi_thread")]
async fn req_d2_two_servers_guess_refresh_and_send_as_one() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    // Five guesses, on whichever server they arrive.
    let challenge = one.begin(ANN).await;
    let guess = |place: &Place, code: &str| {
        let call = place.call(Method::POST, "/api/auth/verify");
        send(call.json(&json!({"challenge_id": challenge, "code": code})))
    };
    let guesses = (0..40).map(|n| guess(if n % 2 == 0 { one } else { two }, "no code"));
    let answers = futures_util::future::join_all(guesses).await;
    let compared = answers
        .iter()
        .filter(|answer| answer.json["code"] == "wrong_code");
    assert_eq!(compared.count(), 5);
    // Each code was sent once, by one of them.
    let other = two.begin("+49 30 12345679").await;
    let (first, second) = (one.receiver.next().await, one.receiver.next().await);
    assert_ne!(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert_ne!(other, challenge);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_auth_6_a_refresh_at_two_servers_at_once_has_one_answer() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    let token = one.sign_in(ANN).await.text("refresh_token");
    let all = (0..10).map(|n| if n % 2 == 0 { one } else { two }.refresh(&token, "phone"));
    let answers = futures_util::future::join_all(all).await;
    for answer in &answers {
        assert_eq!(
            answer.text("refresh_token"),
            answers[0].text("refresh_token")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_1_a_person_whom_one_server_suspends_is_out_on_the_other_within_five_seconds() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    let operator = operator(one).await;
    let bob = two.sign_in(ANN).await;
    let token = bob.text("access_token");
    two.get_as(&token, "/api/users/me").await.data();
    let mut socket = two.socket(&token).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let began = Instant::now();
    let path = format!("people/{}/suspend", bob.text("user_id"));
    deed(one, &operator, &path).await.data();
    // What changes something is refused from the acknowledgement on, also where nobody has heard of it yet.
    let change = two.call(Method::PATCH, "/api/users/me");
    let change = change.bearer_auth(&token).json(&json!({"about": "x"}));
    send(change).await.problem("suspended");
    put_out(&mut socket, "suspended").await;
    assert!(began.elapsed() < Duration::from_secs(5));
    two.get_as(&token, "/api/users/me")
        .await
        .problem("suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_erase_1_an_account_that_one_server_ends_is_out_on_the_other_within_five_seconds() {
    let Some(servers) = two_servers().await else {
        return;
    };
    let (one, two) = (&servers.one, &servers.two);
    let mine = one.sign_in(ANN).await;
    let theirs = two.sign_in_at(ANN, "tablet").await;
    let token = theirs.text("access_token");
    two.get_as(&token, "/api/users/me").await.data();
    let mut socket = two.socket(&token).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let erase = json!({"user_id": mine.text("user_id")});
    let ended = one.post_as(&mine.text("access_token"), "/api/auth/erase", erase);
    ended.await.data();
    let began = Instant::now();
    // What changes something is refused from the acknowledgement on, also where nobody has heard of it yet.
    let change = two.call(Method::PATCH, "/api/users/me");
    let change = change.bearer_auth(&token).json(&json!({"about": "x"}));
    let refused = send(change).await;
    let codes = ["erased", "session_revoked"].map(|code| json!(code));
    assert!(codes.contains(&refused.json["code"]), "{refused:?}");
    let refresh = two.refresh(&theirs.text("refresh_token"), "tablet").await;
    refresh.problem("session_revoked");
    while socket.next().await.is_some() {}
    loop {
        let asked = two.get_as(&token, "/api/users/me").await;
        if codes.contains(&asked.json["code"]) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{asked:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    // Who signs in with what was theirs is a new person, on whichever server.
    let again = two.sign_in(ANN).await;
    assert_eq!(again.data()["is_new_person"], true);
    assert_ne!(again.text("user_id"), mine.text("user_id"));
}
