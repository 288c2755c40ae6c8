//! People who know each other, and looks from outside.

use std::time::Duration;

use semel_client::{Address, Api};
use semel_protocol::{ThreadId, ThreadType, UserId, requests::StartConversation};
use semel_testkit::token;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long anything may take.
pub(crate) fn patience() -> Duration {
    Duration::from_mins(1)
}

/// The direct thread of two, in which the first said hello: two entries.
pub(crate) async fn acquaint(address: &Address, one: &str, other: &str) -> ThreadId {
    let api = Api::new(address.clone(), &token(other));
    api.get::<serde_json::Value>("/api/users/me").await.unwrap();
    let api = Api::new(address.clone(), &token(one));
    let body = StartConversation {
        participants: vec![UserId::parse(other).unwrap()],
        message_content: "hello".to_owned(),
        thread_type: Some(ThreadType::Direct),
        title: None,
        client_id: None,
        distinct: None,
    };
    let started = api.start_conversation(&body, None).await.unwrap();
    started.data.thread.id
}

/// The status of an answer; none without one.
pub(crate) async fn status(url: &str) -> Option<u16> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(host).await.ok()?;
    let ask = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}
