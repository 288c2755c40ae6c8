//! What a group's settings let whom do, and who governs it, however many decide at once.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use semel_protocol::limits::DESCRIPTION_CHARACTERS_MAX;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestServer, client_id, messages};

fn base(thread: &str) -> String {
    format!("/api/chat/threads/{thread}")
}

async fn change(who: &Client, thread: &str, body: Value) -> Answer {
    let call = who.call(Method::PATCH, &base(thread));
    call.json(&body).send().await
}

async fn role(who: &Client, thread: &str, other: &str, role: &str) -> Answer {
    let path = format!("{}/participants/{other}/role", base(thread));
    who.post(&path, json!({"role": role})).await
}

/// The roles of those who are in it, as one of them sees it.
async fn roles(who: &Client, thread: &str) -> BTreeMap<String, String> {
    let data = who.get(&base(thread)).await.success();
    let people = data["thread"]["participants"].as_array().unwrap().clone();
    let role = |person: Value| {
        let text = |name: &str| person[name].as_str().unwrap().to_owned();
        (text("user_id"), text("role"))
    };
    people.into_iter().map(role).collect()
}

/// Who changed what to what, as somebody's log says.
async fn changes_of_settings(who: &Client, thread: &str) -> Vec<Value> {
    let path = format!("{}/entries?after_rev=0", base(thread));
    let page = who.get(&path).await.success();
    let entries = page["entries"].as_array().unwrap().iter();
    let told = |entry: &Value| {
        let posting = &entry["settings"]["posting"];
        json!([entry["actor_id"], entry["description"], posting])
    };
    let changes = entries.filter(|entry| entry["type"] == "settings_changed");
    changes.map(told).collect()
}

#[tokio::test]
async fn p_thread_12_a_title_that_is_made_of_names_says_so_and_in_the_log() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    for title in ["ann and bob", "", "Boats", "Boats"] {
        let body = json!({ "title": title });
        let changed = change(&ann, &thread, body).await.success()["thread"].clone();
        let is_automatic = json!(title.is_empty());
        assert_eq!(changed["title_is_automatic"], is_automatic, "{title}");
        let seen = bob.get(&base(&thread)).await.success()["thread"].clone();
        assert_eq!(seen["title_is_automatic"], is_automatic, "{title}");
    }
    let path = format!("{}/entries?after_rev=0", base(&thread));
    let page = bob.get(&path).await.success();
    let entries = page["entries"].as_array().unwrap().iter();
    let told = |entry: &Value| json!([entry["title"], entry["title_is_automatic"]]);
    let changes = entries.filter(|entry| entry["type"] == "title_changed");
    let expected = [
        json!(["ann and bob", false]),
        json!(["ann and bob", true]),
        json!(["Boats", false]),
    ];
    assert_eq!(changes.map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn p_thread_10_settings_are_for_admins_and_say_what_others_may() {
    let server = TestServer::start().await;
    let [ann, bob, cem, _, eve] = server.people(["ann", "bob", "cem", "dan", "eve"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let seen = ann.get(&base(&thread)).await.success()["thread"].clone();
    let usual =
        json!({"history": "all", "posting": "everyone", "adding": "admins", "naming": "admins"});
    assert_eq!(seen["settings"], usual);
    assert_eq!(seen["description"], Value::Null);
    let expand = format!("{}/expand", base(&thread));
    let add = || bob.post(&expand, json!({"new_participants": ["dan"]}));
    let name = || {
        change(
            &bob,
            &thread,
            json!({"title": "B", "description": "By Bob"}),
        )
    };
    let said = bob.say(&thread, "before").await;
    let edit = async |content: &str| {
        let path = format!("{}/{}", messages(&thread), said["id"].as_str().unwrap());
        let call = bob.call(Method::PATCH, &path);
        call.json(&json!({"content": content})).send().await
    };
    let reply = || {
        let (id, to) = (client_id(), &said["id"]);
        let body = json!({"client_id": id, "content": "an answer", "reply_to": to});
        bob.post(&messages(&thread), body)
    };
    for refused in [add().await, name().await] {
        refused.expect(StatusCode::FORBIDDEN).problem("forbidden");
    }
    let set = |settings: Value| change(&ann, &thread, json!({"settings": settings}));
    for name in ["history", "posting", "adding", "naming"] {
        let settings = json!({name: if name == "history" { "joined" } else { "everyone" }});
        let refused = change(&bob, &thread, json!({"settings": settings})).await;
        refused.expect(StatusCode::FORBIDDEN).problem("forbidden");
        change(&eve, &thread, json!({"settings": settings}))
            .await
            .expect(StatusCode::NOT_FOUND);
        change(&ann, &thread, json!({"settings": {name: "nobody"}}))
            .await
            .invalid(&format!("/settings/{name}"));
    }
    let open = json!({"adding": "everyone", "naming": "everyone", "posting": "admins"});
    set(open).await.expect(StatusCode::OK);
    add().await.expect(StatusCode::OK);
    name().await.expect(StatusCode::OK);
    for refused in [reply().await, edit("after").await] {
        refused.expect(StatusCode::FORBIDDEN).problem("forbidden");
    }
    set(json!({"posting": "everyone"}))
        .await
        .expect(StatusCode::OK);
    reply().await.expect(StatusCode::CREATED);
    edit("after").await.expect(StatusCode::OK);
    // Each change is an entry with everything as it is then.
    let told = changes_of_settings(&cem, &thread).await;
    let expected = [
        json!(["ann", null, "admins"]),
        json!(["bob", "By Bob", "admins"]),
        json!(["ann", "By Bob", "everyone"]),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn p_thread_10_descriptions_have_2000_characters_over_http() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.group(&[&bob]).await;
    let longest = "ü".repeat(DESCRIPTION_CHARACTERS_MAX);
    let answer = change(&ann, &thread, json!({"description": longest})).await;
    assert_eq!(answer.success()["thread"]["description"], longest);
    change(&ann, &thread, json!({"description": format!("{longest}ü")}))
        .await
        .invalid("/description");
    let direct = ann.direct(&bob).await;
    change(&ann, &direct, json!({"description": "x"}))
        .await
        .problem("wrong_thread_type");
}

/// Both are admins and take that from each other at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_thread_11_of_two_admins_who_demote_each_other_one_stays() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    for round in 0..20 {
        let body =
            json!({"participants": ["bob", "cem"], "thread_type": "group", "distinct": false});
        let made = ann.post("/api/chat/create-or-get", body).await.success();
        let thread = made["thread"]["id"].as_str().unwrap();
        role(&ann, thread, "bob", "admin")
            .await
            .expect(StatusCode::OK);
        let both = [
            role(&ann, thread, "bob", "participant"),
            role(&bob, thread, "ann", "participant"),
        ];
        let done = join_all(both).await;
        let count = done.iter().filter(|answer| answer.status.is_success());
        assert_eq!(count.count(), 1, "round {round}: {done:?}");
        let admins = roles(&cem, thread).await;
        let admins = admins.values().filter(|role| *role == "admin");
        assert_eq!(admins.count(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_thread_11_admins_who_all_leave_at_once_pass_it_on() {
    let server = TestServer::start().await;
    let people = server
        .people(["ann", "bob", "cem", "dan", "eve", "fay", "gus", "hal"])
        .await;
    let [ann, .., gus, _] = &people;
    let others: Vec<&Client> = people[1..].iter().collect();
    let thread = ann.group(&others).await;
    for admin in &people[1..5] {
        role(ann, &thread, &admin.id, "admin")
            .await
            .expect(StatusCode::OK);
    }
    let leave = format!("{}/leave", base(&thread));
    let all = people[..5].iter().map(|who| who.post(&leave, json!({})));
    for answer in join_all(all).await {
        answer.expect(StatusCode::OK);
    }
    // All came at once: who stands longest follows from their ids.
    let expected = [
        ("fay", "admin"),
        ("gus", "participant"),
        ("hal", "participant"),
    ];
    let expected = expected.map(|(who, role)| (who.to_owned(), role.to_owned()));
    assert_eq!(roles(gus, &thread).await, BTreeMap::from(expected));
    let path = format!("{}/entries?after_rev=0", base(&thread));
    let entries = gus.get(&path).await.success()["entries"].clone();
    let last = entries.as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["type"], &last["role"]),
        (&json!("role_changed"), &json!("admin"))
    );
}
