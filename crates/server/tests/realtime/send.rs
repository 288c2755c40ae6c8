//! What devices send.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::support::{Server, client_id};

const NO_THREAD: &str = "0190b5c8-0000-7000-8000-000000000001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b2_a_message_is_acknowledged_and_comes_to_everybody_in_order() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = ann.say(&thread, "one").await;
    let second = bob.say(&thread, "two").await;
    assert_eq!((&first["seq"], &second["seq"]), (&json!(1), &json!(2)));
    for device in [&mut ann, &mut bob] {
        let entries = device
            .entries(&thread, second["rev"].as_u64().unwrap())
            .await;
        let messages: Vec<_> = entries
            .iter()
            .map(|entry| entry["message"].clone())
            .collect();
        assert_eq!(messages, [first.clone(), second.clone()]);
        assert!(entries.iter().all(|entry| entry["type"] == "message"));
        let summary = device
            .event("conversation_updated", |line| line["last_seq"] == 2)
            .await;
        assert_eq!(summary["last_message"], second);
        assert_eq!(
            (&summary["message_count"], &summary["participant_count"]),
            (&json!(2), &json!(2))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b8_sends_of_one_device_keep_their_order_without_waiting() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    for round in 0..10 {
        let mut numbers = Vec::new();
        for n in 0..50 {
            let content = format!("{round}-{n}");
            let send = json!({"thread_id": thread, "client_id": client_id(), "content": content});
            numbers.push(ann.emit("message:send", &send).await);
        }
        let mut last = 0;
        for number in numbers {
            let answer = ann.ack(number).await;
            let seq = answer["data"]["message"]["seq"].as_u64().unwrap();
            assert!(last < seq, "{last} then {seq}");
            last = seq;
        }
        assert_eq!(last, 50 * (round + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_sends_at_once_are_told_to_wait_and_none_is_lost() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let mut numbers = Vec::new();
    for n in 0..400 {
        let send = json!({"thread_id": thread, "client_id": client_id(), "content": n.to_string()});
        numbers.push(ann.emit("message:send", &send).await);
    }
    let mut stored = 0;
    for number in numbers {
        let answer = ann.ack(number).await;
        if answer["status"] == "success" {
            stored += 1;
        } else {
            assert_eq!(answer["error"]["code"], "rate_limited");
            assert!(answer["error"]["retry_after_ms"].as_u64().unwrap() > 0);
        }
    }
    let page = server
        .http(
            "bob",
            "GET",
            &format!("/api/chat/threads/{thread}"),
            Value::Null,
        )
        .await;
    assert_eq!(page["thread"]["last_seq"], stored);
}

/// Sends one message a hundred times at once: fifty times over HTTP, five times from each of ten devices. The message,
/// which is the same in every answer, and how many of the answers say that they stored it.
async fn hundred_times(server: &Server, thread: &str, client_id: &str) -> (Value, usize) {
    let body = json!({"client_id": client_id, "content": "once"});
    let mut send = body.clone();
    send["thread_id"] = json!(thread);
    let mut tasks = Vec::new();
    for _ in 0..10 {
        let mut device = server.device("ann").await;
        let send = send.clone();
        tasks.push(tokio::spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..5 {
                numbers.push(device.emit("message:send", &send).await);
            }
            let mut answers = Vec::new();
            for number in numbers {
                answers.push(device.ack(number).await["data"].clone());
            }
            answers
        }));
    }
    let path = format!("/api/chat/threads/{thread}/messages");
    let calls = (0..50).map(|_| server.http("ann", "POST", &path, body.clone()));
    let mut answers: Vec<Value> = futures_util::future::join_all(calls).await;
    for task in tasks {
        answers.extend(task.await.unwrap());
    }
    assert_eq!(answers.len(), 100);
    let first = &answers[0]["message"];
    assert!(answers.iter().all(|answer| answer["message"] == *first));
    let stored = answers.iter().filter(|answer| answer["duplicate"] == false);
    (first.clone(), stored.count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b1_ec_m08_ec_m13_story_d7_a_hundred_equal_sends_are_one_message() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let id = client_id();
    let (sent, stored) = hundred_times(&server, &thread, &id).await;
    assert_eq!((&sent["seq"], stored), (&json!(1), 1));

    let server = server.restart().await;
    let again = hundred_times(&server, &thread, &id).await;
    assert_eq!(again, (sent.clone(), 0), "after a restart");

    let path = format!(
        "/api/chat/threads/{thread}/messages/{}",
        sent["id"].as_str().unwrap()
    );
    let edit = json!({"content": "edited"});
    let edited = server.http("ann", "PATCH", &path, edit).await["message"].clone();
    let again = hundred_times(&server, &thread, &id).await;
    assert_eq!(again, (edited, 0), "after an edit");

    let tombstone = server.http("ann", "DELETE", &path, Value::Null).await["message"].clone();
    let again = hundred_times(&server, &thread, &id).await;
    assert_eq!(again, (tombstone, 0), "after a deletion");

    let mut bob = server.device("bob").await;
    let after = bob.say(&thread, "after").await;
    assert_eq!((&after["seq"], &after["rev"]), (&json!(2), &json!(5)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_m20_a_batch_that_names_a_message_twice_has_it_once() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let item = |content: &str| json!({"client_id": client_id(), "content": content});
    let (a, b) = (item("a"), item("b"));
    let batch = json!({"thread_id": thread, "messages": [a, b, a]});
    let results = ann.done("message:send", &batch).await["results"].clone();
    let seqs: Vec<_> = (0..3)
        .map(|n| results[n]["data"]["message"]["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2, 1]);
    assert_eq!(results[2]["data"]["duplicate"], true);
    let contents: HashSet<_> = ann
        .entries(
            &thread,
            results[1]["data"]["message"]["rev"].as_u64().unwrap(),
        )
        .await
        .into_iter()
        .map(|entry| entry["message"]["content"].to_string())
        .collect();
    assert_eq!(contents.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_a8_a_conversation_starts_over_the_socket() {
    let server = Server::start().await;
    server.people(&["bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let start = json!({"participants": ["bob"], "message_content": "hi", "client_id": client_id()});
    let data = ann.done("message:send", &start).await;
    assert_eq!(data["is_existing_thread"], false);
    let thread = data["thread"]["id"].as_str().unwrap();
    let entries = bob.entries(thread, 2).await;
    assert_eq!(entries[0]["type"], "thread_created");
    assert_eq!(entries[1]["message"]["content"], "hi");
    let again = ann.done("message:send", &start).await;
    assert_eq!(again["message"], data["message"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_deletions_and_reactions_are_entries() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let message = ann.say(&thread, "helo").await;
    let at = json!({"thread_id": thread, "message_id": message["id"]});
    let with = |name: &str, value: &str| {
        let mut body = at.clone();
        body[name] = json!(value);
        body
    };
    ann.done("message:edit", &with("content", "hello")).await;
    bob.done("reaction:add", &with("emoji", "👍")).await;
    bob.done("reaction:remove", &with("emoji", "👍")).await;
    bob.refused("message:edit", &with("content", "no")).await;
    let last = ann.done("message:delete", &at).await["message"].clone();
    let entries = bob.entries(&thread, last["rev"].as_u64().unwrap()).await;
    let types: Vec<_> = entries
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    let expected = [
        "message",
        "message_edited",
        "reaction_added",
        "reaction_removed",
        "message_deleted",
    ];
    assert_eq!(types, expected);
    assert_eq!(entries[4]["message"], last);
    assert_eq!(last["content"], "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_c1_a_key_gives_the_first_answer_again() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let message = ann.say(&thread, "one").await;
    let edit = |content: &str| {
        json!({
            "thread_id": thread, "message_id": message["id"], "content": content,
            "idempotency_key": "edit-1",
        })
    };
    let first = ann.call("message:edit", &edit("two")).await;
    let newer = json!({"thread_id": thread, "message_id": message["id"], "content": "three"});
    ann.done("message:edit", &newer).await;
    assert_eq!(ann.call("message:edit", &edit("two")).await, first);
    let reused = ann.refused("message:edit", &edit("four")).await;
    assert_eq!(reused["code"], "idempotency_key_reused");
    let bad = json!({"thread_id": thread, "message_id": message["id"], "idempotency_key": "a b"});
    assert_eq!(
        ann.refused("message:delete", &bad).await["code"],
        "invalid_idempotency_key"
    );
    let last = ann.say(&thread, "end").await["rev"].as_u64().unwrap();
    let entries = ann.entries(&thread, last).await;
    assert_eq!(entries[entries.len() - 2]["message"]["content"], "three");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d11_bad_input_is_answered_and_harms_nothing() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    for (event, data, code, pointer) in bad_input(&thread) {
        let problem = ann.refused(event, &data).await;
        assert_eq!(problem["code"], code, "{event} {data}: {problem}");
        if let Some(pointer) = pointer {
            assert_eq!(
                problem["errors"][0]["pointer"], pointer,
                "{event} {data}: {problem}"
            );
        }
    }
    let many = json!({"user_ids": (0..201).map(|n| n.to_string()).collect::<Vec<_>>()});
    let problem = ann.refused("presence", &many).await;
    assert_eq!(problem["errors"][0]["pointer"], "/user_ids");
    ann.say(&thread, "still here").await;
}

/// An event, what it carries, and what is wrong with it.
type Bad = (&'static str, Value, &'static str, Option<&'static str>);

fn bad_input(thread: &str) -> Vec<Bad> {
    vec![
        ("fly", json!({}), "unknown_event", None),
        ("message:send", json!(7), "invalid_request", Some("")),
        (
            "message:send",
            json!({}),
            "invalid_request",
            Some("/thread_id"),
        ),
        (
            "message:send",
            json!({"participants": "bob"}),
            "invalid_request",
            Some("/participants"),
        ),
        (
            "message:edit",
            json!({"thread_id": 1}),
            "invalid_request",
            Some("/thread_id"),
        ),
        (
            "read",
            json!({"thread_id": thread, "seq": -1}),
            "invalid_request",
            Some("/seq"),
        ),
        (
            "sync",
            json!({"threads": {"x": {"rev": 1}}}),
            "invalid_request",
            None,
        ),
        (
            "sync",
            json!({"cursor": "%"}),
            "invalid_request",
            Some("/cursor"),
        ),
        (
            "typing",
            json!({"thread_id": thread, "typing": "yes"}),
            "invalid_request",
            Some("/typing"),
        ),
        (
            "presence",
            json!({"user_ids": [""]}),
            "invalid_request",
            Some("/user_ids/0"),
        ),
        (
            "thread:open",
            json!({"thread_id": thread, "x": 1}),
            "invalid_request",
            Some("/x"),
        ),
        (
            "typing",
            json!({"thread_id": NO_THREAD, "typing": true}),
            "not_found",
            None,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_what_is_not_yours_is_not_there() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let message = server.device("ann").await.say(&thread, "ours").await["id"].clone();
    let mut eve = server.device("eve").await;
    let at = json!({"thread_id": thread, "message_id": message});
    let with = |fields: &[(&str, Value)]| {
        let mut body = json!({"thread_id": thread});
        for (name, value) in fields {
            body[*name] = value.clone();
        }
        body
    };
    let send = with(&[
        ("client_id", json!(client_id())),
        ("content", json!("let me in")),
    ]);
    for (event, body) in [
        ("message:send", send),
        ("message:delete", at),
        ("typing", with(&[("typing", json!(true))])),
        ("read", with(&[("seq", json!(1))])),
    ] {
        assert_eq!(
            eve.refused(event, &body).await["code"],
            "not_found",
            "{event}"
        );
    }
}
