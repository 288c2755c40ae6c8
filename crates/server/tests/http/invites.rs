//! Links that invite into groups.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use semel_protocol::limits::{
    INVITE_LOOKS_PER_ADDRESS_DAY_MAX, INVITE_LOOKS_PER_PERSON_DAY_MAX, INVITE_MINUTES_MAX,
    INVITE_MINUTES_MIN, INVITE_USES_MAX,
};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestServer, text};

fn invites(thread: &str) -> String {
    format!("/api/chat/threads/{thread}/invites")
}

async fn make(who: &Client, thread: &str, body: Value) -> Value {
    let made = who.post(&invites(thread), body).await;
    made.expect(StatusCode::CREATED).success()["invite"].clone()
}

async fn look(who: &Client, token: &str) -> Answer {
    who.post("/api/invites/look", json!({"token": token})).await
}

async fn join(who: &Client, token: &str) -> Answer {
    who.post("/api/invites/join", json!({"token": token})).await
}

async fn revoke(who: &Client, thread: &str, invite: &Value) -> Answer {
    let path = format!("{}/{}", invites(thread), text(&invite["id"]));
    who.call(Method::DELETE, &path).send().await
}

#[tokio::test]
async fn p_invite_1_a_link_can_be_copied_again_and_its_secret_is_stored_nowhere() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let call = || {
        let call = ann.call(Method::POST, &invites(&thread)).key("make");
        call.json(&json!({"uses_max": 2, "expires_in_minutes": 60}))
    };
    let first = call().send().await.expect(StatusCode::CREATED);
    assert_eq!(first.header("location"), invites(&thread));
    let invite = first.success()["invite"].clone();
    let token = text(&invite["token"]);
    // 16 bytes name it, 16 bytes are the secret.
    assert_eq!(token.len(), 43);
    assert_eq!(invite["thread_id"], thread);
    assert_eq!(
        (&invite["uses"], &invite["uses_max"], &invite["created_by"]),
        (&json!(0), &json!(2), &json!("ann"))
    );
    assert_eq!(invite["created_at"], "2027-01-15T08:00:00.000Z");
    assert_eq!(invite["expires_at"], "2027-01-15T09:00:00.000Z");
    let again = call().send().await;
    assert!(again.is_replay());
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"], json!([invite]));
    join(&cem, &token).await.expect(StatusCode::OK);
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"][0]["uses"], 1);
    let backup = std::fs::read(server.back_up("all")).unwrap();
    let has = |text: &str| {
        backup
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(has(&text(&invite["id"])), "its id is in the stored answer");
    assert!(!has(&token));
    assert!(!has(&token[22..]), "nor is a part of it");
}

#[tokio::test]
async fn p_invite_2_limits_of_links_are_said_with_the_field() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    let (least, most) = (INVITE_MINUTES_MIN, INVITE_MINUTES_MAX);
    for good in [json!(least), json!(most)] {
        make(&ann, &thread, json!({"expires_in_minutes": good})).await;
    }
    for bad in [
        json!(least - 1),
        json!(most + 1),
        json!(-5),
        json!("5"),
        json!(5.5),
    ] {
        let body = json!({"expires_in_minutes": bad});
        let refused = ann.post(&invites(&thread), body).await;
        refused.invalid("/expires_in_minutes");
    }
    make(&ann, &thread, json!({"uses_max": INVITE_USES_MAX})).await;
    for bad in [0, INVITE_USES_MAX + 1] {
        let refused = ann.post(&invites(&thread), json!({"uses_max": bad})).await;
        refused.invalid("/uses_max");
    }
    let direct = ann.direct(&bob).await;
    let refused = ann.post(&invites(&direct), json!({})).await;
    refused
        .expect(StatusCode::CONFLICT)
        .problem("wrong_thread_type");
}

/// Everything of an answer that a caller sees, but the id of the request and the time.
fn seen(answer: &Answer) -> (StatusCode, Vec<String>, Value) {
    let mut body = answer.json();
    body["request_id"] = Value::Null;
    let names = answer.headers.keys().map(ToString::to_string);
    (answer.status, names.collect(), body)
}

#[tokio::test]
async fn p_invite_4_links_that_lead_nowhere_have_one_answer() {
    let server = TestServer::start().await;
    let [ann, bob, cem, dan] = server.people(["ann", "bob", "cem", "dan"]).await;
    let thread = ann.group(&[&bob]).await;
    let token = |invite: &Value| text(&invite["token"]);
    let revoked = make(&ann, &thread, json!({})).await;
    revoke(&ann, &thread, &revoked).await.expect(StatusCode::OK);
    let again = revoke(&ann, &thread, &revoked).await;
    again.expect(StatusCode::NOT_FOUND).problem("not_found");
    let used_up = make(&ann, &thread, json!({"uses_max": 1})).await;
    join(&dan, &token(&used_up)).await.expect(StatusCode::OK);
    let expired = make(&ann, &thread, json!({"expires_in_minutes": 5})).await;
    server.clock.advance_ms(5 * 60_000);
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"].as_array().unwrap().len(), 1);
    let mut altered = token(&used_up);
    let last = if altered.ends_with('A') { "E" } else { "A" };
    altered.replace_range(42.., last);
    let tokens = [
        "made up".to_owned(),
        String::new(),
        altered,
        token(&revoked),
        token(&used_up),
        token(&expired),
    ];
    let (mut looks, mut joins) = (Vec::new(), Vec::new());
    for token in &tokens {
        looks.push(seen(&look(&cem, token).await));
        joins.push(seen(&join(&cem, token).await));
    }
    assert_eq!(looks[0].0, StatusCode::NOT_FOUND);
    assert_eq!(looks[0].2["code"], "not_found");
    for answer in looks.iter().chain(&joins) {
        assert_eq!(answer, &looks[0]);
    }
}

#[tokio::test]
async fn p_invite_4_looking_and_joining_are_counted_by_person_and_in_vain_by_address() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    let token = text(&make(&ann, &thread, json!({})).await["token"]);
    // A link that counts is nothing to the address.
    look(&bob, &token).await.expect(StatusCode::OK);
    join(&bob, &token).await.expect(StatusCode::OK);
    let stranger = server.user("stranger");
    look(&stranger, &token).await.expect(StatusCode::OK);
    join(&stranger, &token).await.expect(StatusCode::OK);
    let per_person = INVITE_LOOKS_PER_PERSON_DAY_MAX;
    let people = INVITE_LOOKS_PER_ADDRESS_DAY_MAX / per_person;
    assert_eq!(people * per_person, INVITE_LOOKS_PER_ADDRESS_DAY_MAX);
    for number in 0..people {
        let who = server.user(&format!("person-{number}"));
        for _ in 0..per_person / 2 {
            look(&who, "made up").await.problem("not_found");
            join(&who, "made up").await.problem("not_found");
        }
        let refused = look(&who, "made up").await;
        let refused = refused.expect(StatusCode::TOO_MANY_REQUESTS);
        let wait = refused.problem("rate_limited")["retry_after_ms"].clone();
        assert!(wait.as_i64().unwrap() > 86_000_000, "{wait}");
        join(&who, "made up").await.problem("rate_limited");
    }
    // Somebody who has done nothing yet, from the same address.
    let other = server.user("other");
    look(&other, "made up").await.problem("rate_limited");
    look(&other, &token).await.expect(StatusCode::OK);
    join(&other, &token).await.expect(StatusCode::OK);
    server.clock.advance_ms(86_400_000);
    let other = server.user("other");
    look(&other, "made up").await.problem("not_found");
}

#[tokio::test]
async fn p_invite_5_of_a_hundred_who_join_at_once_ten_do() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    let invite = make(&ann, &thread, json!({"uses_max": 10})).await;
    let token = text(&invite["token"]);
    let people: Vec<Client> = (0..100).map(|n| server.user(&format!("p-{n}"))).collect();
    let answers = join_all(people.iter().map(|who| join(who, &token))).await;
    let (came, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status.is_success());
    assert_eq!((came.len(), rest.len()), (10, 90));
    assert!(came.iter().all(|it| it.success()["joined"] == true));
    for refused in rest {
        refused.problem("not_found");
    }
    let now = ann.get(&format!("/api/chat/threads/{thread}")).await;
    let now = now.success()["thread"].clone();
    assert_eq!(now["participant_count"], 12);
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"][0]["uses"], 10);
    let page = format!("/api/chat/threads/{thread}/entries?after_rev=0&limit=500");
    let entries = ann.get(&page).await.success()["entries"].clone();
    let entries = entries.as_array().unwrap();
    let revs = entries.iter().map(|entry| entry["rev"].as_u64().unwrap());
    assert!(revs.eq(1..=entries.len() as u64));
    let added = |entry: &&Value| entry["type"] == "participants_added";
    let added: Vec<&Value> = entries.iter().filter(added).collect();
    assert_eq!(added.len(), 10);
    for entry in added {
        assert_eq!(entry["user_ids"], json!([entry["actor_id"]]));
        let words = text(&entry["message"]["content"]);
        assert!(words.ends_with(" joined by an invite link"), "{words}");
    }
}

#[tokio::test]
async fn p_invite_5_one_person_who_joins_at_once_and_again_joins_once() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let invite = make(&ann, &thread, json!({"uses_max": 5})).await;
    let token = text(&invite["token"]);
    let answers = join_all((0..20).map(|_| join(&cem, &token))).await;
    let new = answers.iter().filter(|it| it.success()["joined"] == true);
    assert_eq!(new.count(), 1);
    assert!(
        answers
            .iter()
            .all(|it| it.success()["thread"]["id"] == thread)
    );
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"][0]["uses"], 1);
    // A repeat under a key brings nobody back who has left since.
    let keyed = || {
        let call = cem.call(Method::POST, "/api/invites/join").key("join");
        call.json(&json!({"token": token})).send()
    };
    keyed().await.expect(StatusCode::OK);
    let leave = format!("/api/chat/threads/{thread}/leave");
    cem.post(&leave, json!({})).await.expect(StatusCode::OK);
    assert!(keyed().await.is_replay());
    let path = format!("/api/chat/threads/{thread}");
    cem.get(&path).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn p_invite_6_who_was_taken_out_or_suspended_does_not_come_in() {
    let server = TestServer::start().await;
    let [ann, bob, cem, dan] = server.people(["ann", "bob", "cem", "dan"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let invite = make(&ann, &thread, json!({})).await;
    let token = text(&invite["token"]);
    let path = format!("/api/chat/threads/{thread}/participants/cem");
    ann.call(Method::DELETE, &path).send().await.success();
    for refused in [join(&cem, &token).await, look(&cem, &token).await] {
        refused.expect(StatusCode::FORBIDDEN).problem("forbidden");
    }
    let suspend = "/api/operator/people/dan/suspend";
    let why = json!({"reason": "why"});
    server.operator().post(suspend, why).await.success();
    for refused in [join(&dan, &token).await, look(&dan, &token).await] {
        refused.expect(StatusCode::FORBIDDEN).problem("suspended");
    }
    let listed = ann.get(&invites(&thread)).await.success();
    assert_eq!(listed["invites"][0]["uses"], 0);
}
