//! What every answer has, and the pages for operators.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use reqwest::{Method, StatusCode};
use semel_server::telemetry::metrics;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{TestServer, client_id, messages};

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for path in [
        "/api",
        "/api/chat/nothing",
        "/nothing/at/all",
        "/api/users/a/b",
    ] {
        ann.get(path)
            .await
            .expect(StatusCode::NOT_FOUND)
            .problem("not_found");
    }
    let wrong = ann.call(Method::DELETE, "/api/chat/threads").send().await;
    let wrong = wrong.expect(StatusCode::METHOD_NOT_ALLOWED);
    wrong.problem("method_not_allowed");
    assert!(wrong.header("allow").contains("GET"), "{wrong:?}");
    let page = server.stranger().call(Method::POST, "/").send().await;
    page.expect(StatusCode::METHOD_NOT_ALLOWED)
        .problem("method_not_allowed");
}

#[tokio::test]
async fn every_answer_has_its_id_and_keeps_to_itself() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    for answer in [
        ann.get("/api/users/me").await,
        ann.get("/api/nothing").await,
        server.stranger().get("/api/users/me").await,
        server.stranger().get("/health").await,
    ] {
        assert!(!answer.header("x-request-id").is_empty());
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{answer:?}");
        }
    }
    let mine = ann
        .call(Method::GET, "/api/nothing")
        .header("x-request-id", "my-id.7")
        .send()
        .await;
    assert_eq!(mine.header("x-request-id"), "my-id.7");
    assert_eq!(mine.problem("not_found")["request_id"], "my-id.7");
    for bad in ["a b", "<x>", &"x".repeat(65)] {
        let answer = ann
            .call(Method::GET, "/health")
            .header("x-request-id", bad)
            .send()
            .await;
        assert_ne!(answer.header("x-request-id"), bad);
    }
}

#[tokio::test]
async fn req_d9_health_tells_whether_the_store_answers() {
    let server = TestServer::start().await;
    let probe = server.stranger();
    let health = probe.get("/health").await.expect(StatusCode::OK).json();
    let expected = json!({
        "status": "ok", "database": "ok", "redis": "not configured",
        "version": env!("CARGO_PKG_VERSION"),
    });
    assert_eq!(health, expected);
    probe.get("/health/ready").await.expect(StatusCode::OK);
    server.app.stop();
    probe
        .get("/health/ready")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        probe
            .get("/health")
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE)
            .json()["database"],
        "ok"
    );
    probe.get("/health/live").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn the_interface_describes_itself_without_another_host() {
    let server = TestServer::start().await;
    let reader = server.stranger();
    let document = reader.get("/api/openapi.json").await.expect(StatusCode::OK);
    assert_eq!(document.json()["openapi"], "3.1.0");
    let page = reader.get("/api/docs").await.expect(StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for path in ["/api/docs/page.css", "/api/docs/page.js"] {
        assert!(page.body.contains(path), "{path}");
        let file = reader.get(path).await.expect(StatusCode::OK);
        assert!(!file.body.contains("://"), "{path}");
    }
    assert!(!page.body.contains("://"));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn req_d9_a_message_can_be_followed_in_the_log_which_has_neither_words_nor_tokens() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "unmistakable words"});
    let call = ann
        .call(Method::POST, &messages(&thread))
        .header("x-request-id", "follow-me");
    let message = call.json(&body).send().await.success()["message"].clone();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("follow-me") && line.contains("committed"));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    let (fields, span) = (&line["fields"], &line["span"]);
    assert_eq!(fields["message_id"], message["id"]);
    assert_eq!(fields["thread_id"], *thread);
    assert_eq!(
        (&fields["seq"], &fields["rev"]),
        (&message["seq"], &message["rev"])
    );
    assert_eq!(
        (&span["request_id"], &span["user_id"]),
        (&json!("follow-me"), &json!("ann"))
    );
    assert!(!text.contains("unmistakable") && !text.contains(ann.token.as_ref().unwrap()));
}

#[tokio::test]
async fn req_d9_req_c5_metrics_count_what_was_absorbed() {
    let handle = metrics::install().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, metrics::router(handle)).await });

    let server = TestServer::start().await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    ann.direct(&bob).await;
    let body = json!({"client_id": client_id(), "content": "words that no metric has"});
    for _ in 0..3 {
        ann.post(&messages(&thread), body.clone()).await;
    }
    for _ in 0..5 {
        ann.call(Method::POST, &messages(&thread))
            .key("k")
            .json(&body)
            .send()
            .await;
    }
    let other = json!({"client_id": client_id(), "content": "x"});
    ann.call(Method::POST, &messages(&thread))
        .key("k")
        .json(&other)
        .send()
        .await;

    let text = reqwest::get(format!("http://{address}/metrics"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "semel_duplicates_absorbed_total{layer=\"participants_key\"} 1",
        "semel_duplicates_absorbed_total{layer=\"client_id\"} 3",
        "semel_duplicates_absorbed_total{layer=\"idempotency_key\"} 4",
        "semel_idempotency_keys_total{event=\"stored\"} 1",
        "semel_idempotency_keys_total{event=\"replayed\"} 4",
        "semel_idempotency_keys_total{event=\"conflict\"} 1",
        "semel_commands_total{action=\"Send\",result=\"ok\"} 4",
        "semel_commands_total{action=\"Send\",result=\"idempotency_key_reused\"} 1",
        "semel_command_seconds_count{action=\"Send\"} 9",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("words that") && !text.contains(&thread));
    task.abort();
}
