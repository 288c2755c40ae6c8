//! Bad input: every field at its limit and one beyond. Nothing of it is a 5xx, nothing has an effect.

use reqwest::{Method, StatusCode};
use semel_protocol::limits;
use serde_json::{Value, json};

use crate::support::{Answer, Call, Client, TestServer, client_id, messages, text};

const CREATE: &str = "/api/chat/create-or-get";

async fn patch(who: &Client, path: &str, body: Value) -> Answer {
    who.call(Method::PATCH, path).json(&body).send().await
}

#[tokio::test]
async fn content_has_limits_in_characters_and_bytes() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let send = |content: String| {
        let body = json!({"client_id": client_id(), "content": content});
        ann.post(&messages(&thread), body)
    };
    send("x".repeat(limits::CONTENT_CHARACTERS_MAX))
        .await
        .expect(StatusCode::CREATED);
    send("😀".repeat(limits::CONTENT_CHARACTERS_MAX))
        .await
        .expect(StatusCode::CREATED);
    for content in [
        "x".repeat(limits::CONTENT_CHARACTERS_MAX + 1),
        "😀".repeat(limits::CONTENT_BYTES_MAX / 4 + 1),
        String::new(),
        " \n\t".to_owned(),
        "a\0b".to_owned(),
    ] {
        send(content).await.invalid("/content");
    }
}

#[tokio::test]
async fn titles_names_and_pictures_have_limits() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = format!("/api/chat/threads/{}", ann.group(&[&bob]).await);
    let me = "/api/users/me";
    for (path, field, max) in [
        (thread.as_str(), "title", limits::TITLE_CHARACTERS_MAX),
        (me, "display_name", limits::NAME_CHARACTERS_MAX),
        (me, "about", limits::ABOUT_CHARACTERS_MAX),
    ] {
        let text = |length: usize| "é".repeat(length);
        patch(&ann, path, json!({field: text(max)}))
            .await
            .expect(StatusCode::OK);
        let pointer = format!("/{field}");
        patch(&ann, path, json!({field: text(max + 1)}))
            .await
            .invalid(&pointer);
        patch(&ann, path, json!({field: "a\0b"}))
            .await
            .invalid(&pointer);
        patch(&ann, path, json!({field: 7})).await.invalid(&pointer);
    }
    for bad in ["javascript:alert(1)", "https://example.org/a.png", "a\0b"] {
        for path in [thread.as_str(), me] {
            patch(&ann, path, json!({"picture": bad}))
                .await
                .invalid("/picture");
        }
    }
    patch(&ann, "/api/users/me", json!({"display_name": ""}))
        .await
        .invalid("/display_name");
}

#[tokio::test]
async fn user_ids_have_limits_everywhere() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let longest = "u".repeat(limits::USER_ID_CHARACTERS_MAX);
    server.people([longest.as_str()]).await;
    ann.post(CREATE, json!({"participants": [longest]}))
        .await
        .expect(StatusCode::CREATED);
    let beyond = "u".repeat(limits::USER_ID_CHARACTERS_MAX + 1);
    for id in [beyond.as_str(), "", " a", "a\0"] {
        ann.post(CREATE, json!({"participants": ["ann", id]}))
            .await
            .invalid("/participants/1");
    }
    ann.get(&format!("/api/users/{beyond}"))
        .await
        .invalid("?user_id");
    ann.get("/api/users/%00").await.invalid("?user_id");
    ann.get("/api/users/%FF").await.problem("invalid_request");
}

#[tokio::test]
async fn participants_of_a_call_have_a_limit_and_must_be_known() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let ids = |count: usize| (0..count).map(|n| format!("u{n}")).collect::<Vec<_>>();
    let most = ann
        .post(
            CREATE,
            json!({"participants": ids(limits::PARTICIPANTS_PER_CALL_MAX)}),
        )
        .await;
    let unknown = most
        .expect(StatusCode::UNPROCESSABLE_ENTITY)
        .problem("unknown_users");
    assert!(!unknown["user_ids"].as_array().unwrap().is_empty());
    let beyond = json!({"participants": ids(limits::PARTICIPANTS_PER_CALL_MAX + 1)});
    ann.post(CREATE, beyond).await.invalid("/participants");
}

#[tokio::test]
async fn ec_x11_client_ids_that_are_no_names_are_refused() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    for id in [
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000007",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "seven",
        "",
    ] {
        let body = json!({"client_id": id, "content": "x"});
        ann.post(&messages(&thread), body)
            .await
            .invalid("/client_id");
        ann.post(CREATE, json!({"participants": ["bob"], "client_id": id}))
            .await
            .invalid("/client_id");
    }
    ann.post(&messages(&thread), json!({"content": "x"}))
        .await
        .invalid("/client_id");
}

#[tokio::test]
async fn reactions_have_limits() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let message = text(&ann.say(&thread, "hi").await["id"]);
    let react = |emoji: &str| {
        ann.call(
            Method::PUT,
            &format!("{}/{message}/reactions/{emoji}", messages(&thread)),
        )
        .send()
    };
    react(&"e".repeat(limits::EMOJI_BYTES_MAX))
        .await
        .expect(StatusCode::OK);
    for bad in [
        &"e".repeat(limits::EMOJI_BYTES_MAX + 1),
        "%20",
        "%3Cb%3E",
        "%00",
    ] {
        react(bad).await.problem("invalid_request");
    }
    for n in 1..limits::REACTION_KINDS_PER_MESSAGE_MAX {
        react(&format!("e{n}")).await.expect(StatusCode::OK);
    }
    react("onemore").await.problem("invalid_request");
    react("e1").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn pages_have_limits_and_parameters_are_known() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let base = format!("/api/chat/threads/{thread}");
    for (path, max) in [
        ("/api/chat/threads".to_owned(), limits::PAGE_ROWS_MAX),
        ("/api/contacts".to_owned(), limits::PAGE_ROWS_MAX),
        (format!("{base}/participants"), limits::PAGE_ROWS_MAX),
        (format!("{base}/messages"), limits::PAGE_MESSAGES_MAX),
        (format!("{base}/entries"), limits::PAGE_ENTRIES_MAX),
    ] {
        ann.get(&format!("{path}?limit={max}"))
            .await
            .expect(StatusCode::OK);
        for limit in [
            &(max + 1).to_string(),
            "0",
            "-1",
            "x",
            "",
            "1.5",
            "99999999999999999999",
        ] {
            ann.get(&format!("{path}?limit={limit}"))
                .await
                .invalid("?limit");
        }
        ann.get(&format!("{path}?limit=1&limit=1"))
            .await
            .invalid("?limit");
        ann.get(&format!("{path}?colour=red"))
            .await
            .invalid("?colour");
    }
    for path in [
        "/api/chat/threads",
        "/api/contacts",
        &format!("{base}/participants"),
    ] {
        for cursor in ["x", "%FF", "=", "MTcuYWJj"] {
            let answer = ann.get(&format!("{path}?cursor={cursor}")).await;
            if answer.status != StatusCode::OK {
                answer.invalid("?cursor");
            }
        }
    }
    ann.get(&format!("{base}/messages?before_seq=1&after_seq=1"))
        .await
        .invalid("?around_seq");
    let id = "00000000-0000-4000-8000-000000000000";
    ann.get(&format!("{base}/messages?around_seq=1&around_id={id}"))
        .await
        .invalid("?around_seq");
    ann.get(&format!("{base}/messages?before_seq=18446744073709551615"))
        .await
        .invalid("?before_seq");
    ann.get(&format!("{base}/messages?before_seq=9223372036854775807"))
        .await
        .expect(StatusCode::OK);
    ann.get(&format!("{base}/entries?after_rev=9223372036854775807"))
        .await
        .expect(StatusCode::OK);
    let seat = format!("{base}/participants/bob?on_conflict=maybe");
    ann.call(Method::DELETE, &seat)
        .send()
        .await
        .invalid("?on_conflict");
}

#[tokio::test]
async fn ids_in_addresses_must_be_ids() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for id in [
        "7",
        "x%27%3B--",
        "%20",
        "018f0000-0000-7000-8000-00000000000g",
    ] {
        ann.get(&format!("/api/chat/threads/{id}"))
            .await
            .invalid("?thread_id");
    }
}

#[tokio::test]
async fn req_d11_bodies_that_are_no_json_of_the_right_form_are_refused() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let post = |body: Vec<u8>| {
        let call = ann
            .call(Method::POST, CREATE)
            .header("content-type", "application/json");
        Call(call.0.body(body)).send()
    };
    for body in [
        "",
        "{",
        "{\"participants\":",
        "[",
        "nonsense",
        "{\"participants\":[]}{}",
        "\u{feff}{}",
    ] {
        let answer = post(body.into()).await.expect(StatusCode::BAD_REQUEST);
        answer.problem("malformed_body");
    }
    post(b"{\"participants\":[\"\xff\"]}".to_vec())
        .await
        .problem("malformed_body");
    post("[".repeat(100_000).into_bytes())
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    post(b"{\"participants\":[\"bob\"],\"admin\":true}".to_vec())
        .await
        .invalid("/admin");
    post(b"{\"participants\":null}".to_vec())
        .await
        .invalid("/participants");
    post(b"{\"participants\":[],\"participants\":[]}".to_vec())
        .await
        .invalid("/participants");
    post(b"7".to_vec()).await.problem("invalid_request");
    let leave = format!("/api/chat/threads/{}/leave", ann.direct(&bob).await);
    ann.post(&leave, json!({"why": "so"}))
        .await
        .problem("invalid_request");
}

#[tokio::test]
async fn bodies_have_a_type_and_a_size() {
    let server = TestServer::start().await;
    let [ann, _] = server.people(["ann", "bob"]).await;
    let body = json!({"participants": ["bob"]}).to_string();
    let call = |name: &str, value: &str| {
        let call = ann.call(Method::POST, CREATE).header(name, value);
        Call(call.0.body(body.clone())).send()
    };
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
    ] {
        let answer = call("content-type", media_type).await;
        answer
            .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .problem("unsupported_media_type");
    }
    call("accept", "*/*")
        .await
        .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    call("content-type", "Application/JSON; charset=\"UTF-8\"")
        .await
        .expect(StatusCode::CREATED);
    let zipped = ann
        .call(Method::POST, CREATE)
        .header("content-encoding", "gzip")
        .text("x")
        .send()
        .await;
    zipped
        .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .problem("unsupported_media_type");

    let pad = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let most = ann
        .call(Method::POST, CREATE)
        .text(pad(limits::REQUEST_BODY_BYTES_MAX))
        .send()
        .await;
    most.expect(StatusCode::OK);
    for length in [
        limits::REQUEST_BODY_BYTES_MAX + 1,
        3 * limits::REQUEST_BODY_BYTES_MAX,
    ] {
        let beyond = ann
            .call(Method::POST, CREATE)
            .text(pad(length))
            .send()
            .await;
        assert_eq!(beyond.header("connection"), "close");
        beyond
            .expect(StatusCode::PAYLOAD_TOO_LARGE)
            .problem("body_too_large");
    }
}

#[tokio::test]
async fn the_charset_is_found_wherever_it_stands_and_forms_are_kept() {
    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let body = r#"{"participants":["bob"]}"#;
    let typed = |media_type: &str| {
        let call = ann
            .call(Method::POST, CREATE)
            .header("content-type", media_type);
        Call(call.0.body(body)).send()
    };
    for fine in [
        "application/json; x=1; charset=UTF-8",
        "application/json;x=1",
    ] {
        assert!(typed(fine).await.status.is_success(), "{fine}");
    }
    for foreign in [
        "application/json; charset=latin1",
        "application/json; x=1; charset=\"utf-16\"",
    ] {
        let answer = typed(foreign)
            .await
            .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        answer.problem("unsupported_media_type");
    }
    let none = typed("text/plain").await.problem("unsupported_media_type");
    assert!(
        none["detail"]
            .as_str()
            .unwrap()
            .contains("Content-Type: application/json")
    );

    let base = format!("/api/chat/threads/{}", ann.group(&[&bob]).await);
    let role = |body: Value| ann.post(&format!("{base}/participants/bob/role"), body);
    role(json!({"role": {"admin": null}}))
        .await
        .invalid("/role");
    role(json!({"role": "admin"})).await.expect(StatusCode::OK);
    let settings = json!({"settings": ["all", null]});
    patch(&ann, &base, settings).await.invalid("/settings");
}

/// Texts that mean something to a database, a page or a terminal are texts; what cannot be stored is refused.
#[tokio::test]
async fn req_d11_no_text_is_code() {
    let server = TestServer::start().await;
    let names = [
        "ann",
        "'; DROP TABLE log; --",
        "<img src=x onerror=alert(1)>",
    ];
    let [ann, quote, page] = server.people(names).await;
    let thread = ann.group(&[&quote, &page]).await;
    for words in [
        "'; DELETE FROM log WHERE '1'='1",
        "\" OR 1=1 /*",
        "<script>alert(1)</script>",
        "{{7*7}} ${jndi:ldap://x} %00 \\u0000",
        "\u{1b}[2J\u{202e}abc\u{feff}\u{10ffff}",
    ] {
        let said = quote.say(&thread, words).await;
        assert_eq!(
            (&said["content"], &said["sender_id"]),
            (&json!(words), &json!(quote.id))
        );
    }
    let stored = page.get(&messages(&thread)).await.success();
    assert_eq!(stored["messages"].as_array().unwrap().len(), 5);
    let nul = json!({"client_id": client_id(), "content": "a\0b"});
    ann.post(&messages(&thread), nul).await.invalid("/content");
    let nul = json!({"participants": ["a\0b"]});
    ann.post(CREATE, nul).await.invalid("/participants/0");
    patch(&ann, "/api/users/me", json!({"about": "a\0b"}))
        .await
        .invalid("/about");
    let operator = server.operator();
    let put = operator
        .call(Method::PUT, "/api/users/a%00b")
        .json(&json!({}));
    let answer = put.send().await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    // Half a surrogate pair is no character.
    let id = client_id();
    let half = format!(r#"{{"client_id":"{id}","content":"\ud800"}}"#);
    let half = ann.call(Method::POST, &messages(&thread)).text(half);
    assert!(half.send().await.status.is_client_error());
}
