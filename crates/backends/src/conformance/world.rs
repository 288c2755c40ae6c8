//! Clock, randomness, renderer and listener of the tests, and short ways to say things.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
};

use semel_core::{
    Answer, Command, IdempotencyKey, Refusal, Reply,
    actions::{Action, CreateOrGet, Draft, Outcome, Send, Sent, UpsertUser},
    ports::{Clock, Entropy, Ledger, LedgerError, Listener, News, Renderer},
    row::MessageRow,
};
use semel_protocol::{ClientId, ThreadId, ThreadType, Timestamp, UserId};
use uuid::{Builder, Uuid};

/// How long stored answers are replayed in the tests.
pub(crate) const IDEMPOTENCY_MS: i64 = 24 * 3600 * 1000;

/// What surrounds a ledger.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) entropy: Arc<Counter>,
    pub(crate) listener: Arc<Recorder>,
}

/// A clock that stands until it is moved.
#[derive(Default)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000 + self.0.load(SeqCst))
    }
}

/// Different every time, the same in every run.
#[derive(Default)]
pub(crate) struct Counter(pub(crate) AtomicU64);

impl Entropy for Counter {
    fn seed(&self) -> u128 {
        u128::from(self.0.fetch_add(1, SeqCst) + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

/// Keeps all news.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) news: Mutex<Vec<News>>,
    pub(crate) recoveries: AtomicU64,
}

impl Listener for Recorder {
    fn committed(&self, news: News) {
        self.news.lock().unwrap().push(news);
    }

    fn recovered(&self) {
        self.recoveries.fetch_add(1, SeqCst);
    }
}

/// Renders the words of what was sent; panics when it is told to by a request's id.
pub(crate) struct TestRenderer;

impl Renderer for TestRenderer {
    fn render(&self, result: &Result<Outcome, Refusal>, request_id: &str) -> Answer {
        assert_ne!(request_id, "panic", "as the test wants");
        let (status, body) = match result {
            Ok(Outcome::Sent(sent)) => (
                201,
                format!("{}:{}", sent.message.seq, sent.message.content),
            ),
            Ok(_) => (200, "done".to_owned()),
            Err(refusal) => (422, refusal.detail.clone()),
        };
        Answer {
            status,
            body: body.into_bytes(),
            location: None,
        }
    }

    fn redact(&self, _body: &[u8], message: &MessageRow) -> Vec<u8> {
        format!("{}:deleted", message.seq).into_bytes()
    }
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// A time-ordered id that depends on nothing but a number.
pub(crate) fn uuid(number: u64) -> Uuid {
    let mut random = [7; 10];
    random[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Builder::from_unix_timestamp_millis(1_767_225_600_000 + number, &random).into_uuid()
}

pub(crate) fn command(actor: &str, action: impl Into<Action>) -> Command {
    Command {
        actor: user(actor),
        action: action.into(),
        idempotency: None,
        request_id: "request".to_owned(),
    }
}

/// The same under an idempotency key.
pub(crate) fn keyed(key: &str, command: Command) -> Command {
    let mut fingerprint = [0; 32];
    fingerprint[0] = 1;
    let idempotency = Some(IdempotencyKey {
        key: key.to_owned(),
        fingerprint,
    });
    Command {
        idempotency,
        ..command
    }
}

pub(crate) fn send(actor: &str, thread_id: ThreadId, client: u64, content: &str) -> Command {
    let draft = Draft {
        client_id: Some(ClientId(uuid(client))),
        content: content.to_owned(),
        kind: None,
        reply_to: None,
        attachment_count: 0,
    };
    command(actor, Send { thread_id, draft })
}

pub(crate) fn direct(actor: &str, other: &str) -> Command {
    let create = CreateOrGet {
        participants: vec![user(other)],
        thread_type: Some(ThreadType::Direct),
        title: None,
        distinct: true,
        client_id: None,
    };
    command(actor, create)
}

pub(crate) fn group(actor: &str, others: &[&str]) -> Command {
    let create = CreateOrGet {
        participants: others.iter().map(|other| user(other)).collect(),
        thread_type: Some(ThreadType::Group),
        title: None,
        distinct: true,
        client_id: None,
    };
    command(actor, create)
}

/// Makes people known.
pub(crate) async fn people(ledger: &dyn Ledger, names: &[&str]) {
    for name in names {
        let upsert = UpsertUser {
            user_id: user(name),
            display_name: Some((*name).to_uppercase()),
            about: None,
            picture: None,
            only_if_absent: true,
            outside_picture: false,
        };
        done(ledger.submit(command(name, upsert)).await);
    }
}

/// A direct thread of two people who are made known.
pub(crate) async fn pair(ledger: &dyn Ledger, one: &str, other: &str) -> ThreadId {
    people(ledger, &[one, other]).await;
    thread_of(&done(ledger.submit(direct(one, other)).await))
}

/// What a command that succeeds brings.
pub(crate) fn done(reply: Result<Reply, LedgerError>) -> Outcome {
    reply
        .expect("the ledger answers")
        .result
        .expect("not a replay")
        .expect("not refused")
}

pub(crate) fn thread_of(outcome: &Outcome) -> ThreadId {
    match outcome {
        Outcome::Thread { thread, .. } => thread.thread.id,
        other => panic!("{other:?} has no thread"),
    }
}

/// What a send brings.
pub(crate) fn sent(reply: Result<Reply, LedgerError>) -> Sent {
    match done(reply) {
        Outcome::Sent(sent) => *sent,
        other => panic!("{other:?} is no send"),
    }
}
