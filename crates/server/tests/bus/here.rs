//! A place with several servers over one ledger.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use semel_backends::sqlite::{Options, SqliteLedger};
use semel_core::{
    Command, Key, Reply,
    ports::{Clock, Entropy, Ledger, LedgerError, Listener, News, Question},
};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    app::App,
    auth::{Caller, Scope, Tokens},
    bus::{
        Bus, LocalBus,
        redis::{RedisBus, Target},
    },
    convert::JsonRenderer,
    http,
    hub::{Hub, Looking, Rhythm},
    realtime::{Realtime, Settings},
    world::{SystemClock, SystemEntropy},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    refusing::{Refuse, guard},
    support::Device,
};

const SECRET: &[u8] = b"a secret of these tests, long enough";
/// How long devices of a dead server are taken for connected.
pub(crate) const DEVICE_ENDS_AFTER: Duration = Duration::from_secs(3);

/// The database, and who of its servers commits at the moment.
struct Database {
    inner: Arc<dyn Ledger>,
    router: Arc<Router>,
    turn: tokio::sync::Mutex<()>,
    questions: AtomicUsize,
    /// What is not answered to servers.
    refuse: Mutex<Option<Arc<Refuse>>>,
    /// The server whose callers wait for ever.
    keeps_waiting: Mutex<Option<usize>>,
}

/// Tells what was committed to the server that submitted it, and to no other.
#[derive(Default)]
struct Router {
    hubs: Mutex<Vec<Option<Arc<Hub>>>>,
    commits: AtomicUsize,
    /// What is not told yet, while news are held up.
    held: Mutex<Option<Held>>,
}

/// News of servers, in their order.
type Held = Vec<(Arc<Hub>, News)>;

impl Listener for Router {
    fn committed(&self, news: News) {
        let hub = self.hubs.lock().unwrap()[self.commits.load(Ordering::SeqCst)].clone();
        let Some(hub) = hub else { return };
        match &mut *self.held.lock().unwrap() {
            Some(held) => held.push((hub, news)),
            None => hub.committed(news),
        }
    }

    fn recovered(&self) {}
}

/// One server's way to the database. The lane tells its listener before it answers; so with one command at a time it is
/// known whose news they are.
struct Door {
    database: Arc<Database>,
    number: usize,
}

#[async_trait]
impl Ledger for Door {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        let _turn = self.database.turn.lock().await;
        let router = &self.database.router;
        router.commits.store(self.number, Ordering::SeqCst);
        self.database.inner.submit(command).await
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        if *self.database.keeps_waiting.lock().unwrap() == Some(self.number) {
            std::future::pending::<()>().await;
        }
        self.database.inner.answer(question).await
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        self.database.questions.fetch_add(1, Ordering::SeqCst);
        let refuse = self.database.refuse.lock().unwrap().clone();
        let Some(refuse) = refuse else {
            return self.database.inner.answer_first(question).await;
        };
        let (question, refused) = guard(question, refuse);
        self.database.inner.answer_first(question).await?;
        refused.answer()
    }

    fn incarnation(&self) -> String {
        self.database.inner.incarnation()
    }

    fn health(&self) -> Result<(), String> {
        self.database.inner.health()
    }

    async fn close(&self) {}
}

/// Servers of one database.
pub(crate) struct Place {
    database: Arc<Database>,
    redis: Option<String>,
    look: Duration,
    _directory: tempfile::TempDir,
}

/// One of them.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    app: Arc<App>,
    bus: Arc<dyn Bus>,
    realtime: Arc<Realtime>,
    runtime: Option<Runtime>,
}

impl Place {
    /// Servers that look into the store so often.
    pub(crate) fn new(redis: Option<String>, look: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let router = Arc::new(Router::default());
        let options = Options {
            data_dir: directory.path().to_owned(),
            readers: 2,
            idempotency_ms: 86_400_000,
            strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            renderer: Arc::new(JsonRenderer),
            listener: router.clone(),
        };
        let database = Arc::new(Database {
            inner: SqliteLedger::open(options).unwrap(),
            router,
            turn: tokio::sync::Mutex::default(),
            questions: AtomicUsize::new(0),
            refuse: Mutex::default(),
            keeps_waiting: Mutex::default(),
        });
        Self {
            database,
            redis,
            look,
            _directory: directory,
        }
    }

    /// Another server.
    pub(crate) async fn server(&self) -> Server {
        let bus: Arc<dyn Bus> = match &self.redis {
            Some(url) => {
                let target = Target::parse(url).unwrap();
                RedisBus::with(target, SystemEntropy.seed(), DEVICE_ENDS_AFTER)
            }
            None => Arc::new(LocalBus),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let looking = Looking {
            every: self.look,
            seed: SystemEntropy.seed() as u64,
        };
        let database = self.database.clone();
        let (own_bus, for_health) = (bus.clone(), bus.clone());
        let start = async move {
            let rhythm = Rhythm {
                soon: Duration::from_millis(50),
                heads: Duration::from_millis(200),
            };
            let clock = Arc::new(SystemClock);
            let hub = Hub::one_of_several(clock.clone(), rhythm, own_bus, looking);
            let number = {
                let mut hubs = database.router.hubs.lock().unwrap();
                hubs.push(Some(hub.clone()));
                hubs.len() - 1
            };
            let ledger: Arc<dyn Ledger> = Arc::new(Door { database, number });
            hub.start(&ledger);
            let tokens = Tokens::new(SECRET, clock.clone());
            let app = App::new(ledger, tokens, clock, Arc::new(SystemEntropy));
            app.tell_of_bus(for_health);
            let realtime = Realtime::new(app.clone(), hub, Settings::default());
            let router = http::router(app.clone()).merge(realtime.router());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move { axum::serve(listener, router).await });
            (address, app, Arc::new(realtime))
        };
        let (address, app, realtime) = runtime.spawn(start).await.unwrap();
        Server {
            address,
            app,
            bus,
            realtime,
            runtime: Some(runtime),
        }
    }

    /// Some servers, connected to each other if there is Redis.
    pub(crate) async fn servers<const N: usize>(&self) -> [Server; N] {
        let mut servers = Vec::new();
        for _ in 0..N {
            servers.push(self.server().await);
        }
        for server in &servers {
            if self.redis.is_some() {
                server.is_back().await;
            }
        }
        servers.try_into().ok().unwrap()
    }

    /// Servers that come from now on find Redis elsewhere.
    pub(crate) fn redis_at(&mut self, url: &str) {
        self.redis = Some(url.to_owned());
    }

    pub(crate) fn ledger(&self) -> &dyn Ledger {
        self.database.inner.as_ref()
    }

    /// From now on servers hear late of what they did themselves.
    pub(crate) fn hold_news(&self) {
        *self.database.router.held.lock().unwrap() = Some(Vec::new());
    }

    /// Tells servers what was held up.
    pub(crate) fn tell_news(&self) {
        let held = self.database.router.held.lock().unwrap().take();
        let tell = move || {
            for (hub, news) in held.into_iter().flatten() {
                hub.committed(news);
            }
        };
        // As the lane's thread does.
        std::thread::spawn(tell).join().unwrap();
    }

    /// From now on some of what servers themselves ask is not answered.
    pub(crate) fn refuse(
        &self,
        refuse: impl Fn(&[Key]) -> Option<LedgerError> + Send + Sync + 'static,
    ) {
        *self.database.refuse.lock().unwrap() = Some(Arc::new(refuse));
    }

    /// From now on everything is answered to servers.
    pub(crate) fn answer(&self) {
        *self.database.refuse.lock().unwrap() = None;
    }

    /// From now on whoever asks one of the servers for something waits for ever.
    pub(crate) fn keep_waiting(&self, number: usize) {
        *self.database.keeps_waiting.lock().unwrap() = Some(number);
    }

    /// Questions of the servers themselves so far.
    pub(crate) fn questions(&self) -> usize {
        self.database.questions.load(Ordering::SeqCst)
    }
}

impl Server {
    /// Waits until the others can be reached.
    pub(crate) async fn is_back(&self) {
        super::support::until("the bus is connected", || {
            self.bus.is_connected() == Some(true)
        })
        .await;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.bus.is_connected() == Some(true)
    }

    pub(crate) async fn is_cut_off(&self) {
        super::support::until("the bus is gone", || self.bus.is_connected() == Some(false)).await;
    }

    /// Ends at once, without a word to anybody.
    pub(crate) fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Devices that are connected here.
    pub(crate) fn device_count(&self) -> usize {
        self.realtime.device_count()
    }

    pub(crate) fn token(&self, who: &str) -> String {
        self.app.tokens.sign(&Caller {
            user_id: UserId::parse(who).unwrap(),
            name: None,
            scope: Scope::Person,
            expires_at: Timestamp(SystemClock.now().0 + 3_600_000),
            session_id: None,
            is_verified: false,
        })
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
        for who in people {
            self.http(who, "GET", "/api/users/me", Value::Null).await;
        }
        let body = json!({"participants": people, "thread_type": "group", "distinct": false});
        let data = self
            .http(people[0], "POST", "/api/chat/create-or-get", body)
            .await;
        data["thread"]["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.die();
    }
}
