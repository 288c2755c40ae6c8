//! Handles, and finding people.

use reqwest::{Method, StatusCode};
use semel_protocol::limits::{
    FINDS_PER_PERSON_DAY_MAX, HANDLE_CHARACTERS_MAX, HANDLE_CHARACTERS_MIN,
};
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestServer};

async fn take(who: &Client, handle: &str) -> Answer {
    let call = who.call(Method::PUT, "/api/users/me/handle");
    call.json(&json!({"handle": handle})).send().await
}

async fn find(who: &Client, by: Value) -> Value {
    let answer = who.post("/api/users/find", by).await;
    answer.expect(StatusCode::OK).success()["user"].clone()
}

#[tokio::test]
async fn p_people_1_a_handle_is_folded_and_belongs_to_one() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let taken = take(&ann, "@Ann_Smith").await.expect(StatusCode::OK);
    assert_eq!(taken.success()["user"]["handle"], "ann_smith");
    let seen = bob.get("/api/users/ann").await.success();
    assert_eq!(seen["user"]["handle"], "ann_smith");
    let refused = take(&bob, "ANN_SMITH").await.expect(StatusCode::CONFLICT);
    refused.problem("handle_taken");
    // The same one again changes nothing, and counts for nothing.
    for _ in 0..5 {
        take(&ann, "Ann_Smith").await.expect(StatusCode::OK);
    }
    let none = take(&ann, "").await.success();
    assert_eq!(none["user"]["handle"], Value::Null);
    take(&bob, "ann_smith").await.problem("handle_taken");
}

#[tokio::test]
async fn p_people_1_what_is_no_handle_is_refused() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let long = "a".repeat(HANDLE_CHARACTERS_MAX);
    let short = "a".repeat(HANDLE_CHARACTERS_MIN - 1);
    let longer = format!("{long}a");
    let bad = [
        short.as_str(),
        longer.as_str(),
        "@",
        "1ann",
        "_ann",
        "ann smith",
        "ann-smith",
        "änn",
        "аnn",
        "ann\u{200b}",
        "admin",
        "Ad_Min",
        "semel",
        "@everyone",
    ];
    for handle in bad {
        let refused = take(&ann, handle).await;
        let refused = refused.expect(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            refused.problem("invalid_request")["errors"][0]["pointer"],
            "/handle",
            "{handle}"
        );
    }
    take(&ann, &"a".repeat(HANDLE_CHARACTERS_MIN))
        .await
        .success();
    take(&ann, &long).await.success();
}

#[tokio::test]
async fn p_people_1_changing_handles_too_often_is_refused_and_not_for_ever() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for handle in ["one", "two", "three"] {
        take(&ann, handle).await.expect(StatusCode::OK);
    }
    let change = || {
        let call = ann.call(Method::PUT, "/api/users/me/handle").key("change");
        call.json(&json!({"handle": "four"})).send()
    };
    let refused = change().await.expect(StatusCode::TOO_MANY_REQUESTS);
    let wait = refused.problem("rate_limited")["retry_after_ms"].as_i64();
    let wait = wait.unwrap();
    assert!(wait > 29 * 86_400_000, "{wait}");
    // What was refused for now is not the answer to the key for ever.
    server.clock.advance_ms(wait);
    let server_time = server.user("ann");
    let call = server_time
        .call(Method::PUT, "/api/users/me/handle")
        .key("change");
    let taken = call.json(&json!({"handle": "four"})).send().await;
    assert_eq!(
        taken.expect(StatusCode::OK).success()["user"]["handle"],
        "four"
    );
}

#[tokio::test]
async fn p_people_2_people_are_found_by_handle_as_far_as_they_allow() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    take(&ann, "ann_smith").await.success();
    let by_handle = json!({"handle": "@ANN_smith"});
    assert_eq!(find(&cem, by_handle.clone()).await["user_id"], "ann");
    let change = async |by: &str| {
        let call = ann.call(Method::PATCH, "/api/users/me/findability");
        let body = json!({"handle": by});
        call.json(&body).send().await.expect(StatusCode::OK)
    };
    let now = change("contacts").await.success();
    let expected = json!({"handle": "contacts", "phone": "nobody", "email": "nobody"});
    assert_eq!(now["findability"], expected);
    let asked = ann.get("/api/users/me/findability").await.success();
    assert_eq!(asked["findability"], expected);
    let thread = ann.direct(&bob).await;
    ann.say(&thread, "hello").await;
    assert_eq!(find(&bob, by_handle.clone()).await["user_id"], "ann");
    assert_eq!(find(&cem, by_handle.clone()).await, Value::Null);
    change("nobody").await;
    assert_eq!(find(&bob, by_handle.clone()).await, Value::Null);
    assert_eq!(find(&ann, by_handle).await["user_id"], "ann", "oneself");
}

/// Everything of an answer that a caller sees, but the id of the request and the time.
async fn seen(who: &Client, by: Value) -> (StatusCode, Vec<String>, Vec<u8>) {
    let answer = who.post("/api/users/find", by).await;
    let names = answer.headers.keys().map(ToString::to_string);
    (answer.status, names.collect(), answer.body.into_bytes())
}

#[tokio::test]
async fn p_people_3_nobody_and_somebody_who_hides_give_the_same_answer() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    take(&ann, "ann_smith").await.success();
    let call = ann.call(Method::PATCH, "/api/users/me/findability");
    call.json(&json!({"handle": "nobody"}))
        .send()
        .await
        .success();
    let hides = seen(&bob, json!({"handle": "ann_smith"})).await;
    assert_eq!(hides.0, StatusCode::OK);
    for nobody in [
        json!({"handle": "not_there"}),
        json!({"phone": "+49 30 12345678"}),
        json!({"phone": "030 12345678", "country": "DE"}),
        json!({"email": "nobody@example.org"}),
    ] {
        assert_eq!(seen(&bob, nobody).await, hides);
    }
}

#[tokio::test]
async fn p_people_3_looking_for_people_has_a_budget() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    for _ in 0..FINDS_PER_PERSON_DAY_MAX {
        find(&ann, json!({"handle": "not_there"})).await;
    }
    let refused = ann
        .post("/api/users/find", json!({"handle": "not_there"}))
        .await;
    let refused = refused.expect(StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.problem("rate_limited")["retry_after_ms"].is_u64());
    assert_ne!(refused.header("retry-after"), "");
    find(&bob, json!({"handle": "not_there"})).await;
    server.clock.advance_ms(86_400_000);
    find(&server.user("ann"), json!({"handle": "not_there"})).await;
}

#[tokio::test]
async fn p_people_2_one_thing_is_looked_for_at_a_time() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"handle": "ann", "email": "a@example.org"}), ""),
        (json!({"handle": "a"}), "/handle"),
        (json!({"phone": "12"}), "/phone"),
        (json!({"phone": "030 12345678"}), "/phone"),
        (
            json!({"phone": "030 12345678", "country": "XX"}),
            "/country",
        ),
        (json!({"handle": "ann", "country": "DE"}), "/country"),
        (json!({"email": "nothing"}), "/email"),
    ] {
        let refused = ann.post("/api/users/find", body.clone()).await;
        let problem = refused.problem("invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
}
