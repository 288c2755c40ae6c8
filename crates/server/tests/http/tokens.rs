//! Access tokens over HTTP.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    auth::{Caller, Scope, Tokens},
    http::{
        ROUTES,
        route::{Handler, Route},
    },
};
use serde_json::json;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{TestServer, text};

#[tokio::test]
async fn every_route_of_the_table_wants_a_token() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    let needs_one =
        |route: &&Route| !matches!(route.handler, Handler::SignIn(_) | Handler::Open(_));
    for route in ROUTES.iter().filter(needs_one) {
        let name = route.method.name().to_uppercase();
        let path = route.path.replace(['{', '}'], "");
        let answer = stranger
            .call(Method::from_bytes(name.as_bytes()).unwrap(), &path)
            .send()
            .await;
        let answer = answer.expect(StatusCode::UNAUTHORIZED);
        answer.problem("unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let [ann] = server.people(["ann"]).await;
    let caller = Caller {
        user_id: UserId::parse("ann").unwrap(),
        name: None,
        scope: Scope::Person,
        expires_at: Timestamp(i64::from(i32::MAX) * 1_000),
        session_id: None,
        is_verified: false,
    };
    let foreign = Tokens::new(b"another secret", server.clock.clone()).sign(&caller);
    for token in ["x", "a.b.c", foreign.as_str()] {
        let call = server.stranger().call(Method::GET, "/api/users/me");
        let answer = call
            .header("authorization", &format!("Bearer {token}"))
            .send()
            .await;
        let answer = answer.expect(StatusCode::UNAUTHORIZED);
        answer.problem("unauthenticated");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer error=\"invalid_token\""
        );
    }
    server.clock.advance_ms(3_600_001);
    let expired = ann
        .get("/api/users/me")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(
        expired.problem("unauthenticated")["detail"],
        "the access token has expired"
    );
}

#[tokio::test]
async fn the_name_of_a_token_names_a_new_person_and_nobody_else() {
    let server = TestServer::start().await;
    let named = |name: &str| {
        let token = server.app.tokens.sign(&Caller {
            user_id: UserId::parse("ann").unwrap(),
            name: Some(name.to_owned()),
            scope: Scope::Person,
            expires_at: Timestamp(i64::from(i32::MAX) * 1_000),
            session_id: None,
            is_verified: false,
        });
        let mut client = server.stranger();
        client.token = Some(token);
        client
    };
    let me = named("Ann").get("/api/users/me").await.success();
    assert_eq!(text(&me["user"]["display_name"]), "Ann");
    let change = json!({"display_name": "Anna"});
    named("Ann")
        .call(Method::PATCH, "/api/users/me")
        .json(&change)
        .send()
        .await
        .expect(StatusCode::OK);
    let me = named("Ann").get("/api/users/me").await.success();
    assert_eq!(text(&me["user"]["display_name"]), "Anna");
}

/// Without reading the body the connection would be reset, and the caller might never see why.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_also_to_who_sends_much() {
    let server = TestServer::start().await;
    let body = vec![b' '; 1_000_000];
    for round in 0..30 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "PATCH /api/users/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer x\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let sent = async {
            stream.write_all(head.as_bytes()).await?;
            // It comes in parts, some of them after the answer could be there.
            for part in body.chunks(100_000) {
                stream.write_all(part).await?;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = sent
            .await
            .unwrap_or_else(|error| panic!("{round}: {error}"));
        assert_eq!(&answer, b"HTTP/1.1 401", "{round}");
    }
}
