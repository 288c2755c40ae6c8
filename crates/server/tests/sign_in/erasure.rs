//! Accounts that end: what others see, and what is free again.

use std::time::Duration;

use semel_protocol::{Timestamp, UserId};
use semel_server::auth::{Caller, Scope};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    operators::{ANN, deed, operator, put_out},
    place::{Answer, Place},
};

const BOB: &str = "+49 30 12345672";

/// Whether nothing is left to erase: the server does it by itself.
async fn erased(place: &Place) {
    let began = Instant::now();
    let app = place.server.app();
    loop {
        let left = semel_core::ports::ask(app.ledger.as_ref(), |rows| {
            let ever = Timestamp(i64::MAX);
            semel_core::queries::erasure::due(rows, ever, 1)
        });
        if left.await.unwrap().unwrap().is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30));
        tokio::task::yield_now().await;
    }
}

async fn erase(place: &Place, signed_in: &Answer) -> Answer {
    let body = json!({"user_id": signed_in.text("user_id")});
    let token = signed_in.text("access_token");
    place.post_as(&token, "/api/auth/erase", body).await
}

async fn start(place: &Place, from: &str, to: &str, words: &str) -> Answer {
    let body = json!({"participants": [to], "message_content": words});
    place
        .post_as(from, "/api/chat/start-conversation", body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn p_erase_1_an_account_ends_at_once_and_what_it_was_known_by_is_free() {
    let place = Place::new().await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let handle = |token: String| {
        let call = place.call(reqwest::Method::PUT, "/api/users/me/handle");
        let call = call.bearer_auth(token);
        super::place::send(call.json(&json!({"handle": "ann_smith"})))
    };
    handle(ann_token.clone()).await.data();
    let mut socket = place.socket(&ann_token).await;
    assert!(socket.next().await.unwrap().starts_with("40"));
    // Not by mistake.
    let other = json!({"user_id": bob.text("user_id")});
    place
        .post_as(&ann_token, "/api/auth/erase", other)
        .await
        .problem("invalid_request");
    let done = erase(&place, &ann).await;
    assert_eq!(done.text("user_id"), ann.text("user_id"));
    put_out(&mut socket, "closing").await;
    // A lost answer is as good as this one.
    erase(&place, &ann).await.problem("session_revoked");
    place
        .get_as(&ann_token, "/api/users/me")
        .await
        .problem("session_revoked");
    place
        .refresh(&ann.text("refresh_token"), "phone")
        .await
        .problem("session_revoked");
    handle(bob_token.clone()).await.data();
    let again = place.sign_in(ANN).await;
    assert_eq!(again.data()["is_new_person"], true);
    assert_ne!(again.text("user_id"), ann.text("user_id"));
    let find = json!({"phone": ANN});
    let found = place.post_as(&bob_token, "/api/users/find", find).await;
    assert_eq!(found.data()["user"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn p_erase_2_what_was_said_becomes_tombstones_and_seats_are_given_up() {
    let place = Place::new().await;
    let (ann, bob) = (place.sign_in(ANN).await, place.sign_in(BOB).await);
    let (ann_token, bob_token) = (ann.text("access_token"), bob.text("access_token"));
    let (ann_id, bob_id) = (ann.text("user_id"), bob.text("user_id"));
    let name = place.call(reqwest::Method::PATCH, "/api/users/me");
    let name = name.bearer_auth(&ann_token);
    super::place::send(name.json(&json!({"display_name": "Ann Smith"})))
        .await
        .data();
    let said = start(&place, &ann_token, &bob_id, "secret words").await;
    let direct = said.json["data"]["thread"]["id"].as_str().unwrap();
    let group = json!({"participants": [bob_id], "thread_type": "group"});
    let made = place
        .post_as(&ann_token, "/api/chat/create-or-get", group)
        .await;
    let group = made.json["data"]["thread"]["id"].as_str().unwrap();
    let before = place
        .get_as(&bob_token, &format!("/api/chat/threads/{direct}"))
        .await;
    let head = before.data()["thread"]["last_rev"].as_u64().unwrap();
    erase(&place, &ann).await.data();
    erased(&place).await;

    let read = format!("/api/chat/threads/{direct}/messages");
    let page = place.get_as(&bob_token, &read).await;
    let tombstone = &page.data()["messages"][0];
    assert_eq!(tombstone["content"], "");
    assert!(tombstone["deleted_at"].is_string());
    assert_eq!(tombstone.get("removed"), None, "nobody else did so");
    // The log goes on without a hole, by entries as they always were.
    let entries = format!("/api/chat/threads/{direct}/entries?after_rev={head}");
    let entries = place.get_as(&bob_token, &entries).await;
    let entries = entries.data()["entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(entries[0]["type"], "message_deleted");
    assert_eq!(entries[0]["rev"], head + 1);
    let thread = place
        .get_as(&bob_token, &format!("/api/chat/threads/{direct}"))
        .await;
    assert_eq!(thread.data()["thread"]["title"], "Deleted account");
    let more = json!({"client_id": "018f0000-0000-7000-8000-00000000abcd", "content": "hello?"});
    place
        .post_as(&bob_token, &read, more)
        .await
        .problem("unreachable");
    let seen = place
        .get_as(&bob_token, &format!("/api/chat/threads/{group}"))
        .await;
    let participants = seen.data()["thread"]["participants"].as_array().unwrap();
    assert_eq!(participants.len(), 1);
    assert_eq!(participants[0]["role"], "admin");
    let profile = place
        .get_as(&bob_token, &format!("/api/users/{ann_id}"))
        .await;
    let profile = &profile.data()["user"];
    assert_eq!(profile["display_name"], "Deleted account");
    // Nobody begins anything with them any more.
    let new = json!({"participants": [ann_id], "thread_type": "group", "distinct": false});
    place
        .post_as(&bob_token, "/api/chat/create-or-get", new)
        .await
        .problem("unknown_users");
    let contacts = place.get_as(&bob_token, "/api/contacts").await;
    let text = contacts.json.to_string();
    assert!(!text.contains("Ann Smith"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p_erase_4_operators_erase_people_with_a_reason_and_the_last_one_stays() {
    let place = Place::new().await;
    let operator = operator(&place).await;
    let bob = place.sign_in(BOB).await;
    let (bob_id, bob_token) = (bob.text("user_id"), bob.text("access_token"));
    let path = format!("people/{bob_id}/erase");
    deed(&place, &bob_token, &path).await.problem("forbidden");
    let done = deed(&place, &operator, &path).await;
    assert_eq!(deed(&place, &operator, &path).await.data(), done.data());
    place
        .get_as(&bob_token, "/api/users/me")
        .await
        .problem("session_revoked");
    // There is nobody any more to be suspended, to become an operator, or to be somebody again.
    for deed_of in ["suspend", "lift", "grant"] {
        let path = format!("people/{bob_id}/{deed_of}");
        deed(&place, &operator, &path).await.problem("not_found");
    }
    let put = place.call(reqwest::Method::PUT, &format!("/api/users/{bob_id}"));
    let put = put.bearer_auth(&operator).json(&json!({"about": "x"}));
    super::place::send(put).await.problem("not_found");
    let me = place.get_as(&operator, "/api/users/me").await;
    let me = me.data()["user"]["user_id"].as_str().unwrap().to_owned();
    let own = deed(&place, &operator, &format!("people/{me}/erase")).await;
    own.problem("invalid_request");
    let erase = json!({"user_id": me});
    place
        .post_as(&operator, "/api/auth/erase", erase)
        .await
        .problem("last_operator");
    let audit = place.get_as(&operator, "/api/operator/audit").await;
    let audit = audit.data()["audit"].as_array().unwrap().clone();
    assert_eq!(audit.len(), 2, "{audit:?}");
    assert_eq!(audit[0]["deed"], "erase_person");
    assert_eq!(audit[0]["user_id"], bob_id.as_str());
}

/// No name that a host application gives is the server's own: it goes on to sign people in and to erase.
#[tokio::test(flavor = "multi_thread")]
async fn p_erase_1_nobody_is_the_server_itself() {
    let place = Place::new().await;
    let app = place.server.app();
    for name in ["system", "server"] {
        let token = app.tokens.sign(&Caller {
            user_id: UserId::parse(name).unwrap(),
            name: None,
            scope: Scope::Person,
            expires_at: Timestamp(i64::from(u32::MAX) * 1_000),
            session_id: None,
            is_verified: false,
        });
        let body = json!({"user_id": name});
        place.post_as(&token, "/api/auth/erase", body).await.data();
    }
    let ann = place.sign_in(ANN).await;
    erase(&place, &ann).await.data();
    erased(&place).await;
}
