//! `Idempotency-Key`: the header, the fingerprint, and that every mutation honours it.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use semel_server::http::{
    ROUTES,
    route::{Handler, Route},
};
use serde_json::{Value, json};

use crate::{
    sign_in::{another_signed_in, signed_in},
    support::{Answer, Client, TestServer, client_id, messages, text},
};

const CREATE: &str = "/api/chat/create-or-get";

async fn create(who: &Client, key: &str, title: &str) -> Answer {
    let body =
        json!({"participants": ["bob"], "thread_type": "group", "title": title, "distinct": false});
    who.call(Method::POST, CREATE)
        .key(key)
        .json(&body)
        .send()
        .await
}

async fn thread_count(who: &Client) -> usize {
    let page = who.get("/api/chat/threads").await.success();
    page["threads"].as_array().unwrap().len()
}

#[tokio::test]
async fn ec_h01_without_a_key_requests_work_and_nothing_is_replayed() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"], "thread_type": "group", "distinct": false});
    let first = ann
        .post(CREATE, body.clone())
        .await
        .expect(StatusCode::CREATED);
    let second = ann.post(CREATE, body).await.expect(StatusCode::CREATED);
    assert!(!first.is_replay() && !second.is_replay());
    assert_eq!(thread_count(&ann).await, 2);
}

#[tokio::test]
async fn ec_h04_empty_keys_are_refused_without_an_effect() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    for key in ["", "\"\"", "   "] {
        let answer = create(&ann, key, "t").await.expect(StatusCode::BAD_REQUEST);
        answer.problem("invalid_idempotency_key");
    }
    assert_eq!(thread_count(&ann).await, 0);
}

#[tokio::test]
async fn ec_h05_keys_have_at_most_255_characters() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    create(&ann, &"k".repeat(255), "t")
        .await
        .expect(StatusCode::CREATED);
    let beyond = create(&ann, &"k".repeat(256), "t")
        .await
        .expect(StatusCode::BAD_REQUEST);
    beyond.problem("invalid_idempotency_key");
    assert_eq!(thread_count(&ann).await, 1);
}

#[tokio::test]
async fn ec_h07_a_header_that_is_sent_twice_is_refused() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    for (one, other) in [("a", "a"), ("a", "b"), ("\"aa", "bb\"")] {
        let body = json!({"participants": ["bob"]});
        let call = ann
            .call(Method::POST, CREATE)
            .key(one)
            .key(other)
            .json(&body);
        call.send()
            .await
            .expect(StatusCode::BAD_REQUEST)
            .problem("invalid_idempotency_key");
    }
    assert_eq!(thread_count(&ann).await, 0);
}

#[tokio::test]
async fn ec_h08_the_quoted_form_and_its_parameters_name_the_same_key() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = create(&ann, "abc", "t").await;
    for form in ["\"abc\"", "\"abc\";v=1", " abc "] {
        let again = create(&ann, form, "t").await;
        assert!(again.is_replay(), "{form}");
        assert_eq!(again.body, first.body);
    }
}

#[tokio::test]
async fn ec_h10_keys_that_differ_in_case_are_two() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    assert!(!create(&ann, "key", "t").await.is_replay());
    assert!(!create(&ann, "KEY", "t").await.is_replay());
    assert_eq!(thread_count(&ann).await, 2);
}

#[tokio::test]
async fn ec_h11_the_same_key_with_another_body_is_refused() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = create(&ann, "k", "one").await;
    let other = create(&ann, "k", "two")
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    other.problem("idempotency_key_reused");
    assert_eq!(create(&ann, "k", "one").await.body, first.body);
    assert_eq!(thread_count(&ann).await, 1);
}

#[tokio::test]
async fn req_c3_the_same_key_with_another_method_or_path_is_refused() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = text(&ann.say(&thread, "hi").await["id"]);
    let reaction = format!("{}/{message}/reactions/👍", messages(&thread));
    ann.call(Method::PUT, &reaction)
        .key("k")
        .send()
        .await
        .expect(StatusCode::OK);
    let other = ann.call(Method::DELETE, &reaction).key("k").send().await;
    other
        .expect(StatusCode::UNPROCESSABLE_ENTITY)
        .problem("idempotency_key_reused");
    let reaction = format!("{}/{message}/reactions/👎", messages(&thread));
    let other = ann.call(Method::PUT, &reaction).key("k").send().await;
    other
        .expect(StatusCode::UNPROCESSABLE_ENTITY)
        .problem("idempotency_key_reused");
}

#[tokio::test]
async fn ec_h13_the_same_key_with_another_query_is_refused() {
    let server = TestServer::start().await;
    let [ann, bob, cem] = server.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let path = format!("/api/chat/threads/{thread}/participants/cem?on_conflict=");
    let remove = |choice: &str| {
        ann.call(Method::DELETE, &format!("{path}{choice}"))
            .key("k")
    };
    remove("refuse").send().await.expect(StatusCode::OK);
    let other = remove("keep_separate").send().await;
    other
        .expect(StatusCode::UNPROCESSABLE_ENTITY)
        .problem("idempotency_key_reused");
}

#[tokio::test]
async fn ec_h14_order_of_members_and_white_space_do_not_matter() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let send = |body: &'static str| ann.call(Method::POST, CREATE).key("k").text(body).send();
    let first = send(r#"{"participants":["bob"],"thread_type":"group","title":"t"}"#).await;
    let body = "{ \"title\" : \"t\",\n\"thread_type\":\"group\", \"participants\" : [ \"bob\" ] }";
    let again = send(body).await;
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn ec_h16_token_agent_and_trace_headers_do_not_matter() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let first = create(&ann, "k", "t").await;
    server.clock.advance_ms(5_000);
    let refreshed = server.user("ann");
    assert_ne!(refreshed.token, ann.token);
    let body =
        json!({"participants": ["bob"], "thread_type": "group", "title": "t", "distinct": false});
    let call = refreshed.call(Method::POST, CREATE).key("k").json(&body);
    let call = call
        .header("user-agent", "other")
        .header("traceparent", "00-a-b-01");
    let again = call.send().await;
    assert!(again.is_replay());
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn ec_h20_parts_that_concatenate_equally_have_different_fingerprints() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = text(&ann.say(&thread, "hi").await["id"]);
    // The path ends where the query begins: the same characters, parted elsewhere.
    let address = |end: &str| format!("{}/{message}/reactions/{end}", messages(&thread));
    ann.call(Method::PUT, &address("ab"))
        .key("k")
        .send()
        .await
        .expect(StatusCode::OK);
    let other = ann
        .call(Method::PUT, &address("a"))
        .key("k")
        .text("{}")
        .send()
        .await;
    other.problem("idempotency_key_reused");
}

/// A world in which every route can be called with success.
struct World {
    caller: Client,
    /// Somebody who can become an operator.
    signed_in: String,
    thread: String,
    message: String,
    /// Somebody else's.
    other_message: String,
    session: String,
    report: String,
    invite: Value,
}

impl World {
    async fn new(server: &TestServer) -> Self {
        let [bob, cem, _] = server.people(["bob", "cem", "dan"]).await;
        let (caller, session) = signed_in(server).await;
        let signed_in = another_signed_in(server).await;
        let thread = caller.group(&[&bob, &cem]).await;
        let message = text(&caller.say(&thread, "hello").await["id"]);
        let other_message = text(&bob.say(&thread, "hello").await["id"]);
        let why = json!({"reason": "spam"});
        let report = bob.post("/api/users/cem/report", why).await.success();
        let path = format!("/api/chat/threads/{thread}/invites");
        let invite = caller.post(&path, json!({})).await.success()["invite"].clone();
        Self {
            caller,
            signed_in,
            thread,
            message,
            other_message,
            session,
            report: text(&report["report_id"]),
            invite,
        }
    }

    fn path(&self, template: &str) -> String {
        let message = if template.ends_with("/report") {
            &self.other_message
        } else {
            &self.message
        };
        let person = if template.ends_with("/grant") {
            &self.signed_in
        } else {
            "cem"
        };
        template
            .replace("{thread_id}", &self.thread)
            .replace("{message_id}", message)
            .replace("{report_id}", &self.report)
            .replace("{user_id}", person)
            .replace("{session_id}", &self.session)
            .replace("{invite_id}", &text(&self.invite["id"]))
            .replace("{emoji}", "👍")
    }
}

/// What makes each call succeed.
fn body(world: &World, method: &str, path: &str) -> Option<Value> {
    let end = path.rsplit('/').next().unwrap();
    Some(match (method, end) {
        ("post", "look" | "join") => json!({"token": world.invite["token"]}),
        ("post", "invites") => json!({"uses_max": 3}),
        ("post", "check-existing-thread" | "create-or-get") => json!({"participants": ["dan"]}),
        ("post", "start-conversation") => json!({"participants": ["dan"], "message_content": "hi"}),
        ("post", "expand") => json!({"new_participants": ["dan"]}),
        ("post", "read") => json!({"seq": 1}),
        ("post", "role") => json!({"role": "admin"}),
        ("post", "messages") => json!({"client_id": client_id(), "content": "words"}),
        ("patch", "{thread_id}") => json!({"title": "new"}),
        ("patch", "{message_id}") => json!({"content": "other words"}),
        ("post", "unlink") => json!({"kind": "phone", "value": "+493012345678"}),
        ("patch", "me") => json!({"display_name": "Ann"}),
        ("patch", "findability") => json!({"phone": "contacts"}),
        ("put", "handle") | ("post", "find") => json!({"handle": "ann_smith"}),
        ("patch", "preferences") => json!({"pinned": true}),
        ("patch", "{user_id}") => json!({"own_name": "Cem at work"}),
        ("put", "{user_id}") if path.contains("/users/") => json!({"display_name": "Cem"}),
        ("post", "suspend" | "lift" | "remove" | "grant" | "withdraw" | "erase") => {
            json!({"reason": "why"})
        }
        ("post", "report") => json!({"reason": "spam"}),
        ("post", "resolve") => json!({"outcome": "no_action", "reason": "why"}),
        _ => return None,
    })
}

/// A picture of one pixel.
const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\
\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";

#[tokio::test]
async fn ec_f16_every_mutating_route_honours_the_key() {
    let document = TestServer::start()
        .await
        .stranger()
        .get("/api/openapi.json")
        .await
        .json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|method| *method != "get");
        // What gives out tokens or cookies is not stored: it means the same again by itself.
        let is_sign_in = |method: &str| {
            let same = |route: &&Route| route.method.name() == method && route.path == path;
            let route = ROUTES.iter().find(same).unwrap();
            matches!(route.handler, Handler::SignIn(_))
        };
        let methods = methods.filter(|method| !is_sign_in(method));
        documented.extend(methods.map(|method| (method.clone(), path.clone())));
    }
    let mut seen = BTreeSet::new();
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.handler, Handler::Mutation(_) | Handler::Upload(_)))
    {
        let server = TestServer::start().await;
        let world = World::new(&server).await;
        let method = route.method.name();
        seen.insert((method.to_owned(), route.path.to_owned()));
        let name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let path = world.path(route.path);
        let body = body(&world, method, route.path);
        let takes_bytes = matches!(route.handler, Handler::Upload(_));
        let call = || {
            let call = world.caller.call(name.clone(), &path).key("k");
            if takes_bytes {
                return call.bytes(PIXEL);
            }
            body.as_ref().map_or(call, |body| {
                world.caller.call(name.clone(), &path).key("k").json(body)
            })
        };
        let first = call().send().await;
        assert!(first.status.is_success(), "{method} {path}: {first:?}");
        assert!(!first.is_replay());
        let again = call().send().await;
        assert!(again.is_replay(), "{method} {path}: {again:?}");
        assert_eq!(
            (again.status, &again.body),
            (first.status, &first.body),
            "{method} {path}"
        );
        let twice = world
            .caller
            .call(name, &path)
            .key("a")
            .key("b")
            .send()
            .await;
        twice.problem("invalid_idempotency_key");
    }
    assert_eq!(seen, documented);
}
