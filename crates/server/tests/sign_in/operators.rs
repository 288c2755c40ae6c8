//! What operators do, and what others notice of it.

use std::time::Duration;

use reqwest::StatusCode;
use semel_protocol::limits::REASON_CHARACTERS_MAX;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::place::{Answer, Place};

pub(crate) const ANN: &str = "+49 30 12345671";
const BOB: &str = "+49 30 12345672";
const OPERATOR: &str = "+49 30 12345679";

/// The token of the operator of a fresh server, who is the first to use its link.
pub(crate) async fn operator(place: &Place) -> String {
    let signed_in = place.sign_in(OPERATOR).await;
    let link = json!({"token": place.server.operator_token().await.unwrap()});
    let token = signed_in.text("access_token");
    place
        .post_as(&token, "/api/auth/operator", link)
        .await
        .data();
    assert_eq!(place.server.operator_token().await, None, "once");
    let next = place
        .refresh(&signed_in.text("refresh_token"), "phone")
        .await;
    next.text("access_token")
}

pub(crate) async fn deed(place: &Place, token: &str, path: &str) -> Answer {
    let path = format!("/api/operator/{path}");
    place
        .post_as(token, &path, json!({"reason": "rude words"}))
        .await
}

/// Waits for the packet that says why a device is put out, and for the end of its connection.
pub(crate) async fn put_out(socket: &mut super::place::Socket, code: &str) {
    let mut all = String::new();
    while let Some(packet) = socket.next().await {
        all.push_str(&packet);
    }
    assert!(
        all.contains(r#"["closing",{"code":""#) && all.contains(code),
        "{all}"
    );
}

/// A message of Bob's to Ann; the thread and the message.
async fn words(place: &Place, bob: &str, ann: &str) -> (String, String) {
    let body = json!({"participants": [ann], "message_content": "words"});
    let path = "/api/chat/start-conversation";
    let said = place.post_as(bob, path, body).await;
    let id = |of: &str| said.json["data"][of]["id"].as_str().unwrap().to_owned();
    (id("thread"), id("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_1_a_suspended_person_is_told_so_everywhere_until_it_is_lifted() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let (thread, _) = words(&place, &bob_token, &ann.text("user_id")).await;
    let mut socket = place.socket(&bob_token).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    let who = format!("people/{}", bob.text("user_id"));
    let began = Instant::now();
    let suspended = deed(&place, &operator, &format!("{who}/suspend")).await;
    assert!(suspended.data()["suspended_at"].is_string());
    let me = place.get_as(&bob_token, "/api/users/me").await;
    me.problem("suspended");
    assert_eq!(me.status, StatusCode::FORBIDDEN);
    put_out(&mut socket, "suspended").await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut again = place.socket(&bob_token).await;
    let refused = again.next().await.unwrap();
    assert!(
        refused.starts_with("44") && refused.contains("suspended"),
        "{refused}"
    );
    let refresh = bob.text("refresh_token");
    place.refresh(&refresh, "phone").await.problem("suspended");
    place.sign_in(BOB).await.problem("suspended");
    // What was said stays.
    let path = format!("/api/chat/threads/{thread}/messages");
    let page = place.get_as(&ann_token, &path).await;
    assert_eq!(page.data()["messages"][0]["content"], "words");
    // Again changes nothing.
    let again = deed(&place, &operator, &format!("{who}/suspend")).await;
    assert_eq!(again.data(), suspended.data());

    let lifted = deed(&place, &operator, &format!("{who}/lift")).await;
    assert_eq!(lifted.data()["suspended_at"], Value::Null);
    place.get_as(&bob_token, "/api/users/me").await.data();
    place.refresh(&refresh, "phone").await.data();
    let audit = place.get_as(&operator, "/api/operator/audit?limit=1").await;
    let audit = audit.data();
    assert_eq!(audit["audit"][0]["deed"], "lift");
    assert_eq!(audit["audit"][0]["reason"], "rude words");
    let next = audit["next_cursor"].as_str().unwrap();
    let path = format!("/api/operator/audit?limit=1&cursor={next}");
    let rest = place.get_as(&operator, &path).await;
    assert_eq!(rest.data()["audit"][0]["deed"], "suspend");
    assert_eq!(
        rest.data()["audit"][0]["user_id"],
        bob.text("user_id").as_str()
    );
    assert_eq!(rest.data()["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_3_a_removed_message_says_that_an_operator_did_it_and_opens_nothing_to_them() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let (thread, message) = words(&place, &bob_token, &ann.text("user_id")).await;
    let path = format!("threads/{thread}/messages/{message}/remove");
    for _ in 0..2 {
        let removed = deed(&place, &operator, &path).await;
        assert_eq!(*removed.data(), json!({"done": true}));
    }
    let read = format!("/api/chat/threads/{thread}/messages");
    let page = place.get_as(&ann_token, &read).await;
    let tombstone = &page.data()["messages"][0];
    assert_eq!(
        (&tombstone["content"], &tombstone["removed"]),
        (&json!(""), &json!(true))
    );
    assert!(tombstone["deleted_at"].is_string());
    place.get_as(&operator, &read).await.problem("not_found");
    deed(&place, &ann_token, &path).await.problem("forbidden");
    // What people delete themselves does not say so.
    let (_, own) = words(&place, &bob_token, &ann.text("user_id")).await;
    let path = format!("/api/chat/threads/{thread}/messages/{own}");
    let call = place
        .call(reqwest::Method::DELETE, &path)
        .bearer_auth(&bob_token);
    let gone = super::place::send(call).await;
    assert_eq!(gone.data()["message"].get("removed"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_4_deeds_have_a_reason_within_limits_and_nobody_suspends_themselves() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let ann = place.sign_in(ANN).await.text("user_id");
    let suspend = format!("/api/operator/people/{ann}/suspend");
    let with = |reason: String| place.post_as(&operator, &suspend, json!({"reason": reason}));
    with("é".repeat(REASON_CHARACTERS_MAX + 1))
        .await
        .problem("invalid_request");
    with(" \u{200b}".to_owned())
        .await
        .problem("invalid_request");
    with("a\0b".to_owned()).await.problem("invalid_request");
    with("é".repeat(REASON_CHARACTERS_MAX)).await.data();
    let me = place.get_as(&operator, "/api/users/me").await;
    let me = me.data()["user"]["user_id"].as_str().unwrap();
    let own = deed(&place, &operator, &format!("people/{me}/suspend")).await;
    own.problem("invalid_request");
    let nobody = deed(&place, &operator, "people/nobody/suspend").await;
    nobody.problem("not_found");
    let audit = place.get_as(&operator, "/api/operator/audit").await;
    assert_eq!(
        audit.data()["audit"].as_array().unwrap().len(),
        1,
        "{audit:?}"
    );
}
