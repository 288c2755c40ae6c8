//! Acknowledged messages per second of both engines, one after the other: commands go straight to the ledger.
//!
//! ```sh
//! cargo run --release -p semel-backends --example engines -- postgres://user@host/empty_database
//! ```

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use semel_backends::{
    postgres::{self, PostgresLedger},
    sqlite::{self, SqliteLedger},
};
use semel_core::{
    Answer, Command, Refusal,
    actions::{Action, CreateOrGet, Draft, Outcome, Send, UpsertUser},
    ports::{Clock, Entropy, Ledger, Listener, News, Renderer},
    row::MessageRow,
};
use semel_protocol::{ClientId, ThreadId, ThreadType, Timestamp, UserId};
use uuid::Builder;

/// People who send, each one message after another.
const SENDERS: u64 = 400;
/// Threads among which they are spread.
const THREADS: u64 = 100;
/// How long each engine is measured.
const TIME: Duration = Duration::from_secs(8);

struct World(AtomicU64);

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000)
    }
}

impl Entropy for World {
    fn seed(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Relaxed) + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }
}

impl Listener for World {
    fn committed(&self, _news: News) {}
    fn recovered(&self) {}
}

impl Renderer for World {
    fn render(&self, _result: &Result<Outcome, Refusal>, _request_id: &str) -> Answer {
        Answer {
            status: 200,
            body: Vec::new(),
            location: None,
        }
    }

    fn redact(&self, body: &[u8], _message: &MessageRow) -> Vec<u8> {
        body.to_vec()
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a name")
}

async fn submit(ledger: &dyn Ledger, actor: &str, action: impl Into<Action>) -> Outcome {
    let command = Command {
        actor: user(actor),
        action: action.into(),
        idempotency: None,
        request_id: String::new(),
    };
    let reply = ledger.submit(command).await.expect("it is taken");
    reply.result.expect("it is new").expect("it is allowed")
}

async fn make_threads(ledger: &dyn Ledger) -> Vec<ThreadId> {
    let mut threads = Vec::new();
    for number in 0..THREADS {
        let names = [format!("a{number}"), format!("b{number}")];
        for name in &names {
            let upsert = UpsertUser {
                user_id: user(name),
                display_name: None,
                about: None,
                picture: None,
                only_if_absent: true,
                outside_picture: false,
            };
            submit(ledger, name, upsert).await;
        }
        let create = CreateOrGet {
            participants: vec![user(&names[1])],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: true,
            client_id: None,
        };
        if let Outcome::Thread { thread, .. } = submit(ledger, &names[0], create).await {
            threads.push(thread.thread.id);
        }
    }
    threads
}

async fn send_all(ledger: Arc<dyn Ledger>, sender: u64, thread_id: ThreadId, end: Instant) -> u64 {
    let actor = format!(
        "{}{}",
        ["a", "b"][(sender / THREADS % 2) as usize],
        sender % THREADS
    );
    let mut count = 0;
    while Instant::now() < end {
        let mut random = [0; 10];
        random[2..].copy_from_slice(
            &(sender << 32 | count)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_be_bytes(),
        );
        let client_id =
            Builder::from_unix_timestamp_millis(1_767_225_600_000 + count, &random).into_uuid();
        let draft = Draft {
            client_id: Some(ClientId(client_id)),
            content:
                "A message of about as many words as people write when they chat with each other."
                    .to_owned(),
            kind: None,
            reply_to: None,
            attachment_count: 0,
        };
        submit(&*ledger, &actor, Send { thread_id, draft }).await;
        count += 1;
    }
    count
}

/// Messages per second.
async fn measure(ledger: Arc<dyn Ledger>) -> f64 {
    let threads = make_threads(&*ledger).await;
    let started = Instant::now();
    let sends = (0..SENDERS).map(|sender| {
        let thread_id = threads[(sender % THREADS) as usize];
        tokio::spawn(send_all(
            Arc::clone(&ledger),
            sender,
            thread_id,
            started + TIME,
        ))
    });
    let mut count = 0_u64;
    for send in sends.collect::<Vec<_>>() {
        count += send.await.expect("no panic");
    }
    let rate =
        f64::from(u32::try_from(count).expect("not that many")) / started.elapsed().as_secs_f64();
    ledger.close().await;
    rate
}

#[expect(clippy::print_stdout, reason = "it is a program")]
#[tokio::main]
async fn main() {
    let url = env::args()
        .nth(1)
        .expect("the address of an empty database");
    let lanes = env::args()
        .nth(2)
        .map_or(4, |lanes| lanes.parse().expect("a number"));
    let world = Arc::new(World(AtomicU64::new(0)));
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = SqliteLedger::open(sqlite::Options {
        data_dir: directory.path().to_owned(),
        readers: 1,
        idempotency_ms: 1,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::clone(&world) as _,
        entropy: Arc::clone(&world) as _,
        renderer: Arc::clone(&world) as _,
        listener: Arc::clone(&world) as _,
    });
    let sqlite = measure(sqlite.expect("it opens")).await;
    println!("sqlite      {sqlite:>8.0} messages/s");
    let postgres = PostgresLedger::open(postgres::Options {
        address: url.parse().expect("an address"),
        lanes,
        readers: 1,
        idempotency_ms: 1,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::clone(&world) as _,
        entropy: Arc::clone(&world) as _,
        renderer: Arc::clone(&world) as _,
        listener: world,
    });
    let postgres = postgres.await.expect("it opens");
    let views = Arc::clone(&postgres);
    let rate = measure(postgres).await;
    let stats = views.stats();
    println!(
        "postgresql  {rate:>8.0} messages/s, {:.0} % of that, {lanes} lanes, {} in a batch",
        rate / sqlite * 100.0,
        stats.commands / stats.batches.max(1),
    );
}
