//! What devices missed.

use serde_json::{Value, json};

use super::support::{Server, client_id};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_l6_edits_deletions_and_reactions_made_offline_appear() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let (one, two) = (ann.say(&thread, "one").await, ann.say(&thread, "two").await);
    let mut bob = server.device("bob").await;
    let before = bob.done("sync", &json!({})).await;
    let head = &before["threads"][0];
    let cursor =
        json!({"rev": head["head_rev"], "chain": head["thread"]["chain"], "epoch": head["epoch"]});
    bob.hang_up().await;
    let edit = json!({"thread_id": thread, "message_id": one["id"], "content": "uno"});
    ann.done("message:edit", &edit).await;
    let react = json!({"thread_id": thread, "message_id": one["id"], "emoji": "👋"});
    ann.done("reaction:add", &react).await;
    let delete = json!({"thread_id": thread, "message_id": two["id"]});
    ann.done("message:delete", &delete).await;
    let mut bob = server.device("bob").await;
    let ask = json!({
        "threads": {&thread: cursor}, "since": before["since"], "incarnation": before["incarnation"],
    });
    let missed = bob.done("sync", &ask).await;
    let entries = missed["threads"][0]["entries"].as_array().unwrap();
    let types: Vec<_> = entries
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["message_edited", "reaction_added", "message_deleted"]
    );
    assert_eq!(entries[1]["message"]["content"], "uno");
    assert_eq!(entries[2]["message"]["content"], "");
    assert_eq!(missed["threads"][0]["too_old"], false);
    // A cursor of another database is of no use, however well it fits.
    let elsewhere = json!({"threads": {&thread: cursor}, "incarnation": "another"});
    let anew = bob.done("sync", &elsewhere).await;
    assert_eq!(anew["threads"][0]["too_old"], true);
    assert_eq!(anew["threads"][0]["messages"][0]["content"], "uno");
    // Nothing moved since: nothing is sent.
    let last = missed["threads"][0]["head_rev"].clone();
    let ask = json!({"threads": {&thread: {"rev": last}}, "since": missed["since"]});
    assert_eq!(bob.done("sync", &ask).await["threads"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_l9_too_far_behind_is_a_normal_answer() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let mut last = json!(0);
    for _ in 0..101 {
        let item = |n: usize| json!({"client_id": client_id(), "content": n.to_string()});
        let messages: Vec<Value> = (0..100).map(item).collect();
        let batch = json!({"thread_id": thread, "messages": messages});
        let results = ann.done("message:send", &batch).await["results"].clone();
        last = results[99]["data"]["message"]["rev"].clone();
    }
    let mut bob = server.device("bob").await;
    let ask = json!({"threads": {&thread: {"rev": 1}}});
    let answer = bob.done("sync", &ask).await["threads"][0].clone();
    assert_eq!(answer["too_old"], true);
    assert_eq!(answer["head_rev"], last);
    assert_eq!(answer["entries"], json!([]));
    let messages = answer["messages"].as_array().unwrap();
    assert_eq!(messages.last().unwrap()["seq"], 10_100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_gets_its_threads_and_their_newest_messages() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    ann.say(&thread, "hello").await;
    let mut bob = server.device("bob").await;
    let answer = bob.done("sync", &json!({})).await;
    let found = &answer["threads"][0];
    assert_eq!(found["thread"]["id"], json!(thread));
    assert_eq!(found["messages"][0]["content"], "hello");
    assert_eq!(found["entries"], json!([]));
    assert_eq!(answer["contacts"][0]["user"]["user_id"], "ann");
    let mut names: Vec<_> = answer["profiles"].as_array().unwrap().clone();
    names.sort_by_key(|user| user["user_id"].to_string());
    assert_eq!(names[0]["user_id"], "ann");
    assert_eq!(answer["next_cursor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b5_a_thread_that_was_left_is_told_as_left() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    server
        .http(
            "bob",
            "POST",
            &format!("/api/chat/threads/{thread}/leave"),
            Value::Null,
        )
        .await;
    let mut bob = server.device("bob").await;
    let ask = json!({"threads": {&thread: {"rev": 1}}});
    let answer = bob.done("sync", &ask).await;
    assert_eq!(answer["left"], json!([thread]));
    assert_eq!(answer["threads"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b5_what_comes_while_a_device_syncs_is_neither_lost_nor_doubled() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let address = server.address;
    let total = 200;
    let sender = tokio::spawn({
        let thread = thread.clone();
        async move {
            for n in 0..total {
                ann.say(&thread, &n.to_string()).await;
            }
        }
    });
    let mut rev = 0_u64;
    while rev < total + 1 {
        let auth = json!({"token": server.token("bob")});
        let mut bob = super::support::Device::connect(address, &auth)
            .await
            .unwrap();
        let ask = match rev {
            0 => json!({}),
            rev => json!({"threads": {&thread: {"rev": rev}}}),
        };
        let answer = bob.done("sync", &ask).await;
        for found in answer["threads"].as_array().unwrap() {
            for entry in found["entries"].as_array().unwrap() {
                rev += 1;
                assert_eq!(entry["rev"], rev);
            }
            assert!(rev == 0 || found["more"] == true || found["head_rev"] == rev);
            rev = rev.max(found["head_rev"].as_u64().unwrap());
        }
        for _ in 0..20 {
            if rev > total {
                break;
            }
            let entry = bob.event("entry", |_| true).await;
            let next = entry["rev"].as_u64().unwrap();
            assert!(next <= rev + 1, "a gap after {rev}: {next}");
            rev = rev.max(next);
        }
    }
    sender.await.unwrap();
}
