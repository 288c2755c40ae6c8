//! What a repeat gets: content, concurrency, scope, expiry.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use semel_server::jobs::prune_answers_now;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::{Answer, Client, IDEMPOTENCY_MS, TestServer, client_id, messages, text};

const CREATE: &str = "/api/chat/create-or-get";

async fn separate_group(who: &Client, key: &str) -> Answer {
    let body = json!({"participants": ["bob"], "thread_type": "group", "distinct": false});
    who.call(Method::POST, CREATE)
        .key(key)
        .json(&body)
        .send()
        .await
}

async fn thread_count(who: &Client) -> usize {
    let page = who.get("/api/chat/threads").await.success();
    page["threads"].as_array().unwrap().len()
}

#[tokio::test]
async fn ec_r01_a_replay_has_the_same_status_body_and_location_and_is_marked() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    let again = separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    assert!(!first.is_replay() && again.is_replay());
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(first.header("content-type"), again.header("content-type"));
    ann.get(first.header("location"))
        .await
        .expect(StatusCode::OK);
}

#[tokio::test]
async fn ec_r02_a_replay_tells_what_was_even_if_it_has_changed_since() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = separate_group(&ann, "k").await;
    let id = text(&first.success()["thread"]["id"]);
    let change = json!({"title": "another"});
    let path = format!("/api/chat/threads/{id}");
    ann.call(Method::PATCH, &path)
        .json(&change)
        .send()
        .await
        .expect(StatusCode::OK);
    let again = separate_group(&ann, "k").await;
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn ec_r04_a_refusal_is_stored_and_replayed_whatever_changed_since() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let call = |key: &str| {
        let body = json!({"participants": ["bob"], "message_content": "hi"});
        ann.call(Method::POST, "/api/chat/start-conversation")
            .key(key)
            .json(&body)
            .send()
    };
    let first = call("k").await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(first.problem("unknown_users")["user_ids"], json!(["bob"]));
    server.people(["bob"]).await;
    let again = call("k").await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
    call("new").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn ec_r05_a_401_is_not_stored() {
    let server = TestServer::start().await;
    let [mut ann, _] = server.people(["ann", "bob"]).await;
    let token = ann.token.replace("no.token.here".to_owned());
    separate_group(&ann, "k")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    ann.token = token;
    let answer = separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    assert!(!answer.is_replay());
}

#[tokio::test]
async fn ec_r07_a_failure_of_the_store_is_not_stored() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    server.app.ledger.close().await;
    let failed = separate_group(&ann, "k")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(!failed.header("retry-after").is_empty());
    let server = server.restart().await;
    let ann = server.user("ann");
    let answer = separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    assert!(!answer.is_replay());
    assert_eq!(thread_count(&ann).await, 1);
}

#[tokio::test]
async fn ec_r08_a_body_that_cannot_be_read_leaves_its_key_free() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let bad = ann
        .call(Method::POST, CREATE)
        .key("k")
        .text("{")
        .send()
        .await;
    bad.expect(StatusCode::BAD_REQUEST)
        .problem("malformed_body");
    assert!(
        !separate_group(&ann, "k")
            .await
            .expect(StatusCode::CREATED)
            .is_replay()
    );
}

#[tokio::test]
async fn req_c2_answers_outlive_the_server() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = separate_group(&ann, "k").await;
    let server = server.restart().await;
    let again = separate_group(&server.user("ann"), "k").await;
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn ec_c01_req_c4_fifty_at_once_have_one_effect_and_one_answer() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let ann = ann.clone();
        calls.spawn(async move { separate_group(&ann, "k").await });
    }
    let answers = calls.join_all().await;
    let firsts = answers.iter().filter(|answer| !answer.is_replay()).count();
    assert_eq!(firsts, 1);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::CREATED);
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(thread_count(&ann).await, 1);
}

#[tokio::test]
async fn ec_c05_another_body_beside_the_first_is_never_executed() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut calls = JoinSet::new();
    for n in 0..20 {
        let (ann, path) = (ann.clone(), messages(&thread));
        let body = json!({"client_id": client_id(), "content": format!("words {n}")});
        calls.spawn(async move {
            ann.call(Method::POST, &path)
                .key("k")
                .json(&body)
                .send()
                .await
        });
    }
    let answers = calls.join_all().await;
    let made = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    assert_eq!(made, 1);
    for answer in answers
        .iter()
        .filter(|answer| answer.status != StatusCode::CREATED)
    {
        answer.problem("idempotency_key_reused");
    }
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ec_c10_fifty_writers_with_keys_of_their_own_all_succeed() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut calls = JoinSet::new();
    for n in 0..50 {
        let (ann, path) = (ann.clone(), messages(&thread));
        let body = json!({"client_id": client_id(), "content": "words"});
        calls.spawn(async move {
            ann.call(Method::POST, &path)
                .key(&format!("k{n}"))
                .json(&body)
                .send()
                .await
        });
    }
    let mut seqs = Vec::new();
    for answer in calls.join_all().await {
        let answer = answer.expect(StatusCode::CREATED).success();
        seqs.push(answer["message"]["seq"].as_u64().unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn ec_f04_a_client_that_hangs_up_gets_its_one_result_later() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "words"});
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let text = body.to_string();
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
        messages(&thread),
        ann.token.as_ref().unwrap(),
        text.len(),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    drop(stream);
    let again = ann
        .call(Method::POST, &messages(&thread))
        .key("k")
        .json(&body)
        .send()
        .await;
    again.expect(StatusCode::CREATED);
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ec_f05_a_client_that_hangs_up_in_its_body_has_no_effect() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST {CREATE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nidempotency-key: k\r\n\
         content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{\"participants\":[\"bob\"]",
        ann.token.as_ref().unwrap(),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The server has done with the request when it closes its side.
    let mut rest = Vec::new();
    let closed = stream.read_to_end(&mut rest);
    tokio::time::timeout(Duration::from_secs(10), closed)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(thread_count(&ann).await, 0);
    assert!(
        !separate_group(&ann, "k")
            .await
            .expect(StatusCode::CREATED)
            .is_replay()
    );
}

#[tokio::test]
async fn ec_x01_keys_belong_to_their_user() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["ann", "bob"], "thread_type": "group", "distinct": false});
    let call = |who: &Client| who.call(Method::POST, CREATE).key("k").json(&body).send();
    let of_ann = call(&ann).await.expect(StatusCode::CREATED);
    let of_bob = call(&bob).await.expect(StatusCode::CREATED);
    assert!(!of_bob.is_replay());
    assert_ne!(
        of_ann.success()["thread"]["id"],
        of_bob.success()["thread"]["id"]
    );
}

#[tokio::test]
async fn ec_x04_who_was_removed_gets_the_own_result_again_and_no_new_effect() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let body = json!({"client_id": client_id(), "content": "words"});
    let send = || {
        bob.call(Method::POST, &messages(&thread))
            .key("k")
            .json(&body)
            .send()
    };
    let first = send().await.expect(StatusCode::CREATED);
    let seat = format!("/api/chat/threads/{thread}/participants/bob");
    ann.call(Method::DELETE, &seat)
        .send()
        .await
        .expect(StatusCode::OK);
    let again = send().await.expect(StatusCode::CREATED);
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
    let page = ann.get(&messages(&thread)).await.success();
    let said = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["kind"] == "text");
    assert_eq!(said.count(), 1);
}

#[tokio::test]
async fn ec_x05_the_words_of_a_deleted_message_are_in_no_stored_answer() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "message_content": "a secret"});
    let start = || {
        ann.call(Method::POST, "/api/chat/start-conversation")
            .key("k")
            .json(&body)
            .send()
    };
    let first = start().await.expect(StatusCode::CREATED).success();
    let (thread, message) = (text(&first["thread"]["id"]), text(&first["message"]["id"]));
    let edit = json!({"content": "another secret"});
    let path = format!("{}/{message}", messages(&thread));
    let change = || ann.call(Method::PATCH, &path).key("e").json(&edit).send();
    change().await.expect(StatusCode::OK);
    ann.call(Method::DELETE, &path)
        .send()
        .await
        .expect(StatusCode::OK);
    for again in [start().await, change().await] {
        assert!(again.is_replay());
        assert!(!again.body.contains("secret"), "{}", again.body);
        let shown = again.success()["message"].clone();
        assert!(shown["deleted_at"].is_string(), "{shown}");
    }
    assert_eq!(bob.get(&path).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn ec_x07_a_key_counts_for_a_day() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = separate_group(&ann, "k").await;
    server.clock.advance_ms(IDEMPOTENCY_MS - 60_000);
    let ann = server.user("ann");
    let before = separate_group(&ann, "k").await;
    assert!(before.is_replay());
    assert_eq!(before.body, first.body);
    server.clock.advance_ms(120_000);
    let after = separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    assert!(!after.is_replay());
    assert_ne!(after.body, first.body);
}

#[tokio::test]
async fn ec_x08_an_expired_key_is_taken_over_once_under_a_race() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    separate_group(&ann, "k").await.expect(StatusCode::CREATED);
    server.clock.advance_ms(IDEMPOTENCY_MS + 1);
    let ann = server.user("ann");
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let ann = ann.clone();
        calls.spawn(async move { separate_group(&ann, "k").await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(thread_count(&ann).await, 2);
}

#[tokio::test]
async fn ec_x10_a_late_retry_finds_what_its_client_id_named() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "thread_type": "group", "distinct": false, "client_id": client_id()});
    let first = ann
        .call(Method::POST, CREATE)
        .key("k")
        .json(&body)
        .send()
        .await;
    let id = first.expect(StatusCode::CREATED).success()["thread"]["id"].clone();
    server.clock.advance_ms(IDEMPOTENCY_MS * 30);
    let ann = server.user("ann");
    let late = ann
        .call(Method::POST, CREATE)
        .key("k")
        .json(&body)
        .send()
        .await;
    let late = late.expect(StatusCode::OK);
    assert!(!late.is_replay());
    assert_eq!(late.success()["thread"]["id"], id);
    assert_eq!(thread_count(&ann).await, 1);
}

#[tokio::test]
async fn req_c5_expired_answers_are_removed_and_counted() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    for n in 0..7 {
        separate_group(&ann, &format!("old-{n}"))
            .await
            .expect(StatusCode::CREATED);
    }
    server.clock.advance_ms(IDEMPOTENCY_MS + 1);
    let ann = server.user("ann");
    separate_group(&ann, "new")
        .await
        .expect(StatusCode::CREATED);
    let expiry = Duration::from_millis(IDEMPOTENCY_MS as u64);
    let app = Arc::clone(&server.app);
    assert_eq!(prune_answers_now(&app, expiry).await, Ok(7));
    assert_eq!(prune_answers_now(&app, expiry).await, Ok(0));
    assert!(separate_group(&ann, "new").await.is_replay());
}
