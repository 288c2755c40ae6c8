//! What devices are told while the store does not say who is in a thread.

use serde_json::{Value, json};

use super::support::{Server, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_nobody_is_told_of_a_thread_before_it_is_known_who_is_in_it() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cy"]).await;
    let (mut ann, mut bob, mut cy) = (
        server.device("ann").await,
        server.device("bob").await,
        server.device("cy").await,
    );
    let before = ann.say(&thread, "before").await["rev"].as_u64().unwrap();
    bob.entries(&thread, before).await;
    cy.entries(&thread, before).await;
    // Who says something has read so far: that is told a little later, and not what this is about.
    for device in [&mut ann, &mut bob, &mut cy] {
        for position in ["read", "delivered"] {
            device.event(position, |it| it["user_id"] == "ann").await;
        }
    }

    server.store.fail();
    let path = format!("/api/chat/threads/{thread}/participants/bob");
    server.http("ann", "DELETE", &path, Value::Null).await;
    let last = ann.say(&thread, "without bob").await["rev"]
        .as_u64()
        .unwrap();
    ann.done("typing", &json!({"thread_id": thread, "typing": true}))
        .await;
    cy.event("typing", |_| true).await;
    cy.done("read", &json!({"thread_id": thread, "seq": 1}))
        .await;
    // Both entries, the position, and what is tried again.
    until("the store was asked in vain", || {
        server.store.unanswered() >= 6
    })
    .await;
    for device in [&mut ann, &mut bob, &mut cy] {
        let told = device.settle().await;
        let is_about_it = |(_, data): &(String, Value)| data["thread_id"] == thread.as_str();
        let told: Vec<_> = told
            .into_iter()
            .filter(is_about_it)
            .filter(|(_, data)| data["rev"] != json!(before))
            .collect();
        assert_eq!(told, []);
    }

    server.store.mend();
    let seen = cy.entries(&thread, last).await;
    let types: Vec<_> = seen.iter().map(|entry| entry["type"].clone()).collect();
    assert_eq!(types, ["participant_removed", "message"]);
    cy.event("heads", |heads| heads["heads"][&thread] == last)
        .await;
    let told = bob.settle().await;
    let entries: Vec<_> = told.iter().filter(|(name, _)| name == "entry").collect();
    assert_eq!(entries.len(), 1, "{told:?}");
    assert_eq!(entries[0].1["type"], "participant_removed");
    let is_known = |(_, data): &(String, Value)| data.to_string().contains("without bob");
    assert!(!told.iter().any(is_known), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_what_was_not_told_of_a_thread_shows_in_heads() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    server.store.fail();
    let last = ann.say(&thread, "in a thread that is not known here").await["rev"]
        .as_u64()
        .unwrap();
    until("the store was asked in vain", || {
        server.store.unanswered() >= 2
    })
    .await;
    assert!(bob.settle().await.iter().all(|(name, _)| name != "entry"));
    server.store.mend();
    bob.event("heads", |heads| heads["heads"][&thread] == last)
        .await;
    let next = ann.say(&thread, "known again").await["rev"]
        .as_u64()
        .unwrap();
    let told = bob.entries(&thread, next).await;
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_a_gap_is_not_stepped_over_while_the_store_is_away() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let first = ann.say(&thread, "told").await["rev"].as_u64().unwrap();
    bob.entries(&thread, first).await;
    server.wire.cut();
    let path = format!("/api/chat/threads/{thread}/participants/bob");
    server.http("ann", "DELETE", &path, Value::Null).await;
    server.wire.mend();
    server.store.fail();
    ann.say(&thread, "without bob").await;
    until("the store was asked in vain", || {
        server.store.unanswered() >= 2
    })
    .await;
    assert!(bob.settle().await.iter().all(|(name, _)| name != "entry"));
    server.store.mend();
    let told = bob.entries(&thread, first + 1).await;
    assert_eq!(told.len(), 1);
    ann.entries(&thread, first + 2).await;
    assert!(bob.settle().await.iter().all(|(name, _)| name != "entry"));
}
