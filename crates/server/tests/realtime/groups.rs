//! What becomes of a group, as its people see it live.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_thread_10_everybody_sees_each_change_in_order_live() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob", "cem"]).await;
    let path = format!("/api/chat/threads/{thread}");
    let mut devices = [server.device("bob").await, server.device("cem").await];
    let changes = [
        (
            "ann",
            json!({"settings": {"naming": "everyone", "adding": "everyone"}}),
        ),
        ("bob", json!({"description": "About it"})),
        ("cem", json!({"title": "T"})),
        (
            "ann",
            json!({"settings": {"history": "joined", "posting": "admins"}}),
        ),
        ("bob", json!({"description": ""})),
    ];
    for (who, body) in changes {
        server.http(who, "PATCH", &path, body).await;
    }
    let said = server.http("cem", "GET", &path, Value::Null).await;
    let last = said["thread"]["last_rev"].as_u64().unwrap();
    for device in &mut devices {
        let entries = device.entries(&thread, last).await;
        let told: Vec<Value> = entries
            .iter()
            .map(|entry| {
                let settings = &entry["settings"];
                json!([
                    entry["rev"],
                    entry["type"],
                    entry["actor_id"],
                    entry["description"],
                    settings["naming"],
                    settings["posting"]
                ])
            })
            .collect();
        let expected = [
            json!([2, "settings_changed", "ann", null, "everyone", "everyone"]),
            json!([
                3,
                "settings_changed",
                "bob",
                "About it",
                "everyone",
                "everyone"
            ]),
            json!([4, "title_changed", "cem", null, null, null]),
            json!([
                5,
                "settings_changed",
                "ann",
                "About it",
                "everyone",
                "admins"
            ]),
            json!([6, "settings_changed", "bob", null, "everyone", "admins"]),
        ];
        assert_eq!(told, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_invite_5_who_joins_by_a_link_is_told_and_others_are_too() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    server
        .http("eve", "GET", "/api/users/me", Value::Null)
        .await;
    let path = format!("/api/chat/threads/{thread}/invites");
    let made = server.http("ann", "POST", &path, json!({})).await;
    let (mut bob, mut eve) = (server.device("bob").await, server.device("eve").await);
    for device in [&mut bob, &mut eve] {
        device.done("sync", &json!({})).await;
    }
    let token = json!({"token": made["invite"]["token"]});
    let joined = server.http("eve", "POST", "/api/invites/join", token).await;
    assert_eq!(joined["joined"], true);
    let last = joined["thread"]["last_rev"].as_u64().unwrap();
    for device in [&mut bob, &mut eve] {
        let entries = device.entries(&thread, last).await;
        let entry = entries.last().unwrap();
        assert_eq!(entry["type"], "participants_added");
        assert_eq!(entry["user_ids"], json!(["eve"]));
        assert_eq!(entry["actor_id"], "eve");
    }
    // From then on they are in it.
    bob.say(&thread, "welcome").await;
    let entries = eve.entries(&thread, last + 1).await;
    assert_eq!(entries.last().unwrap()["message"]["content"], "welcome");
}
