//! A hub that has no time to listen, because the store does not answer it, while much is committed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use semel_backends::{
    postgres::{self, PostgresLedger},
    sqlite::{self, SqliteLedger},
};
use semel_core::{
    Command, Key, Reply,
    actions::{Action, Outcome, UpsertUser},
    ports::{Ledger, LedgerError, Listener, Question},
};
use semel_protocol::{ThreadId, ThreadType, Timestamp, UserId, requests};
use semel_server::{
    bus::LocalBus,
    convert::{self, JsonRenderer},
    hub::{Device, Full, Hub, Looking, Outlet, Rhythm},
    realtime::packet::Frame,
    world::{SystemClock, SystemEntropy},
};
use serde_json::Value;
use tokio::sync::RwLock;

use super::{
    database::Database,
    refusing::{Refuse, guard, unreadable},
    support::{client_id, until},
};

/// More than the hub keeps whole.
const MESSAGES: u64 = 320;
const THREADS: usize = 4;

/// A store that answers the hub when the test lets it.
pub(super) struct Held {
    inner: Arc<dyn Ledger>,
    gate: RwLock<()>,
    /// Questions that wait for their answer.
    waiting: AtomicUsize,
    /// The most that ever did at once.
    pub(super) most_waiting: AtomicUsize,
    refuse: Mutex<Option<Arc<Refuse>>>,
}

#[async_trait]
impl Ledger for Held {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        self.inner.submit(command).await
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        self.inner.answer(question).await
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_waiting.fetch_max(waiting, Ordering::SeqCst);
        let answer = {
            let _passage = self.gate.read().await;
            let refuse = self.refuse.lock().unwrap().clone();
            let refuse = refuse.unwrap_or_else(|| Arc::new(|_| None));
            let (question, refused) = guard(question, refuse);
            let answer = self.inner.answer_first(question).await;
            answer.and_then(|()| refused.answer())
        };
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        answer
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

impl Held {
    pub(super) fn new(inner: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            gate: RwLock::new(()),
            waiting: AtomicUsize::new(0),
            most_waiting: AtomicUsize::new(0),
            refuse: Mutex::default(),
        })
    }

    /// Somebody becomes known.
    pub(super) async fn introduce(&self, who: &UserId) {
        let action = UpsertUser {
            user_id: who.clone(),
            display_name: None,
            about: None,
            picture: None,
            only_if_absent: true,
            outside_picture: false,
        };
        self.act(who, action.into()).await;
    }

    async fn act(&self, who: &UserId, action: Action) -> Outcome {
        let command = Command {
            actor: who.clone(),
            action,
            idempotency: None,
            request_id: String::new(),
        };
        self.submit(command).await.unwrap().result.unwrap().unwrap()
    }

    pub(super) async fn thread(&self, people: &[UserId]) -> ThreadId {
        let action = convert::create_or_get(requests::CreateOrGet {
            participants: people.to_vec(),
            thread_type: Some(ThreadType::Group),
            title: None,
            distinct: Some(false),
            client_id: None,
        });
        match self.act(&people[0], action).await {
            Outcome::Thread { thread, .. } => thread.thread.id,
            other => panic!("{other:?}"),
        }
    }

    async fn say(&self, who: &UserId, thread: ThreadId, content: String) {
        let message = requests::SendMessage {
            client_id: client_id().parse().unwrap(),
            content,
            kind: None,
            reply_to: None,
            attachments: Vec::new(),
        };
        self.act(who, convert::send(thread, message)).await;
    }
}

/// Keeps what a device is sent.
#[derive(Clone, Default)]
pub(super) struct Screen(Arc<Mutex<Vec<Frame>>>);

impl Outlet for Screen {
    fn push(&self, frame: Frame) -> Result<(), Full> {
        self.0.lock().unwrap().push(frame);
        Ok(())
    }

    fn close(&self) {}

    fn cut(&self) {}
}

impl Screen {
    /// What came under a name, in the order in which it came.
    pub(super) fn events(&self, name: &str) -> Vec<Value> {
        let frames = self.0.lock().unwrap();
        let events = frames.iter().filter_map(|frame| frame.strip_prefix("42"));
        let events = events.map(|json| serde_json::from_str::<Value>(json).unwrap());
        let named = events.filter(|event| event[0] == name);
        named.map(|mut event| event[1].take()).collect()
    }

    /// The revs of entries that came, by thread, in the order in which they came.
    fn revs(&self) -> BTreeMap<String, Vec<u64>> {
        let mut revs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for entry in self.events("entry") {
            let thread = entry["thread_id"].as_str().unwrap().to_owned();
            revs.entry(thread)
                .or_default()
                .push(entry["rev"].as_u64().unwrap());
        }
        revs
    }
}

fn hub() -> Arc<Hub> {
    let rhythm = Rhythm {
        soon: Duration::from_millis(50),
        heads: Duration::from_millis(200),
    };
    // Nothing but what the hub is told: no look comes to its help.
    let looking = Looking {
        every: Duration::from_hours(1),
        seed: 1,
    };
    Hub::one_of_several(Arc::new(SystemClock), rhythm, Arc::new(LocalBus), looking)
}

/// A hub that stood still while much was committed, as it goes on.
struct Behind {
    ledger: Arc<Held>,
    people: [UserId; 2],
    threads: Vec<ThreadId>,
    screen: Screen,
    delivery: tokio::task::JoinHandle<()>,
}

/// What of these threads the store cannot read.
type Unreadable = fn(&[ThreadId], &Key) -> bool;

async fn stand_still(hub: Arc<Hub>, inner: Arc<dyn Ledger>, unreadable_keys: Unreadable) -> Behind {
    let ledger = Held::new(inner);
    let as_port: Arc<dyn Ledger> = ledger.clone();
    let delivery = hub.start(&as_port);
    let people = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
    for who in &people {
        ledger.introduce(who).await;
    }
    let screen = Screen::default();
    let device = Device::new(
        people[1].clone(),
        None,
        Timestamp(i64::MAX),
        Box::new(screen.clone()),
    );
    hub.expect(&people[1]).await;
    hub.connect(&Arc::new(device), "40".into()).unwrap();

    let held = ledger.gate.write().await;
    let mut threads = Vec::new();
    for _ in 0..THREADS {
        threads.push(ledger.thread(&people).await);
    }
    until("the hub waits for the store", || {
        ledger.waiting.load(Ordering::SeqCst) > 0
    })
    .await;
    let says = threads.iter().map(|thread| {
        let (ledger, who, thread) = (&ledger, &people[0], *thread);
        async move {
            for n in 0..MESSAGES {
                ledger.say(who, thread, format!("message {n}")).await;
            }
        }
    });
    futures_util::future::join_all(says).await;
    assert!(
        screen.revs().is_empty(),
        "nothing is told without its people"
    );
    let known = threads.clone();
    let refuse: Arc<Refuse> = Arc::new(move |keys| {
        let is_hit = keys.iter().any(|key| unreadable_keys(&known, key));
        is_hit.then(unreadable)
    });
    *ledger.refuse.lock().unwrap() = Some(refuse);
    drop(held);
    Behind {
        ledger,
        people,
        threads,
        screen,
        delivery,
    }
}

async fn everything_arrives_in_order(hub: Arc<Hub>, inner: Arc<dyn Ledger>) {
    let in_each = MESSAGES;
    let Behind {
        ledger,
        people,
        threads,
        screen,
        delivery,
    } = stand_still(hub, inner, |_, _| false).await;
    let expected: BTreeMap<String, Vec<u64>> = threads
        .iter()
        .map(|thread| (thread.to_string(), (1..=in_each + 1).collect()))
        .collect();
    let is_all =
        || screen.revs().values().map(Vec::len).sum::<usize>() >= THREADS * (in_each as usize + 1);
    until("everything has arrived", is_all).await;
    assert_eq!(screen.revs(), expected, "once and in order");
    // What is said from now on is told as ever.
    ledger
        .say(&people[0], threads[0], "as ever".to_owned())
        .await;
    let last = || screen.revs()[&threads[0].to_string()].last().copied();
    until("the hub is there again", || last() == Some(in_each + 2)).await;
    delivery.abort();
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stands_still_loses_nothing_of_what_lanes_of_postgresql_commit() {
    let Some(database) = Database::new() else {
        return;
    };
    let hub = hub();
    let options = postgres::Options {
        address: database.url.parse().unwrap(),
        lanes: 4,
        readers: 1,
        idempotency_ms: 86_400_000,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(&hub) as Arc<dyn Listener>,
    };
    let ledger = PostgresLedger::open(options).await.unwrap();
    everything_arrives_in_order(hub, ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_stands_still_holds_up_no_lane_of_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, ledger) = of_sqlite(&directory);
    everything_arrives_in_order(hub, ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_cannot_be_read_holds_up_no_other_when_a_hub_catches_up() {
    let directory = tempfile::tempdir().unwrap();
    let (hub, ledger) = of_sqlite(&directory);
    let is_of_first = |threads: &[ThreadId], key: &Key| {
        let first = threads.iter().min().unwrap();
        matches!(key, Key::Entries(id, ..) if id == first)
    };
    let behind = stand_still(hub, ledger, is_of_first).await;
    let (first, last) = (behind.threads.iter().min().unwrap(), MESSAGES + 1);
    let others = behind.threads.iter().filter(|id| *id != first);
    let expected: BTreeMap<String, Vec<u64>> = others
        .map(|thread| (thread.to_string(), (1..=last).collect()))
        .collect();
    let name = first.to_string();
    let is_told = || {
        let heads = behind.screen.events("heads");
        heads.iter().any(|told| told["heads"][&name] == last)
    };
    until("it is told where that thread is", is_told).await;
    let others = || {
        let mut revs = behind.screen.revs();
        revs.remove(&name);
        revs
    };
    until("all others have arrived", || others() == expected).await;
    behind.delivery.abort();
    behind.ledger.close().await;
}

fn of_sqlite(directory: &tempfile::TempDir) -> (Arc<Hub>, Arc<dyn Ledger>) {
    let rhythm = Rhythm {
        soon: Duration::from_millis(50),
        heads: Duration::from_millis(200),
    };
    let hub = Hub::new(Arc::new(SystemClock), rhythm);
    let options = sqlite::Options {
        data_dir: directory.path().to_owned(),
        readers: 2,
        idempotency_ms: 86_400_000,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(&hub) as Arc<dyn Listener>,
    };
    (hub, SqliteLedger::open(options).unwrap())
}
