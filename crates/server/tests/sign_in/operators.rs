//! What operators do, and what others notice of it.

use std::time::Duration;

use reqwest::StatusCode;
use semel_protocol::limits::REASON_CHARACTERS_MAX;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    host::shared,
    place::{Answer, Place},
};

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
async fn words_of(place: &Place, bob: &str, ann: &str) -> (String, String) {
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
    let (thread, _) = words_of(&place, &bob_token, &ann.text("user_id")).await;
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
    let next = rest.data()["next_cursor"].as_str().unwrap();
    let path = format!("/api/operator/audit?limit=1&cursor={next}");
    let first = place.get_as(&operator, &path).await;
    assert_eq!(first.data()["audit"][0]["deed"], "claim_operator");
    assert_eq!(first.data()["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_3_a_removed_message_says_that_an_operator_did_it_and_opens_nothing_to_them() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let (thread, message) = words_of(&place, &bob_token, &ann.text("user_id")).await;
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
    let (_, own) = words_of(&place, &bob_token, &ann.text("user_id")).await;
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
    let lines = audit.data()["audit"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "this and who took the server: {audit:?}");
}

/// Somebody who signs in, and what they need to go on.
async fn person(place: &Place, phone: &str) -> (String, Answer) {
    let signed_in = place.sign_in(phone).await;
    (signed_in.text("user_id"), signed_in)
}

async fn next_token(place: &Place, signed_in: &Answer) -> String {
    let refresh = signed_in.text("refresh_token");
    place.refresh(&refresh, "phone").await.text("access_token")
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_5_a_person_who_is_taken_out_of_a_group_is_out_like_by_an_admin() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let (ann_id, bob_id) = (ann.text("user_id"), bob.text("user_id"));
    let group = json!({"participants": [ann_id], "thread_type": "group"});
    let made = place
        .post_as(&bob_token, "/api/chat/create-or-get", group)
        .await;
    let thread = made.json["data"]["thread"]["id"].as_str().unwrap();
    let path = format!("threads/{thread}/participants/{bob_id}/remove");
    for _ in 0..2 {
        let removed = deed(&place, &operator, &path).await;
        assert_eq!(*removed.data(), json!({"done": true}));
    }
    let base = format!("/api/chat/threads/{thread}");
    place.get_as(&bob_token, &base).await.problem("not_found");
    place.get_as(&operator, &base).await.problem("not_found");
    // Bob was the only admin: Ann, who is left, is one now.
    let seen = place.get_as(&ann_token, &base).await;
    let participants = &seen.data()["thread"]["participants"];
    assert_eq!(participants.as_array().unwrap().len(), 1);
    assert_eq!(participants[0]["role"], "admin");
    let entries = place
        .get_as(&ann_token, &format!("{base}/entries?after_rev=0"))
        .await;
    let entries = entries.data()["entries"].as_array().unwrap().clone();
    let told = entries
        .iter()
        .find(|entry| entry["type"] == "participant_removed");
    let words = told.unwrap()["message"]["content"].as_str().unwrap();
    assert!(words.starts_with("An operator removed "), "{words}");
    deed(&place, &ann_token, &path).await.problem("forbidden");
    let absent = format!("threads/{thread}/participants/nobody/remove");
    deed(&place, &operator, &absent).await.problem("not_found");
    let (direct, _) = words_of(&place, &bob_token, &ann_id).await;
    let of_two = format!("threads/{direct}/participants/{bob_id}/remove");
    deed(&place, &operator, &of_two)
        .await
        .problem("wrong_thread_type");
    let audit = place.get_as(&operator, "/api/operator/audit").await;
    let audit = audit.data()["audit"].as_array().unwrap().clone();
    assert_eq!(audit.len(), 2, "this and who took the server: {audit:?}");
    assert_eq!(audit[0]["deed"], "remove_participant");
    assert_eq!(audit[0]["user_id"], bob_id.as_str());
    assert_eq!(audit[0]["thread_id"], thread);
    assert_eq!(audit[1]["deed"], "claim_operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_5_who_left_before_they_were_taken_out_does_not_come_back_by_a_link() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let bob_id = bob.text("user_id");
    let group = json!({"participants": [bob_id], "thread_type": "group"});
    let made = place
        .post_as(&ann_token, "/api/chat/create-or-get", group)
        .await;
    let thread = made.json["data"]["thread"]["id"].as_str().unwrap();
    let base = format!("/api/chat/threads/{thread}");
    let made = place
        .post_as(&ann_token, &format!("{base}/invites"), json!({}))
        .await;
    let link = json!({"token": made.json["data"]["invite"]["token"]});
    let leave = format!("{base}/leave");
    place.post_as(&bob_token, &leave, json!({})).await.data();
    let before = place.get_as(&ann_token, &base).await;
    let path = format!("threads/{thread}/participants/{bob_id}/remove");
    for _ in 0..2 {
        let removed = deed(&place, &operator, &path).await;
        assert_eq!(*removed.data(), json!({"done": true}));
    }
    for call in ["look", "join"] {
        let path = format!("/api/invites/{call}");
        let refused = place.post_as(&bob_token, &path, link.clone()).await;
        refused.problem("forbidden");
    }
    let after = place.get_as(&ann_token, &base).await;
    assert_eq!(after.data(), before.data(), "the thread says nothing more");
    let audit = place.get_as(&operator, "/api/operator/audit").await;
    let audit = audit.data()["audit"].as_array().unwrap().clone();
    assert_eq!(audit.len(), 2, "once, and who took the server: {audit:?}");
    assert_eq!(audit[0]["deed"], "remove_participant");
    assert_eq!(audit[0]["user_id"], bob_id.as_str());
}

/// They are operators by the tokens of their host, or not at all.
async fn refused_for_whom_a_host_knows(place: &Place, operator: &str) {
    let carl = shared(&json!({"sub": "carl", "exp": 4_000_000_000_u64}));
    place.get_as(&carl, "/api/users/me").await.data();
    let known = deed(place, operator, "people/carl/grant").await;
    known.problem("invalid_request");
    assert_eq!(known.json["errors"][0]["pointer"], "?user_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_operator_6_operators_make_operators_and_one_always_stays() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let me = place.get_as(&operator, "/api/users/me").await;
    let me = me.data()["user"]["user_id"].as_str().unwrap().to_owned();
    let (ann, ann_in) = person(&place, ANN).await;
    let (bob, bob_in) = person(&place, BOB).await;
    let ann_token = ann_in.text("access_token");
    let grant = format!("people/{ann}/grant");
    deed(&place, &ann_token, &grant).await.problem("forbidden");
    let withdraw_me = format!("people/{me}/withdraw");
    let last = deed(&place, &operator, &withdraw_me).await;
    last.problem("last_operator");
    assert_eq!(last.status, StatusCode::CONFLICT);
    for _ in 0..2 {
        let granted = deed(&place, &operator, &grant).await;
        assert_eq!(
            *granted.data(),
            json!({"user_id": ann, "is_operator": true})
        );
    }
    let nobody = deed(&place, &operator, "people/nobody/grant").await;
    nobody.problem("not_found");
    refused_for_whom_a_host_knows(&place, &operator).await;
    // Their next token says so. It counts until the right is taken away, and not a moment longer.
    let ann_token = next_token(&place, &ann_in).await;
    let both = place.get_as(&ann_token, "/api/operator/operators").await;
    assert_eq!(both.data()["operators"].as_array().unwrap().len(), 2);
    let suspend = format!("people/{bob}/suspend");
    deed(&place, &ann_token, &suspend).await.data();
    let suspended = deed(&place, &operator, &format!("people/{bob}/grant")).await;
    suspended.problem("invalid_request");
    deed(&place, &operator, &format!("people/{ann}/withdraw"))
        .await
        .data();
    for path in ["operators", "reports", "audit"] {
        let path = format!("/api/operator/{path}");
        place.get_as(&ann_token, &path).await.problem("forbidden");
    }
    deed(&place, &ann_token, &format!("people/{bob}/lift"))
        .await
        .problem("forbidden");
    let profile = place.call(reqwest::Method::PUT, &format!("/api/users/{bob}"));
    let profile = profile.bearer_auth(&ann_token).json(&json!({"about": "x"}));
    super::place::send(profile).await.problem("forbidden");
    let refused = place.refresh(&bob_in.text("refresh_token"), "phone").await;
    refused.problem("suspended");
    // One who is suspended is none who stays.
    deed(&place, &operator, &grant).await.data();
    deed(&place, &operator, &format!("people/{ann}/suspend"))
        .await
        .data();
    deed(&place, &operator, &withdraw_me)
        .await
        .problem("last_operator");
    let audit = place.get_as(&operator, "/api/operator/audit").await;
    let audit = audit.data()["audit"].as_array().unwrap().clone();
    let deeds: Vec<_> = audit
        .iter()
        .rev()
        .map(|line| line["deed"].clone())
        .collect();
    let all = [
        "claim_operator",
        "grant_operator",
        "suspend",
        "withdraw_operator",
        "grant_operator",
        "suspend",
    ];
    assert_eq!(deeds, all);
}
