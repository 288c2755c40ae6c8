//! What is not there and what is not yours look the same.

use reqwest::{Method, StatusCode};
use semel_server::http::ROUTES;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestServer, client_id, messages, text};

/// A valid body for a call, or none.
fn body(path: &str, method: &str) -> Option<Value> {
    Some(match (method, path.rsplit('/').next().unwrap()) {
        ("post", "expand") => json!({"new_participants": ["bob"]}),
        ("post", "report") => json!({"reason": "spam"}),
        ("post", "read") => json!({"seq": 1}),
        ("post", "invites") => json!({"uses_max": 1}),
        ("post", "role") => json!({"role": "admin"}),
        ("post", "messages") => json!({"client_id": client_id(), "content": "x"}),
        ("patch", "{thread_id}") => json!({"title": "x"}),
        ("patch", "preferences") => json!({"pinned": true}),
        ("patch", "{message_id}") => json!({"content": "x"}),
        _ => return None,
    })
}

async fn call(who: &Client, method: &str, template: &str, thread: &str, message: &str) -> Answer {
    let path = template
        .replace("{thread_id}", thread)
        .replace("{message_id}", message)
        .replace("{invite_id}", message)
        .replace("{user_id}", "bob")
        .replace("{emoji}", "👍");
    let name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let call = who.call(name, &path);
    match body(template, method) {
        Some(body) => call.json(&body).send().await,
        None => call.send().await,
    }
}

/// The problem without what differs from request to request.
fn shape(answer: &Answer) -> Value {
    let mut problem = answer.problem("not_found");
    problem["request_id"] = Value::Null;
    problem
}

#[tokio::test]
async fn req_d11_strangers_and_former_participants_get_the_404_of_what_is_absent() {
    let server = TestServer::start().await;
    let [ann, bob, cem, eve] = server.people(["ann", "bob", "cem", "eve"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let message = text(&ann.say(&thread, "secret").await["id"]);
    cem.post(&format!("/api/chat/threads/{thread}/leave"), json!({}))
        .await
        .expect(StatusCode::OK);
    let absent = "018f0000-0000-7000-8000-000000000000";
    let mut count = 0;
    for route in ROUTES
        .iter()
        .filter(|route| route.path.contains("{thread_id}"))
        // Those tell everybody but operators the same, whatever is there.
        .filter(|route| !route.path.starts_with("/api/operator/"))
    {
        let method = route.method.name();
        let nowhere = call(&eve, method, route.path, absent, absent).await;
        assert_eq!(
            nowhere.status,
            StatusCode::NOT_FOUND,
            "{method} {}",
            route.path
        );
        for who in [&eve, &cem] {
            let theirs = call(who, method, route.path, &thread, &message).await;
            // Leaving what one has left is no error, and what was said while one was in it may be reported.
            let is_formers = ["/leave", "/report"]
                .iter()
                .any(|end| route.path.ends_with(end));
            if is_formers && theirs.status == StatusCode::OK {
                assert_eq!(who.id, "cem");
                continue;
            }
            assert_eq!(
                shape(&theirs),
                shape(&nowhere),
                "{} {method} {}",
                who.id,
                route.path
            );
        }
        count += 1;
    }
    assert!(count >= 14, "{count}");
    let page = ann.get(&messages(&thread)).await.success();
    assert_eq!(page["messages"][0]["content"], "secret");
}

#[tokio::test]
async fn newcomers_see_what_the_settings_let_them_see() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob]).await;
    let base = format!("/api/chat/threads/{thread}");
    let settings = json!({"settings": {"history": "joined"}});
    ann.call(Method::PATCH, &base)
        .json(&settings)
        .send()
        .await
        .expect(StatusCode::OK);
    let before = text(&ann.say(&thread, "before").await["id"]);
    let expand = json!({"new_participants": ["cem"]});
    ann.post(&format!("{base}/expand"), expand)
        .await
        .expect(StatusCode::OK);
    ann.say(&thread, "after").await;
    let page = cem.get(&messages(&thread)).await.success();
    assert!(!page.to_string().contains("before"), "{page}");
    assert!(page.to_string().contains("after"), "{page}");
    let entries = cem.get(&format!("{base}/entries")).await.success();
    assert!(!entries.to_string().contains("before"), "{entries}");
    let reaction = format!("{}/{before}/reactions/👍", messages(&thread));
    cem.call(Method::PUT, &reaction)
        .send()
        .await
        .problem("not_found");
}
