//! People, profiles, contacts.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, TestServer, text};

async fn contacts(who: &Client) -> Vec<String> {
    let page = who.get("/api/contacts").await.success();
    let ids = page["contacts"].as_array().unwrap().iter();
    ids.map(|contact| text(&contact["user"]["user_id"]))
        .collect()
}

#[tokio::test]
async fn a_person_is_made_on_first_use() {
    let server = TestServer::start().await;
    let ann = server.user("ann");
    let me = ann
        .get("/api/users/me")
        .await
        .expect(StatusCode::OK)
        .success()["user"]
        .clone();
    assert_eq!(
        (&me["user_id"], &me["display_name"]),
        (&json!("ann"), &json!("ann"))
    );
    let server = server.restart().await;
    assert_eq!(
        server.user("ann").get("/api/users/me").await.success()["user"],
        me
    );
    server
        .user("ann")
        .get("/api/users/bob")
        .await
        .problem("not_found");
}

#[tokio::test]
async fn profiles_change_and_are_seen_by_others() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let change = async |body: Value| {
        ann.call(Method::PATCH, "/api/users/me")
            .json(&body)
            .send()
            .await
    };
    let full = json!({"display_name": "Ann", "about": "here"});
    change(full).await.expect(StatusCode::OK);
    change(json!({"about": ""})).await.expect(StatusCode::OK);
    let seen = bob.get("/api/users/ann").await.success()["user"].clone();
    assert_eq!(seen["display_name"], "Ann");
    assert_eq!(seen["about"], Value::Null);
    let thread = bob.direct(&ann).await;
    let title = bob
        .get(&format!("/api/chat/threads/{thread}"))
        .await
        .success()["thread"]["title"]
        .clone();
    assert_eq!(title, "Ann");
}

#[tokio::test]
async fn only_operators_bring_people_in() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let put = |who: &Client, id: &str| {
        who.call(Method::PUT, &format!("/api/users/{id}"))
            .json(&json!({"display_name": "Bob B."}))
            .send()
    };
    put(&ann, "bob")
        .await
        .expect(StatusCode::FORBIDDEN)
        .problem("forbidden");
    let operator = server.operator();
    let made = put(&operator, "bob").await.expect(StatusCode::CREATED);
    assert_eq!(made.header("location"), "/api/users/bob");
    put(&operator, "bob").await.expect(StatusCode::OK);
    // An id may contain what an address uses itself.
    let made = put(&operator, "a%2Fb%3Fc")
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(made.success()["user"]["user_id"], "a/b?c");
    let there = ann
        .get(made.header("location"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(there.success()["user"]["display_name"], "Bob B.");
}

#[tokio::test]
async fn req_d3_contacts_come_both_ways_and_once() {
    let server = TestServer::start().await;
    let [ann, bob, cem, dan] = server.people(["ann", "bob", "cem", "dan"]).await;
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "one").await;
    bob.say(&thread, "two").await;
    assert_eq!(contacts(&ann).await, ["bob"]);
    assert_eq!(contacts(&bob).await, ["ann"]);
    ann.group(&[&bob, &cem]).await;
    assert_eq!(contacts(&ann).await, ["bob", "cem"]);
    assert_eq!(contacts(&cem).await, ["ann", "bob"]);
    assert_eq!(contacts(&dan).await, [""; 0]);
    let page = ann.get("/api/contacts?limit=1").await.success();
    let cursor = text(&page["next_cursor"]);
    let page = ann
        .get(&format!("/api/contacts?limit=1&cursor={cursor}"))
        .await
        .success();
    assert_eq!(page["contacts"][0]["user"]["user_id"], "cem");
    assert_eq!(page["next_cursor"], Value::Null);
}
