//! A whole server for tests: a real `SQLite` file in a directory of its own, real sockets, a clock that tests move.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use reqwest::{Method, StatusCode, header::HeaderMap};
use semel_backends::sqlite::{self, Options, SqliteLedger};
use semel_core::ports::{Clock, Ledger, Listener, News};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    app::App,
    auth::{Caller, Scope, Tokens},
    convert::JsonRenderer,
    http,
    world::SystemEntropy,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

/// With what the tests' tokens are signed.
pub(crate) const SECRET: &[u8] = b"the secret of the tests";
/// Where the clock starts: 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000;

/// How long stored answers are replayed.
pub(crate) const IDEMPOTENCY_MS: i64 = 24 * 3_600_000;

/// A clock that moves when a test says so.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    /// Moves it on.
    pub(crate) fn advance_ms(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Nobody is connected for the pushes.
struct Nobody;

impl Listener for Nobody {
    fn committed(&self, _: News) {}
    fn recovered(&self) {}
}

/// A server on a free port of this machine. Dropping it ends it.
pub(crate) struct TestServer {
    /// What its surfaces share.
    pub(crate) app: Arc<App>,
    /// Its time.
    pub(crate) clock: Arc<TestClock>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    dir: Arc<TempDir>,
    task: JoinHandle<()>,
    client: reqwest::Client,
}

impl TestServer {
    /// A server with an empty database.
    pub(crate) async fn start() -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        Self::start_in(Arc::new(TempDir::new().unwrap()), clock).await
    }

    /// A server with something between it and its empty database.
    pub(crate) async fn start_over(
        between: impl FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
    ) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        Self::start_with(Arc::new(TempDir::new().unwrap()), clock, between).await
    }

    /// Stops it and starts another one on the same database.
    pub(crate) async fn restart(self) -> Self {
        self.task.abort();
        self.app.ledger.close().await;
        let (dir, clock) = (Arc::clone(&self.dir), Arc::clone(&self.clock));
        drop(self);
        Self::start_in(dir, clock).await
    }

    /// Copies its database to a file.
    pub(crate) fn back_up(&self, name: &str) -> PathBuf {
        let file = self.dir.path().join(name);
        sqlite::backup(self.dir.path(), &file).unwrap();
        file
    }

    /// Stops it and starts another one on what a backup has.
    pub(crate) async fn restore(self, backup: &Path) -> Self {
        self.task.abort();
        self.app.ledger.close().await;
        let aside = backup.with_extension("aside");
        let replace = sqlite::Existing::Replace(aside);
        sqlite::restore(backup, self.dir.path(), &replace, &SystemEntropy).unwrap();
        let (dir, clock) = (Arc::clone(&self.dir), Arc::clone(&self.clock));
        drop(self);
        Self::start_in(dir, clock).await
    }

    async fn start_in(dir: Arc<TempDir>, clock: Arc<TestClock>) -> Self {
        Self::start_with(dir, clock, |ledger| ledger).await
    }

    async fn start_with(
        dir: Arc<TempDir>,
        clock: Arc<TestClock>,
        between: impl FnOnce(Arc<dyn Ledger>) -> Arc<dyn Ledger>,
    ) -> Self {
        let ledger = between(open(dir.path(), &clock).await);
        let tokens = Tokens::new(SECRET, clock.clone());
        let app = App::new(ledger, tokens, clock.clone(), Arc::new(SystemEntropy));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = http::router(Arc::clone(&app));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            app,
            clock,
            address,
            dir,
            task,
            client: reqwest::Client::new(),
        }
    }

    /// A person with a token.
    pub(crate) fn user(&self, id: &str) -> Client {
        self.client(id, Scope::Person)
    }

    /// Somebody who may bring people in.
    pub(crate) fn operator(&self) -> Client {
        self.client("operator", Scope::Operator)
    }

    /// Another one.
    pub(crate) fn other_operator(&self) -> Client {
        self.client("other-operator", Scope::Operator)
    }

    /// Somebody without a token.
    pub(crate) fn stranger(&self) -> Client {
        Client {
            http: self.client.clone(),
            base: self.base(),
            token: None,
            id: String::new(),
        }
    }

    /// People who have been here.
    pub(crate) async fn people<const N: usize>(&self, ids: [&str; N]) -> [Client; N] {
        let clients = ids.map(|id| self.user(id));
        for client in &clients {
            client.get("/api/users/me").await.expect(StatusCode::OK);
        }
        clients
    }

    /// A token for somebody, for an hour.
    pub(crate) fn token(&self, id: &str, scope: Scope) -> String {
        self.app.tokens.sign(&Caller {
            user_id: UserId::parse(id).unwrap(),
            name: None,
            scope,
            expires_at: Timestamp(self.clock.now().0 + 3_600_000),
            session_id: None,
            is_verified: false,
        })
    }

    fn client(&self, id: &str, scope: Scope) -> Client {
        let token = Some(self.token(id, scope));
        Client {
            http: self.client.clone(),
            base: self.base(),
            token,
            id: id.to_owned(),
        }
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Somebody who calls.
#[derive(Clone)]
pub(crate) struct Client {
    /// Their id.
    pub(crate) id: String,
    /// Their token.
    pub(crate) token: Option<String>,
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// GET.
    pub(crate) fn get(&self, path: &str) -> impl Future<Output = Answer> + Send + use<> {
        self.call(Method::GET, path).send()
    }

    /// POST with a body.
    pub(crate) fn post(
        &self,
        path: &str,
        body: Value,
    ) -> impl Future<Output = Answer> + Send + use<> {
        self.call(Method::POST, path).json(&body).send()
    }

    /// A call to be completed.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let request = self.http.request(method, format!("{}{path}", self.base));
        Call(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// The direct thread with somebody.
    pub(crate) async fn direct(&self, other: &Self) -> String {
        let body = json!({"participants": [other.id]});
        let answer = self.post("/api/chat/create-or-get", body).await.success();
        text(&answer["thread"]["id"])
    }

    /// A group with others.
    pub(crate) async fn group(&self, others: &[&Self]) -> String {
        let others = others
            .iter()
            .map(|other| other.id.as_str())
            .collect::<Vec<_>>();
        let body = json!({"participants": others, "thread_type": "group"});
        let answer = self.post("/api/chat/create-or-get", body).await.success();
        text(&answer["thread"]["id"])
    }

    /// Says something; the message.
    pub(crate) async fn say(&self, thread: &str, content: &str) -> Value {
        let body = json!({"client_id": client_id(), "content": content});
        let answer = self.post(&messages(thread), body).await;
        answer.expect(StatusCode::CREATED).success()["message"].clone()
    }
}

/// A call to be completed and sent.
pub(crate) struct Call(pub(crate) reqwest::RequestBuilder);

impl Call {
    /// With an idempotency key.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With a body that is said to be JSON.
    pub(crate) fn text(self, body: impl Into<String>) -> Self {
        Self(
            self.0
                .header("content-type", "application/json")
                .body(body.into()),
        )
    }

    /// With a body of bytes.
    pub(crate) fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// Sends it.
    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.text().await.unwrap(),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Status.
    pub(crate) status: StatusCode,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status must be this one.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// `data` of a success.
    #[track_caller]
    pub(crate) fn success(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], "success");
        json["data"].clone()
    }

    /// It must be a problem with this code, and one as promised.
    #[track_caller]
    pub(crate) fn problem(&self, code: &str) -> Value {
        let json = self.json();
        assert_eq!(json["code"], code, "{self:?}");
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "detail", "request_id"] {
            assert!(
                json[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}"
            );
        }
        json
    }

    /// It must be `invalid_request` and name this field first.
    #[track_caller]
    pub(crate) fn invalid(&self, pointer: &str) {
        let problem = self.problem("invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }

    /// Whether it is marked as that of an earlier request.
    pub(crate) fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    /// A header; empty without it.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Where a thread's messages are.
pub(crate) fn messages(thread: &str) -> String {
    format!("/api/chat/threads/{thread}/messages")
}

/// A fresh client id.
pub(crate) fn client_id() -> String {
    uuid::Uuid::from_u128(semel_core::ports::Entropy::seed(&SystemEntropy)).to_string()
}

/// A JSON text.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

async fn open(dir: &Path, clock: &Arc<TestClock>) -> Arc<SqliteLedger> {
    let options = Options {
        data_dir: dir.to_owned(),
        readers: 2,
        idempotency_ms: IDEMPOTENCY_MS,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::new(Nobody),
    };
    let opened = tokio::task::spawn_blocking(move || SqliteLedger::open(options));
    opened.await.unwrap().unwrap()
}
