//! Publishing and receiving, and what went wrong elsewhere: lost, doubled and reordered deliveries.

use serde_json::{Value, json};

use super::support::{Device, Server, client_id};

fn revs(entries: &[Value]) -> Vec<u64> {
    entries
        .iter()
        .map(|entry| entry["rev"].as_u64().unwrap())
        .collect()
}

fn rev(message: &Value) -> u64 {
    message["rev"].as_u64().unwrap()
}

/// Entries of the log after a place, as they are stored.
async fn stored(server: &Server, who: &str, thread: &str, after: u64) -> Vec<Value> {
    let path = format!("/api/chat/threads/{thread}/entries?after_rev={after}&limit=500");
    let page = server.http(who, "GET", &path, Value::Null).await;
    page["entries"].as_array().unwrap().clone()
}

/// What a device that holds a thread up to a rev is missing, from as many pages as there are.
async fn missed(device: &mut Device, thread: &str, from: u64) -> Vec<Value> {
    let (mut entries, mut head) = (Vec::new(), from);
    loop {
        let ask = json!({"threads": {thread: {"rev": head}}});
        let answer = device.done("sync", &ask).await;
        let Some(news) = answer["threads"].as_array().unwrap().first() else {
            return entries;
        };
        assert_eq!(news["too_old"], false);
        let page = news["entries"].as_array().unwrap();
        entries.extend(page.iter().cloned());
        head += page.len() as u64;
        if news["more"] == false {
            assert_eq!(news["head_rev"], head);
            return entries;
        }
    }
}

/// Says so much that a thread has many more messages.
async fn say_many(device: &mut Device, thread: &str, count: usize) {
    let mut left = count;
    while left > 0 {
        let size = left.min(100);
        let item = |n: usize| json!({"client_id": client_id(), "content": n.to_string()});
        let messages: Vec<Value> = (0..size).map(item).collect();
        let batch = json!({"thread_id": thread, "messages": messages});
        let data = device.done("message:send", &batch).await;
        assert_eq!(data["results"].as_array().unwrap().len(), size);
        left -= size;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_o01_what_was_committed_and_not_told_is_there_after_a_restart() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let told = rev(&ann.say(&thread, "told").await);
    bob.entries(&thread, told).await;
    server.wire.cut();
    let untold = ann.say(&thread, "committed, then the server ended").await;
    let server = server.restart().await;
    let mut bob = server.device("bob").await;
    let entries = missed(&mut bob, &thread, told).await;
    assert_eq!(revs(&entries), [told + 1]);
    assert_eq!(entries[0]["message"], untold);
    // And what is said now comes after it.
    let mut ann = server.device("ann").await;
    let next = rev(&ann.say(&thread, "next").await);
    assert_eq!(revs(&bob.entries(&thread, next).await), [told + 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_o02_ec_o05_ec_o08_what_is_told_twice_is_delivered_once() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = rev(&ann.say(&thread, "told").await);
    bob.entries(&thread, first).await;
    server.wire.cut();
    for n in 0..3 {
        ann.say(&thread, &n.to_string()).await;
    }
    let news = server.wire.untold();
    server.wire.mend();
    // Two who publish, each everything, one behind the other and mixed.
    let mixed = news.iter().flat_map(|news| [news.clone(), news.clone()]);
    server.wire.tell(mixed.collect());
    server.wire.tell(news);
    let last = rev(&ann.say(&thread, "last").await);
    let got = bob.entries(&thread, last).await;
    assert_eq!(revs(&got), (first + 1..=last).collect::<Vec<_>>());
    let later = bob.settle().await;
    assert!(later.iter().all(|(name, _)| name != "entry"), "{later:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_o04_ec_o07_what_is_told_in_the_wrong_order_is_delivered_in_the_right_one() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = rev(&ann.say(&thread, "told").await);
    bob.entries(&thread, first).await;
    server.wire.cut();
    for n in 0..3 {
        ann.say(&thread, &n.to_string()).await;
    }
    let mut news = server.wire.untold();
    assert_eq!(news.len(), 3);
    server.wire.mend();
    news.swap(1, 2);
    news.rotate_left(1);
    server.wire.tell(news);
    let last = rev(&ann.say(&thread, "last").await);
    let got = bob.entries(&thread, last).await;
    assert_eq!(revs(&got), (first + 1..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_d13_delivering_again_stores_nothing_again() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let last = rev(&ann.say(&thread, "hello").await);
    let before = stored(&server, "ann", &thread, 0).await;
    for _ in 0..20 {
        let mut bob = server.device("bob").await;
        let entries = missed(&mut bob, &thread, 0).await;
        assert_eq!(entries, before);
        bob.hang_up().await;
    }
    assert_eq!(stored(&server, "ann", &thread, 0).await, before);
    assert_eq!(before.len() as u64, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_d15_story_l7_a_hundred_resumes_do_not_drift() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let mut head = 1;
    for n in 0..100 {
        if n % 3 > 0 {
            ann.say(&thread, &n.to_string()).await;
        }
        let mut bob = server.device("bob").await;
        let entries = missed(&mut bob, &thread, head).await;
        let expected = u64::from(n % 3 > 0);
        assert_eq!(
            revs(&entries),
            (head + 1..=head + expected).collect::<Vec<_>>()
        );
        head += expected;
        let live = rev(&ann.say(&thread, "live").await);
        // What was committed just before the resume may also come live: a device ignores what it has.
        let mut pushed = revs(&bob.entries(&thread, live).await);
        pushed.retain(|rev| *rev > head);
        assert_eq!(pushed, [head + 1]);
        head += 1;
        bob.hang_up().await;
    }
    assert_eq!(stored(&server, "bob", &thread, head - 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_l4_one_to_ten_thousand_missed_messages_come_whole() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let mut head = 1;
    for count in [1, 2, 499, 500, 501, 8_000] {
        say_many(&mut ann, &thread, count).await;
        let mut bob = server.device("bob").await;
        let entries = missed(&mut bob, &thread, head).await;
        let end = head + count as u64;
        assert_eq!(revs(&entries), (head + 1..=end).collect::<Vec<_>>());
        head = end;
    }
    // All of it, for a device that holds the beginning only.
    let mut bob = server.device("bob").await;
    let entries = missed(&mut bob, &thread, 1).await;
    assert_eq!(revs(&entries), (2..=head).collect::<Vec<_>>());
    let seqs = entries
        .iter()
        .map(|entry| entry["message"]["seq"].as_u64().unwrap());
    assert!(seqs.eq(1..head));
}

/// The cable is pulled: nothing tells the server that the connection is dead, and what it writes goes nowhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_l10_what_was_written_to_a_dead_connection_comes_on_the_next() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut dead) = (server.device("ann").await, server.device("bob").await);
    let seen = rev(&ann.say(&thread, "seen").await);
    dead.entries(&thread, seen).await;
    for n in 0..50 {
        ann.say(&thread, &n.to_string()).await;
    }
    assert_eq!(server.realtime.device_count(), 2, "nobody knows");
    let mut alive = server.device("bob").await;
    let entries = missed(&mut alive, &thread, seen).await;
    assert_eq!(revs(&entries), (seen + 1..=seen + 50).collect::<Vec<_>>());
    let last = rev(&ann.say(&thread, "both").await);
    assert_eq!(revs(&alive.entries(&thread, last).await), [last]);
    drop(dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_d12_what_one_device_missed_is_told_to_it_alone() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cy"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let mut cy = server.device("cy").await;
    cy.settle().await;
    cy.hang_up().await;
    let last = rev(&ann.say(&thread, "to both").await);
    assert_eq!(revs(&bob.entries(&thread, last).await), [last]);
    let mut cy = server.device("cy").await;
    assert_eq!(revs(&missed(&mut cy, &thread, 1).await), [last]);
    let later = bob.settle().await;
    assert!(later.iter().all(|(name, _)| name != "entry"), "{later:?}");
    assert_eq!(stored(&server, "bob", &thread, 0).await.len() as u64, last);
}

/// The sender's own message comes in the log where it is stored, however its acknowledgement hurries ahead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_o4_the_own_message_comes_after_older_ones_of_others() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    server.wire.cut();
    bob.say(&thread, "older, and not told yet").await;
    let own = ann.say(&thread, "own").await;
    assert_eq!(own["seq"], 2, "acknowledged with its place");
    let news = server.wire.untold();
    server.wire.mend();
    server.wire.tell(news);
    let got = ann.entries(&thread, rev(&own)).await;
    // That the group was made may still be told, since it was made just before: it has no message.
    let seqs: Vec<_> = got
        .iter()
        .filter_map(|entry| entry["message"]["seq"].as_u64())
        .collect();
    assert_eq!(seqs, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b5_each_device_of_a_person_gets_everything_once() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let mut heads = [1_u64; 3];
    for round in 0..6 {
        for n in 0..4 {
            ann.say(&thread, &format!("{round} {n}")).await;
        }
        // One of the three is back, and is told live what comes while it is there.
        let head = &mut heads[round % 3];
        let mut device = server.device("bob").await;
        let entries = missed(&mut device, &thread, *head).await;
        *head += entries.len() as u64;
        let live = rev(&ann.say(&thread, "live").await);
        let mut told = revs(&device.entries(&thread, live).await);
        // What was acknowledged before the device came may still be told after it asked: it knows that by its `rev`.
        told.retain(|rev| rev > head);
        assert_eq!(told, [*head + 1]);
        *head += 1;
        device.hang_up().await;
    }
    for head in heads {
        let mut device = server.device("bob").await;
        let entries = missed(&mut device, &thread, head).await;
        assert_eq!(revs(&entries), (head + 1..=31).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_c3_a_key_is_the_same_over_http_and_over_the_socket() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    let send = json!({
        "thread_id": thread, "client_id": client_id(), "content": "hi", "idempotency_key": "k",
    });
    let first = ann.done("message:send", &send).await;
    let path = format!("/api/chat/threads/{thread}/messages");
    let url = format!("http://{}{path}", server.address);
    let body = json!({"client_id": client_id(), "content": "other"});
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(server.token("ann"));
    let answer = request.header("idempotency-key", "k").json(&body);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["code"], "idempotency_key_reused");
    let server = server.restart().await;
    let mut ann = server.device("ann").await;
    assert_eq!(
        ann.done("message:send", &send).await,
        first,
        "after a restart"
    );
    assert_eq!(stored(&server, "ann", &thread, 0).await.len(), 2);
}
