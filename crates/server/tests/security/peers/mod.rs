//! What other chat servers got wrong, one test for each, named by its row in docs/SECURITY.md.

mod entry;
mod outside;
mod rooms;
mod wire;

use std::time::Duration;

use reqwest::Method;
use semel_protocol::{Timestamp, UserId};
use semel_server::auth::{Caller, Scope};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    place::{Answer, Place, send},
    support::{Device, client_id},
};

/// How long a server may take to answer or to hang up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A token as a host application makes it.
pub(crate) fn token(place: &Place, id: &str) -> String {
    let app = place.server.app();
    app.tokens.sign(&Caller {
        user_id: UserId::parse(id).unwrap(),
        name: None,
        scope: Scope::Person,
        expires_at: Timestamp(app.clock.now().0 + 3_600_000),
        session_id: None,
        is_verified: false,
    })
}

/// Somebody of a host application.
pub(crate) struct Person<'a> {
    place: &'a Place,
    token: String,
    id: &'a str,
}

impl<'a> Person<'a> {
    pub(crate) async fn new(place: &'a Place, id: &'a str) -> Self {
        let token = token(place, id);
        place.get_as(&token, "/api/users/me").await.data();
        Self { place, token, id }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.place.get_as(&self.token, path).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.place.post_as(&self.token, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        let call = self.place.call(Method::PATCH, path);
        send(call.bearer_auth(&self.token).json(&body)).await
    }

    async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json["data"].clone()
    }

    /// A group of its own with others; its path.
    pub(crate) async fn group(&self, others: &[&Person<'_>]) -> String {
        let others: Vec<_> = others.iter().map(|other| other.id).collect();
        let body = json!({"participants": others, "thread_type": "group", "distinct": false});
        let made = self.done("/api/chat/create-or-get", body).await;
        format!(
            "/api/chat/threads/{}",
            made["thread"]["id"].as_str().unwrap()
        )
    }

    /// Says something; the message.
    async fn say(&self, thread: &str, words: &str) -> Value {
        let body = json!({"client_id": client_id(), "content": words});
        let said = self.done(&format!("{thread}/messages"), body).await;
        said["message"].clone()
    }

    async fn device(&self) -> Device {
        let auth = json!({"token": self.token});
        Device::connect(self.place.server.address, &auth)
            .await
            .unwrap()
    }
}

/// The id at the end of a thread's path.
fn id_of(thread: &str) -> &str {
    thread.rsplit('/').next().unwrap()
}

/// Sends bytes over a connection of their own; all that comes back until the server hangs up, or the head of an answer.
async fn raw(place: &Place, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(place.server.address).await.unwrap();
    // The server may hang up before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = async {
        let mut part = [0; 4096];
        while let Ok(1..) = stream
            .read(&mut part)
            .await
            .inspect(|n| answer.extend(&part[..*n]))
        {
            if answer.windows(4).any(|end| end == b"\r\n\r\n") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("the server answers or hangs up");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The server goes on serving.
async fn is_well(place: &Place) {
    let health = send(place.call(Method::GET, "/health/ready")).await;
    assert_eq!(health.status, 200, "{health:?}");
    Person::new(place, "somebody-else").await.device().await;
}
