//! A profile that changes on one server, as people see it who are connected to another one, or were away.

use std::collections::BTreeMap;

use semel_protocol::limits::CONTACTS_FROM_GROUP_MAX;
use serde_json::{Value, json};

use super::{database::Database, place::Server, redis::Redis, support::Device};

/// A device that has all there is: its cursors.
async fn up_to_date(device: &mut Device) -> Value {
    let all = device.done("sync", &json!({})).await;
    let threads = all["threads"].as_array().unwrap();
    let cursor = |missed: &Value| {
        let thread = &missed["thread"];
        let cursor = json!({
            "rev": missed["head_rev"], "chain": thread["chain"], "epoch": missed["epoch"],
        });
        (thread["id"].as_str().unwrap().to_owned(), cursor)
    };
    let cursors: BTreeMap<String, Value> = threads.iter().map(cursor).collect();
    json!({"threads": cursors, "since": all["since"], "incarnation": all["incarnation"]})
}

async fn changed_on_one_seen_on_the_other(database: &Database, redis: Option<&Redis>) {
    let url = redis.map(|redis| redis.url());
    let one = Server::start(&database.url, url.as_deref()).await;
    let two = Server::start(&database.url, url.as_deref()).await;
    // So many that they are no contacts of each other.
    let names: Vec<String> = (0..CONTACTS_FROM_GROUP_MAX)
        .map(|number| format!("p{number}"))
        .collect();
    let mut people = vec!["ann", "bob", "cem"];
    people.extend(names.iter().map(String::as_str));
    one.group(&people).await;
    let (mut ann, mut bob) = (two.device("ann").await, two.device("bob").await);
    let mut cem = two.device("cem").await;
    let since = up_to_date(&mut cem).await;
    cem.hang_up().await;

    let profile = json!({"display_name": "Ann Smith", "about": "walks"});
    one.http("ann", "PATCH", "/api/users/me", profile).await;
    let is_new = |user: &Value| user["display_name"] == "Ann Smith";
    for device in [&mut ann, &mut bob] {
        let told = device.event("profile", is_new).await;
        assert_eq!(
            (&told["user_id"], &told["about"]),
            (&json!("ann"), &json!("walks"))
        );
    }
    let mut cem = two.device("cem").await;
    let missed = cem.done("sync", &since).await;
    assert_eq!(missed["threads"], json!([]), "no thread has news");
    let profiles = missed["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 1, "{missed}");
    assert!(is_new(&profiles[0]) && missed["next_cursor"].is_null());
    // Of an erased person nothing is left but that they were.
    let erase = json!({"user_id": "ann"});
    one.http("ann", "POST", "/api/auth/erase", erase).await;
    for device in [&mut bob, &mut cem] {
        let told = device
            .event("profile", |user| user["display_name"] == "Deleted account")
            .await;
        assert_eq!(
            (&told["user_id"], &told["about"]),
            (&json!("ann"), &Value::Null)
        );
    }
    for device in [bob, cem] {
        device.hang_up().await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_profile_1_what_changes_on_one_server_is_told_on_the_other() {
    let (Some(database), Some(redis)) = (Database::new(), Redis::start()) else {
        return;
    };
    Box::pin(changed_on_one_seen_on_the_other(&database, Some(&redis))).await;
}

/// No hint comes: what the database says is found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_profile_1_without_redis_a_changed_profile_is_found_in_the_store() {
    let Some(database) = Database::new() else {
        return;
    };
    Box::pin(changed_on_one_seen_on_the_other(&database, None)).await;
}
