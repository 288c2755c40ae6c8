//! A server with settings, and people who come to it.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use semel_server::{
    config::{Config, Sources},
    serve::{self, Running},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::{connect_async, tungstenite};

use super::receiver::Receiver;

/// Shared with a host application.
pub(crate) const SECRET: &str = "a secret of these tests, long enough for a key";

/// A server, and who takes its messages.
pub(crate) struct Place {
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) server: Running,
    http: reqwest::Client,
    _directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// `data` of a success.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        &self.json["data"]
    }

    /// It must be a problem with this code.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) {
        assert_eq!(self.json["code"], code, "{self:?}");
        assert_eq!(self.json["status"], self.status.as_u16());
    }

    /// A text of the data.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let text = self.data()[name].as_str();
        text.unwrap_or_else(|| panic!("{name} of {self:?}"))
            .to_owned()
    }

    /// The cookie that is set, as it is sent back.
    pub(crate) fn cookie(&self) -> Option<String> {
        let text = self.headers.get("set-cookie")?.to_str().unwrap();
        text.split(';').next().map(str::to_owned)
    }
}

impl Place {
    /// A server that sends codes to a receiver.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with more settings.
    pub(crate) async fn with(more: &[(&'static str, &str)]) -> Self {
        Self::beside(Receiver::start().await, more).await
    }

    /// The same with a receiver that others may have as well.
    pub(crate) async fn beside(receiver: Arc<Receiver>, more: &[(&'static str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut flags = vec![
            ("data_dir", directory.path().display().to_string()),
            ("listen", "127.0.0.1:0".to_owned()),
            ("metrics_listen", "off".to_owned()),
            ("jwt_secret_key", SECRET.to_owned()),
            ("phone_sender", "webhook".to_owned()),
            ("phone_url", receiver.url.clone()),
            (
                "phone_secret",
                "a secret that signs what is posted".to_owned(),
            ),
        ];
        for (key, value) in more {
            flags.retain(|(known, _)| known != key);
            flags.push((key, (*value).to_owned()));
        }
        let sources = Sources {
            flags,
            ..Sources::default()
        };
        let server = serve::start(Config::load(sources).unwrap()).await.unwrap();
        Self {
            receiver,
            server,
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            _directory: directory,
        }
    }

    /// A request to be completed.
    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.server.url()))
    }

    /// A request that comes from a page of this server.
    pub(crate) fn page_call(&self, path: &str, body: &Value) -> RequestBuilder {
        let call = self.call(Method::POST, path).json(body);
        call.header("origin", self.server.url())
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> impl Future<Output = Answer> + use<> {
        send(self.call(Method::POST, path).json(&body))
    }

    pub(crate) fn post_as(
        &self,
        token: &str,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Answer> + use<> {
        send(self.call(Method::POST, path).bearer_auth(token).json(&body))
    }

    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        send(self.call(Method::GET, path).bearer_auth(token)).await
    }

    /// Begins a sign-in; the challenge.
    pub(crate) async fn begin(&self, to: &str) -> String {
        let begun = self
            .post("/api/auth/challenges", json!({"kind": "phone", "to": to}))
            .await;
        begun.text("challenge_id")
    }

    /// The next code that is sent.
    pub(crate) async fn code(&self) -> String {
        let message = self.receiver.next().await;
        let body: Value = serde_json::from_str(&message.body).unwrap();
        body["data"]["code"].as_str().unwrap().to_owned()
    }

    /// Signs somebody's phone in.
    pub(crate) async fn sign_in(&self, to: &str) -> Answer {
        self.sign_in_at(to, "phone").await
    }

    /// Signs another device of theirs in.
    pub(crate) async fn sign_in_at(&self, to: &str, device: &str) -> Answer {
        let challenge = self.begin(to).await;
        let code = self.code().await;
        let body = json!({"challenge_id": challenge, "code": code, "device_id": device});
        self.post("/api/auth/verify", body).await
    }

    pub(crate) fn refresh(
        &self,
        token: &str,
        device: &str,
    ) -> impl Future<Output = Answer> + use<> {
        let body = json!({"refresh_token": token, "device_id": device});
        self.post("/api/auth/refresh", body)
    }

    /// Connects a device over Socket.IO; what it is told from now on.
    pub(crate) async fn socket(&self, token: &str) -> Socket {
        let url = format!(
            "ws://{}/socket.io/?EIO=4&transport=websocket",
            self.server.address
        );
        let (mut stream, _) = connect_async(url).await.unwrap();
        let hello = stream.next().await.unwrap().unwrap();
        assert!(hello.to_text().unwrap().starts_with('0'));
        let connect = format!("40{}", json!({"token": token}));
        stream
            .send(tungstenite::Message::text(connect))
            .await
            .unwrap();
        let stream = Box::pin(stream.filter_map(async |message| {
            let text = message.ok()?.into_text().ok()?;
            (text.as_str() != "2").then(|| text.to_string())
        }));
        Socket(stream)
    }
}

/// What a device is told, pings apart.
pub(crate) struct Socket(std::pin::Pin<Box<dyn futures_util::Stream<Item = String> + Send>>);

impl Socket {
    /// The next packet; none when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(Duration::from_secs(15), self.0.next());
        next.await.expect("something comes within 15 seconds")
    }
}

pub(crate) async fn send(call: RequestBuilder) -> Answer {
    let answer = call.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    Answer {
        status,
        headers,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
    }
}
