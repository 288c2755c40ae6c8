//! A server in this process, and clients that speak Socket.IO over raw WebSocket.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use semel_backends::sqlite::{Options, SqliteLedger};
use semel_core::{
    Command, Reply,
    actions::UpsertUser,
    ports::{Clock, Entropy, Ledger, LedgerError, Listener, News, Question},
};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    app::App,
    auth::{Caller, Scope, Tokens},
    convert::JsonRenderer,
    http,
    hub::{Hub, Rhythm},
    realtime::{Realtime, Settings},
    world::{SystemClock, SystemEntropy},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long an event may be waited for while others come.
const EVENT_MAX: Duration = Duration::from_mins(1);
const SECRET: &[u8] = b"a secret of these tests, long enough";

/// Between the ledger and the hub: what is committed while it is down is not told, as when the store does not say what
/// became of a commit.
pub(crate) struct Wire {
    hub: Arc<Hub>,
    is_down: AtomicBool,
    /// What was not told.
    untold: Mutex<Vec<News>>,
}

impl Wire {
    pub(crate) fn cut(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.is_down.store(false, Ordering::SeqCst);
    }

    /// What was not told while it was down.
    pub(crate) fn untold(&self) -> Vec<News> {
        std::mem::take(&mut self.untold.lock().unwrap())
    }

    /// Tells the hub, as the lane's thread does.
    pub(crate) fn tell(&self, news: Vec<News>) {
        let hub = self.hub.clone();
        let tell = move || news.into_iter().for_each(|news| hub.committed(news));
        std::thread::spawn(tell).join().unwrap();
    }
}

impl Listener for Wire {
    fn committed(&self, news: News) {
        if self.is_down.load(Ordering::SeqCst) {
            self.untold.lock().unwrap().push(news);
        } else {
            self.hub.committed(news);
        }
    }

    fn recovered(&self) {
        self.hub.recovered();
    }
}

/// A store that does not answer the server's own questions while a test wants that.
pub(crate) struct Shaky {
    inner: Arc<dyn Ledger>,
    fails: AtomicBool,
    /// Questions that were not answered.
    unanswered: AtomicUsize,
}

impl Shaky {
    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.fails.store(false, Ordering::SeqCst);
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Ledger for Shaky {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        self.inner.submit(command).await
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        self.inner.answer(question).await
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        if self.fails.load(Ordering::SeqCst) {
            self.unanswered.fetch_add(1, Ordering::SeqCst);
            return Err(LedgerError::Unavailable("as the test wants".to_owned()));
        }
        self.inner.answer_first(question).await
    }

    fn incarnation(&self) -> String {
        self.inner.incarnation()
    }

    fn health(&self) -> Result<(), String> {
        self.inner.health()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) app: Arc<App>,
    pub(crate) realtime: Realtime,
    pub(crate) wire: Arc<Wire>,
    pub(crate) store: Arc<Shaky>,
    directory: Arc<tempfile::TempDir>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// Ends it without a word to anybody, and starts another one on the same database, elsewhere.
    pub(crate) async fn restart(self) -> Self {
        self.app.ledger.close().await;
        Self::start_in(self.directory, Settings::default()).await
    }

    async fn start_in(directory: Arc<tempfile::TempDir>, settings: Settings) -> Self {
        let rhythm = Rhythm {
            soon: Duration::from_millis(50),
            heads: Duration::from_millis(200),
        };
        let hub = Hub::new(Arc::new(SystemClock), rhythm);
        let wire = Arc::new(Wire {
            hub: hub.clone(),
            is_down: AtomicBool::new(false),
            untold: Mutex::default(),
        });
        let store = Arc::new(Shaky {
            inner: open(directory.path(), wire.clone()),
            fails: AtomicBool::new(false),
            unanswered: AtomicUsize::new(0),
        });
        let ledger: Arc<dyn Ledger> = store.clone();
        hub.start(&ledger);
        let clock = Arc::new(SystemClock);
        let tokens = Tokens::new(SECRET, clock.clone());
        let app = App::new(ledger, tokens, clock, Arc::new(SystemEntropy));
        let realtime = Realtime::new(app.clone(), hub, settings);
        let router = http::router(app.clone()).merge(realtime.router());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            app,
            realtime,
            wire,
            store,
            directory,
        }
    }

    /// A token that is valid for a while.
    pub(crate) fn token(&self, who: &str) -> String {
        self.token_for(who, 3_600_000)
    }

    pub(crate) fn token_for(&self, who: &str, valid_ms: i64) -> String {
        self.app.tokens.sign(&Caller {
            user_id: UserId::parse(who).unwrap(),
            name: None,
            scope: Scope::Person,
            expires_at: Timestamp(self.app.clock.now().0 + valid_ms),
            session_id: None,
            is_verified: false,
        })
    }

    /// Makes people.
    pub(crate) async fn people(&self, names: &[&str]) {
        for name in names {
            let user_id = UserId::parse(name).unwrap();
            let action = UpsertUser {
                user_id: user_id.clone(),
                display_name: None,
                about: None,
                picture: None,
                only_if_absent: true,
                outside_picture: false,
            };
            let command = Command {
                actor: user_id,
                action: action.into(),
                idempotency: None,
                request_id: String::new(),
            };
            assert!(
                self.app
                    .ledger
                    .submit(command)
                    .await
                    .unwrap()
                    .result
                    .unwrap()
                    .is_ok()
            );
        }
    }

    /// A connected device of somebody.
    pub(crate) async fn device(&self, who: &str) -> Device {
        Device::connect(self.address, &json!({"token": self.token(who)}))
            .await
            .unwrap()
    }

    /// A call over HTTP; the answer's `data`.
    pub(crate) async fn http(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        let url = format!("http://{}{path}", self.address);
        let request = reqwest::Client::new()
            .request(method.parse().unwrap(), url)
            .bearer_auth(self.token(who));
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["status"], "success", "{method} {path}: {answer}");
        answer["data"].clone()
    }

    /// The id of a group of these people, the first being its admin.
    pub(crate) async fn group(&self, people: &[&str]) -> String {
        self.people(people).await;
        let body = json!({"participants": people, "thread_type": "group", "distinct": false});
        let data = self
            .http(people[0], "POST", "/api/chat/create-or-get", body)
            .await;
        data["thread"]["id"].as_str().unwrap().to_owned()
    }
}

fn open(directory: &Path, wire: Arc<Wire>) -> Arc<dyn Ledger> {
    let options = Options {
        data_dir: directory.to_owned(),
        readers: 2,
        idempotency_ms: 86_400_000,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        renderer: Arc::new(JsonRenderer),
        listener: wire,
    };
    SqliteLedger::open(options).unwrap()
}

/// A fresh client id.
pub(crate) fn client_id() -> String {
    let bits = SystemEntropy.seed();
    let millis = u64::try_from(SystemClock.now().0).unwrap();
    let random: [u8; 10] = bits.to_be_bytes()[..10].try_into().unwrap();
    uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string()
}

/// A client of one connection.
pub(crate) struct Device {
    socket: WebSocketStream<TcpStream>,
    next_ack: u64,
    acks: HashMap<u64, Value>,
    events: VecDeque<(String, Value)>,
    /// Whether the server put it out of the namespace.
    pub(crate) is_put_out: bool,
    is_closed: bool,
}

impl Device {
    /// Connects; a refusal is its message.
    pub(crate) async fn connect(address: SocketAddr, auth: &Value) -> Result<Self, String> {
        let mut device = Self::open(address).await;
        device.send(&format!("40{auth}")).await;
        let answer = device.text().await.unwrap();
        if answer.starts_with("40") {
            return Ok(device);
        }
        let error: Value = serde_json::from_str(&answer[2..]).unwrap();
        Err(error["message"].as_str().unwrap().to_owned())
    }

    /// A connection without a namespace.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), address, "").await
    }

    pub(crate) async fn over(stream: TcpStream, address: SocketAddr, query: &str) -> Self {
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (socket, _) = client_async(url, stream).await.unwrap();
        let (acks, events) = (HashMap::new(), VecDeque::new());
        let mut device = Self {
            socket,
            next_ack: 0,
            acks,
            events,
            is_put_out: false,
            is_closed: false,
        };
        if query.is_empty() {
            assert!(device.text().await.unwrap().starts_with("0{"));
        }
        device
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next packet that is no heartbeat; none when the connection has ended.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            match next.await.expect("the server says something in time") {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.send("3").await,
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    self.is_closed = true;
                    return None;
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// Takes one packet. Whether there was one.
    async fn pump(&mut self) -> bool {
        let Some(text) = self.text().await else {
            return false;
        };
        if let Some(event) = text.strip_prefix("42") {
            let event: (String, Value) = serde_json::from_str(event).unwrap();
            self.events.push_back(event);
        } else if let Some(ack) = text.strip_prefix("43") {
            let start = ack.find('[').unwrap();
            let (answer,) = serde_json::from_str(&ack[start..]).unwrap();
            self.acks.insert(ack[..start].parse().unwrap(), answer);
        } else if text == "41" {
            self.is_put_out = true;
        } else {
            assert_eq!(text, "1", "an unexpected packet");
        }
        true
    }

    /// Sends an event; its number.
    pub(crate) async fn emit(&mut self, name: &str, data: &Value) -> u64 {
        let ack = self.next_ack;
        self.next_ack += 1;
        self.send(&format!("42{ack}{}", json!([name, data]))).await;
        ack
    }

    /// The acknowledgement of an event.
    pub(crate) async fn ack(&mut self, number: u64) -> Value {
        loop {
            if let Some(answer) = self.acks.remove(&number) {
                return answer;
            }
            assert!(
                self.pump().await,
                "the connection ended before the acknowledgement"
            );
        }
    }

    pub(crate) async fn call(&mut self, name: &str, data: &Value) -> Value {
        let number = self.emit(name, data).await;
        self.ack(number).await
    }

    /// The `data` of a call that succeeds.
    pub(crate) async fn done(&mut self, name: &str, data: &Value) -> Value {
        let answer = self.call(name, data).await;
        assert_eq!(answer["status"], "success", "{name}: {answer}");
        answer["data"].clone()
    }

    /// The problem of a call that fails.
    pub(crate) async fn refused(&mut self, name: &str, data: &Value) -> Value {
        let answer = self.call(name, data).await;
        assert_eq!(answer["status"], "error", "{name}: {answer}");
        answer["error"].clone()
    }

    /// Sends a message; the message.
    pub(crate) async fn say(&mut self, thread: &str, content: &str) -> Value {
        let send = json!({"thread_id": thread, "client_id": client_id(), "content": content});
        self.done("message:send", &send).await["message"].clone()
    }

    /// The next event that fits; others before it are dropped.
    pub(crate) async fn event(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                while let Some((found, data)) = self.events.pop_front() {
                    if found == name && fits(&data) {
                        return data;
                    }
                }
                assert!(self.pump().await, "the connection ended before {name}");
            }
        };
        let waited = tokio::time::timeout(EVENT_MAX, wait).await;
        waited.unwrap_or_else(|_| panic!("{name} did not come in time"))
    }

    /// Entries of a thread up to a rev, in the order in which they came.
    pub(crate) async fn entries(&mut self, thread: &str, up_to: u64) -> Vec<Value> {
        let mut entries = Vec::new();
        loop {
            let entry = self
                .event("entry", |entry| entry["thread_id"] == thread)
                .await;
            let rev = entry["rev"].as_u64().unwrap();
            entries.push(entry);
            if rev >= up_to {
                return entries;
            }
        }
    }

    /// Everything that came so far: what the server sent before it answered this.
    pub(crate) async fn settle(&mut self) -> Vec<(String, Value)> {
        let data = json!({"thread_id": "00000000-0000-7000-8000-000000000001"});
        self.done("thread:close", &data).await;
        self.events.drain(..).collect()
    }

    /// Reads until the connection ends.
    pub(crate) async fn closed(&mut self) -> Vec<(String, Value)> {
        while self.pump().await {}
        self.events.drain(..).collect()
    }

    /// Closes the connection.
    pub(crate) async fn hang_up(mut self) {
        let _ = self.socket.close(None).await;
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "not in time: {what}");
}
