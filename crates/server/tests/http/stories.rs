//! What went wrong elsewhere, and corners of replays that have no better place.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Client, TestServer, client_id, messages, text};

const CREATE: &str = "/api/chat/create-or-get";

async fn view(who: &Client, thread: &str) -> Value {
    let path = format!("/api/chat/threads/{thread}");
    who.get(&path).await.success()["thread"].clone()
}

/// The same call with the same key, three times: the answers.
async fn thrice(who: &Client, method: &Method, path: &str, body: Option<&Value>) -> [Answer; 3] {
    let send = || {
        let call = who.call(method.clone(), path).key("thrice");
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        call.send()
    };
    [send().await, send().await, send().await]
}

#[tokio::test]
async fn ec_h19_put_patch_and_delete_are_replayed() {
    for (method, end) in [
        (Method::PUT, "/reactions/👍"),
        (Method::PATCH, ""),
        (Method::DELETE, "/reactions/👎"),
        (Method::DELETE, ""),
    ] {
        let server = TestServer::start().await;
        let [ann, bob] = server.people(["ann", "bob"]).await;
        let thread = ann.direct(&bob).await;
        let message = text(&ann.say(&thread, "hi").await["id"]);
        let path = format!("{}/{message}", messages(&thread));
        let other = ann.call(Method::PUT, &format!("{path}/reactions/👎"));
        other.send().await.expect(StatusCode::OK);
        let body = json!({"content": "edited"});
        let body = (method == Method::PATCH).then_some(&body);
        let before = view(&ann, &thread).await["last_rev"].as_u64().unwrap();
        let [first, second, third] = thrice(&ann, &method, &format!("{path}{end}"), body).await;
        assert!(!first.is_replay() && second.is_replay() && third.is_replay());
        for again in [second, third] {
            assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
        }
        assert_eq!(
            view(&ann, &thread).await["last_rev"],
            before + 1,
            "{method} {end}"
        );
    }
}

#[tokio::test]
async fn ec_h19_a_late_retry_of_a_reaction_does_not_bring_it_back() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = text(&ann.say(&thread, "hi").await["id"]);
    let path = format!("{}/{message}/reactions/👍", messages(&thread));
    let put = || bob.call(Method::PUT, &path).key("put").send();
    let first = put().await.expect(StatusCode::OK);
    let delete = bob.call(Method::DELETE, &path).key("delete").send().await;
    delete.expect(StatusCode::OK);
    assert_eq!(put().await.body, first.body);
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"][0]["reactions"], json!([]));
}

#[tokio::test]
async fn ec_r10_a_replay_has_every_header_of_the_first_answer_as_it_was() {
    let server = TestServer::start().await;
    let operator = server.operator();
    let path = "/api/users/a%2C%20b%3B%20expires%3DMon%2C%2021%2FJan";
    let [first, again, _] = thrice(&operator, &Method::PUT, path, Some(&json!({}))).await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert!(!first.is_replay() && again.is_replay());
    assert_eq!(first.header("location"), path);
    let names = first.headers.keys().chain(again.headers.keys());
    let of_each_answer = ["idempotent-replayed", "x-request-id", "date"];
    for name in names.filter(|name| !of_each_answer.contains(&name.as_str())) {
        let values = |answer: &Answer| {
            let values = answer.headers.get_all(name).iter().cloned();
            values.collect::<Vec<_>>()
        };
        assert_eq!(values(&first), values(&again), "{name}");
    }
    let there = operator.get(again.header("location")).await.success();
    assert_eq!(there["user"]["user_id"], "a, b; expires=Mon, 21/Jan");
}

#[tokio::test]
async fn ec_r11_what_encodings_a_client_takes_changes_no_answer() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "message_content": "words ".repeat(1_000)});
    let mut answers = Vec::new();
    for encoding in ["gzip, br", "identity", "gzip;q=0, *;q=0.1"] {
        let call = ann
            .call(Method::POST, "/api/chat/start-conversation")
            .key("k");
        let answer = call
            .header("accept-encoding", encoding)
            .json(&body)
            .send()
            .await;
        assert_eq!(answer.header("content-encoding"), "");
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
        answers.push(answer.expect(StatusCode::CREATED));
    }
    assert!(answers[1].is_replay() && answers[2].is_replay());
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
}

/// The largest answer that a mutation has: a hundred people with long names, and a message of the greatest length.
#[tokio::test]
async fn ec_r14_the_largest_answer_is_replayed_whole() {
    let server = TestServer::start().await;
    let operator = server.operator();
    let people: Vec<String> = (0..150).map(|n| format!("{n:064}")).collect();
    for id in &people {
        let profile = json!({"display_name": "名".repeat(100)});
        let call = operator.call(Method::PUT, &format!("/api/users/{id}"));
        call.json(&profile).send().await.expect(StatusCode::CREATED);
    }
    let words = "\u{1F600}".repeat(16_000);
    let body = json!({"participants": people, "message_content": words, "thread_type": "group"});
    let path = "/api/chat/start-conversation";
    let [first, again, third] = thrice(&operator, &Method::POST, path, Some(&body)).await;
    assert!(first.body.len() > 100_000, "{}", first.body.len());
    assert_eq!(
        first.expect(StatusCode::CREATED).success()["message"]["content"],
        words
    );
    assert!(again.is_replay() && third.is_replay());
    assert_eq!(again.body, third.body);
    assert_eq!(again.success()["message"]["content"], words);
}

/// There is no mutation without a token yet, so nothing of a stranger's is stored under a key.
#[tokio::test]
async fn ec_x02_strangers_share_no_keys() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"]});
    let call = |who: &Client| who.call(Method::POST, CREATE).key("k").json(&body).send();
    let stranger = server.stranger();
    for _ in 0..2 {
        let refused = call(&stranger).await.expect(StatusCode::UNAUTHORIZED);
        assert!(!refused.is_replay());
    }
    assert!(!call(&ann).await.expect(StatusCode::CREATED).is_replay());
    let refused = call(&stranger).await.expect(StatusCode::UNAUTHORIZED);
    assert!(!refused.is_replay());
}

#[tokio::test]
async fn ec_k06_a_late_retry_of_an_invitation_brings_nobody_back() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let path = format!("/api/chat/threads/{thread}");
    let join = || {
        let call = ann
            .call(Method::POST, &format!("{path}/expand"))
            .key("join");
        call.json(&json!({"new_participants": ["cem"]})).send()
    };
    let leave = || {
        cem.call(Method::POST, &format!("{path}/leave"))
            .key("leave")
            .send()
    };
    let joined = join().await.expect(StatusCode::OK);
    let left = leave().await.expect(StatusCode::OK);
    assert_eq!(leave().await.body, left.body);
    let late = join().await;
    assert!(late.is_replay());
    assert_eq!(late.body, joined.body);
    assert_eq!(view(&ann, &thread).await["participant_count"], 2);
    cem.get(&path).await.expect(StatusCode::NOT_FOUND);
}

/// Without a key: leaving again finds the thread gone, and changes nothing.
#[tokio::test]
async fn ec_k06_leaving_twice_leaves_once() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let path = format!("/api/chat/threads/{thread}/leave");
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        let (cem, path) = (cem.clone(), path.clone());
        calls.spawn(async move { cem.post(&path, json!({})).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().any(|answer| answer.status == StatusCode::OK));
    assert!(
        answers
            .iter()
            .all(|answer| !answer.status.is_server_error())
    );
    let now = view(&ann, &thread).await;
    assert_eq!(
        (&now["participant_count"], &now["last_rev"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn story_d6_many_keys_of_one_person_are_in_flight_at_once() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut calls = JoinSet::new();
    let bodies = (0..60).map(|n| json!({"client_id": client_id(), "content": format!("{n}")}));
    let bodies = bodies.collect::<Vec<_>>();
    for round in 0..4 {
        for n in 0..bodies.len() {
            let number = (n * 7 + round * 13) % bodies.len();
            let (ann, path, body) = (ann.clone(), messages(&thread), bodies[number].clone());
            calls.spawn(async move {
                let call = ann.call(Method::POST, &path).key(&format!("k{number}"));
                (number, call.json(&body).send().await)
            });
        }
    }
    let mut bodies_by_number = BTreeSet::new();
    for (number, answer) in calls.join_all().await {
        bodies_by_number.insert((number, answer.expect(StatusCode::CREATED).body));
    }
    assert_eq!(bodies_by_number.len(), 60, "one answer under each key");
    assert_eq!(view(&ann, &thread).await["last_seq"], 60);
}

#[tokio::test]
async fn story_d9_every_repeat_is_a_success() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = json!({"client_id": client_id(), "content": "hi"});
    let id = text(
        &ann.post(&messages(&thread), message.clone())
            .await
            .success()["message"]["id"],
    );
    let path = format!("{}/{id}", messages(&thread));
    let edit = json!({"content": "ho"});
    for _ in 0..3 {
        ann.post(&messages(&thread), message.clone())
            .await
            .success();
        ann.call(Method::PATCH, &path)
            .json(&edit)
            .send()
            .await
            .success();
        let reaction = format!("{path}/reactions/👍");
        ann.call(Method::PUT, &reaction).send().await.success();
        let read = format!("/api/chat/threads/{thread}/read");
        bob.post(&read, json!({"seq": 1})).await.success();
        ann.post(CREATE, json!({"participants": ["bob"]}))
            .await
            .success();
    }
    for _ in 0..3 {
        ann.call(Method::DELETE, &path).send().await.success();
    }
    assert_eq!(view(&ann, &thread).await["last_rev"], 5);
}

#[tokio::test]
async fn story_d10_what_is_sent_without_any_id_has_the_key_for_protection() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "message_content": "hi"});
    let path = "/api/chat/start-conversation";
    let [first, again, _] = thrice(&ann, &Method::POST, path, Some(&body)).await;
    assert_eq!(first.body, again.body);
    let thread = text(&first.success()["thread"]["id"]);
    assert_eq!(view(&ann, &thread).await["last_seq"], 1);
    // A call to a thread cannot be made without an id.
    let nameless = ann.post(&messages(&thread), json!({"content": "hi"})).await;
    nameless.invalid("/client_id");
}

/// Titles make no second group of the same people; a direct thread has for each person the other's name.
#[tokio::test]
async fn story_c9_the_same_people_have_one_group() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let mut ids = BTreeSet::new();
    for (who, others, title) in [
        (&ann, ["bob", "cem"], "lunch"),
        (&bob, ["cem", "ann"], "Lunch!"),
        (&cem, ["ann", "bob"], "work"),
    ] {
        let body = json!({"participants": others, "thread_type": "group", "title": title});
        ids.insert(text(
            &who.post(CREATE, body).await.success()["thread"]["id"],
        ));
    }
    assert_eq!(ids.len(), 1);
    let id = ids.first().unwrap();
    assert_eq!(
        view(&cem, id).await["title"],
        "lunch",
        "that of its first creation"
    );
    let direct = ann.direct(&bob).await;
    assert_eq!(view(&ann, &direct).await["title"], "bob");
    assert_eq!(view(&bob, &direct).await["title"], "ann");
}

#[tokio::test]
async fn ec_v14_story_c6_a_changed_profile_changes_no_key() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let (direct, group) = (ann.direct(&bob).await, ann.group(&[&bob]).await);
    let operator = server.operator();
    let rename = operator.call(Method::PUT, "/api/users/bob");
    let renamed = rename.json(&json!({"display_name": "ann"})).send().await;
    renamed.expect(StatusCode::OK);
    assert_eq!(ann.direct(&bob).await, direct);
    assert_eq!(bob.group(&[&ann]).await, group);
}

#[tokio::test]
async fn story_l3_every_thread_counts_for_itself() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let threads = [ann.direct(&bob).await, ann.direct(&cem).await];
    let mut calls = JoinSet::new();
    for n in 0..100 {
        let (ann, thread) = (ann.clone(), threads[n % 2].clone());
        calls.spawn(async move { (n % 2, ann.say(&thread, "x").await["seq"].as_u64().unwrap()) });
    }
    let mut seqs = [BTreeSet::new(), BTreeSet::new()];
    for (thread, seq) in calls.join_all().await {
        seqs[thread].insert(seq);
    }
    for seqs in seqs {
        assert!(seqs.into_iter().eq(1..=50));
    }
}
