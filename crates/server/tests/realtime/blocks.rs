//! Blocks, own names and preferences, as devices see them.

use semel_server::jobs::tell_due;
use serde_json::{Value, json};

use super::support::{Device, Server, client_id};

const NOTHING: Value = Value::Null;

/// A direct thread in which something was said.
async fn talk(server: &Server, one: &mut Device, other: &str) -> String {
    server.people(&[other]).await;
    let start = json!({"participants": [other], "message_content": "hi", "client_id": client_id()});
    let data = one.done("message:send", &start).await;
    data["thread"]["id"].as_str().unwrap().to_owned()
}

async fn block(server: &Server, by: &str, who: &str) {
    let told = server
        .http(by, "PUT", &format!("/api/blocks/{who}"), NOTHING)
        .await;
    assert_eq!(told, json!({"user_id": who, "blocked": true}));
}

async fn unblock(server: &Server, by: &str, who: &str) {
    let path = format!("/api/blocks/{who}");
    let told = server.http(by, "DELETE", &path, NOTHING).await;
    assert_eq!(told, json!({"user_id": who, "blocked": false}));
}

fn message(thread: &str) -> Value {
    json!({"thread_id": thread, "client_id": client_id(), "content": "words"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_block_1_what_is_said_to_who_has_blocked_is_refused_without_a_reason() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let thread = talk(&server, &mut bob, "ann").await;
    let said = ann.say(&thread, "hello").await;
    let own = bob.say(&thread, "mine").await;
    block(&server, "ann", "bob").await;
    let problem = bob.refused("message:send", &message(&thread)).await;
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&json!("unreachable"), &json!(403))
    );
    assert!(!problem.to_string().contains("block"), "{problem}");
    let mut edit = json!({"thread_id": thread, "message_id": own["id"], "content": "other words"});
    assert_eq!(
        bob.refused("message:edit", &edit).await["code"],
        "unreachable"
    );
    let react = json!({"thread_id": thread, "message_id": said["id"], "emoji": "👍"});
    assert_eq!(
        bob.refused("reaction:add", &react).await["code"],
        "unreachable"
    );
    let start = json!({"participants": ["ann"], "message_content": "hi", "client_id": client_id()});
    assert_eq!(
        bob.refused("message:send", &start).await["code"],
        "unreachable"
    );
    // Who has blocked is told what to do; what was sent before is still found by its client id.
    let problem = ann.refused("message:send", &message(&thread)).await;
    assert_eq!(problem["code"], "forbidden");
    let again = json!({"thread_id": thread, "client_id": own["client_id"], "content": "mine"});
    assert_eq!(bob.done("message:send", &again).await["duplicate"], true);
    // One's own words can be taken back.
    edit.as_object_mut().unwrap().remove("content");
    bob.done("message:delete", &edit).await;
    unblock(&server, "ann", "bob").await;
    bob.say(&thread, "again").await;
    ann.say(&thread, "and again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_block_1_nobody_is_brought_together_with_who_has_blocked_them() {
    let server = Server::start().await;
    server.people(&["ann", "bob", "cy"]).await;
    let mut bob = server.device("bob").await;
    let group = server.group(&["bob", "cy"]).await;
    block(&server, "ann", "bob").await;
    let create = |people: &[&str]| json!({"participants": people, "message_content": "hi", "client_id": client_id()});
    for people in [&["ann"][..], &["ann", "cy"]] {
        let problem = bob.refused("message:send", &create(people)).await;
        assert_eq!(problem["code"], "unreachable");
        assert_eq!(problem["user_ids"], json!(["ann"]));
    }
    let url = format!("http://{}/api/chat/threads/{group}/expand", server.address);
    let expand = reqwest::Client::new()
        .post(url)
        .bearer_auth(server.token("bob"));
    let answer = expand
        .json(&json!({"new_participants": ["ann"]}))
        .send()
        .await
        .unwrap();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "unreachable");
    // Others bring both together, and there they hear of each other.
    let both = server.group(&["cy", "ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    bob.say(&both, "to all").await;
    let entry = ann.event("entry", |entry| entry["type"] == "message").await;
    assert_eq!(entry["message"]["content"], "to all");
    // Who has blocked opens no direct thread either.
    let problem = ann.refused("message:send", &create(&["bob"])).await;
    assert_eq!(problem["code"], "forbidden");
}

async fn presence_of(device: &mut Device, who: &str) -> Value {
    let ask = json!({"user_ids": [who]});
    loop {
        let answer = device.call("presence", &ask).await;
        if answer["status"] == "success" {
            return answer["data"]["presence"][0].clone();
        }
        assert_eq!(answer["error"]["code"], "rate_limited");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn type_in(device: &mut Device, thread: &str) {
    let notice = json!({"thread_id": thread, "typing": true});
    while device.call("typing", &notice).await["status"] != "success" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_block_3_presence_and_typing_do_not_arrive_either_way() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let thread = talk(&server, &mut bob, "ann").await;
    let group = server.group(&["cy", "ann", "bob"]).await;
    ann.event("contact", |told| told["user"]["user_id"] == "bob")
        .await;
    assert_eq!(presence_of(&mut bob, "ann").await["online"], true);
    assert_eq!(presence_of(&mut ann, "bob").await["online"], true);
    block(&server, "ann", "bob").await;
    for (device, other) in [(&mut bob, "ann"), (&mut ann, "bob")] {
        let told = device
            .event("presence", |told| told["user_id"] == other)
            .await;
        assert_eq!(
            (&told["online"], &told["last_seen_at"]),
            (&json!(false), &NOTHING)
        );
        assert_eq!(presence_of(device, other).await["online"], false);
    }
    let mut cy = server.device("cy").await;
    for place in [&thread, &group] {
        type_in(&mut bob, place).await;
        type_in(&mut ann, place).await;
    }
    for _ in 0..2 {
        cy.event("typing", |told| told["thread_id"] == group.as_str())
            .await;
    }
    // Others' notices arrive, and after them nothing that was sent before.
    for device in [&mut ann, &mut bob] {
        let told = device.settle().await;
        assert!(told.iter().all(|(name, _)| name != "typing"), "{told:?}");
    }
    ann.hang_up().await;
    let ann = server.device("ann").await;
    let told = bob.settle().await;
    assert!(told.iter().all(|(name, _)| name != "presence"), "{told:?}");
    unblock(&server, "ann", "bob").await;
    assert_eq!(presence_of(&mut bob, "ann").await["online"], true);
    drop(ann);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_block_4_blocks_reach_the_persons_other_devices_and_nobody_elses() {
    let server = Server::start().await;
    let (mut phone, mut laptop) = (server.device("ann").await, server.device("ann").await);
    let mut bob = server.device("bob").await;
    talk(&server, &mut phone, "bob").await;
    let since = phone.done("sync", &json!({})).await["since"].clone();
    block(&server, "ann", "bob").await;
    for device in [&mut phone, &mut laptop] {
        let told = device.event("block", |_| true).await;
        assert_eq!(told, json!({"user_id": "bob", "blocked": true}));
    }
    let told = bob.settle().await;
    assert!(told.iter().all(|(name, _)| name != "block"), "{told:?}");
    let missed = phone.done("sync", &json!({"since": since})).await;
    assert_eq!(
        missed["blocks"],
        json!([{"user_id": "bob", "blocked": true}])
    );
    assert_eq!(
        bob.done("sync", &json!({"since": 0})).await["blocks"],
        json!([])
    );
    let page = server.http("ann", "GET", "/api/blocks", NOTHING).await;
    assert_eq!(page["blocks"][0]["user"]["user_id"], "bob");
    let contacts = server.http("ann", "GET", "/api/contacts", NOTHING).await;
    assert_eq!(contacts["contacts"][0]["blocked"], true);
    let contacts = server.http("bob", "GET", "/api/contacts", NOTHING).await;
    assert_eq!(contacts["contacts"][0]["blocked"], false);
    unblock(&server, "ann", "bob").await;
    let told = laptop.event("block", |_| true).await;
    assert_eq!(told["blocked"], false);
    let page = server.http("ann", "GET", "/api/blocks", NOTHING).await;
    assert_eq!(page["blocks"], json!([]));
}

/// Somebody gives themselves another name, and everybody is told.
async fn rename(server: &Server, who: &str, name: &str) {
    let profile = json!({"display_name": name});
    server.http(who, "PATCH", "/api/users/me", profile).await;
    tell_due(&server.app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_block_5_who_has_blocked_a_person_is_told_of_their_profile_when_they_unblock_them() {
    let server = Server::start().await;
    server.group(&["ann", "bob", "cy"]).await;
    let mut ann = server.device("ann").await;
    block(&server, "ann", "bob").await;
    rename(&server, "bob", "Robert").await;
    rename(&server, "cy", "Cyrus").await;
    // Who comes after Bob is told.
    let told = ann.event("profile", |_| true).await;
    assert_eq!(told["user_id"], "cy");
    unblock(&server, "ann", "bob").await;
    ann.event("block", |told| told["blocked"] == false).await;
    let told = ann.event("profile", |_| true).await;
    assert_eq!(
        (&told["user_id"], &told["display_name"]),
        (&json!("bob"), &json!("Robert"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_own_1_own_names_are_seen_by_nobody_else() {
    let server = Server::start().await;
    let (mut phone, mut laptop) = (server.device("ann").await, server.device("ann").await);
    let mut bob = server.device("bob").await;
    talk(&server, &mut phone, "bob").await;
    bob.event("contact", |_| true).await;
    let body = json!({"own_name": "Bobby"});
    let data = server.http("ann", "PATCH", "/api/contacts/bob", body).await;
    assert_eq!(data["contact"]["own_name"], "Bobby");
    let told = laptop
        .event("contact", |told| told["own_name"] == "Bobby")
        .await;
    assert_eq!(told["user"]["display_name"], "bob");
    let told = bob.settle().await;
    assert!(!json!(told).to_string().contains("Bobby"), "{told:?}");
    let body = json!({"own_name": ""});
    let data = server.http("ann", "PATCH", "/api/contacts/bob", body).await;
    assert_eq!(data["contact"]["own_name"], NOTHING);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_own_2_preferences_reach_the_persons_other_devices() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut laptop, mut bob) = (server.device("ann").await, server.device("bob").await);
    let since = laptop.done("sync", &json!({})).await["since"].clone();
    let path = format!("/api/chat/threads/{thread}/preferences");
    let body = json!({"muted": true, "pinned": true});
    let data = server.http("ann", "PATCH", &path, body).await;
    let chosen = &data["preferences"];
    assert_eq!(
        (
            &chosen["muted"],
            &chosen["muted_until"],
            &chosen["archived"]
        ),
        (&json!(true), &NOTHING, &json!(false))
    );
    assert!(chosen["pinned_at"].is_string());
    assert_eq!(laptop.event("preferences", |_| true).await, data);
    let body = json!({"muted": true, "muted_until": "2100-01-01T00:00:00.000Z", "pinned": false, "archived": true});
    let data = server.http("ann", "PATCH", &path, body).await;
    let chosen = json!({"muted": true, "muted_until": "2100-01-01T00:00:00.000Z", "pinned_at": null, "archived": true});
    assert_eq!(data["preferences"], chosen);
    let head = server
        .http(
            "ann",
            "GET",
            &format!("/api/chat/threads/{thread}"),
            NOTHING,
        )
        .await;
    assert_eq!(head["thread"]["preferences"], chosen);
    let cursors = json!({&thread: {"rev": head["thread"]["last_rev"]}});
    let missed = laptop
        .done("sync", &json!({"since": since, "threads": cursors}))
        .await;
    assert_eq!(missed["threads"][0]["thread"]["preferences"], chosen);
    let told = bob.settle().await;
    assert!(
        told.iter().all(|(name, _)| name != "preferences"),
        "{told:?}"
    );
    let theirs = server
        .http(
            "bob",
            "GET",
            &format!("/api/chat/threads/{thread}"),
            NOTHING,
        )
        .await;
    assert_eq!(theirs["thread"]["preferences"]["archived"], false);
}
