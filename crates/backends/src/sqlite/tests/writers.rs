//! The one writer: what others who touch the file, who give up, or who stop it in the middle can do to it.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, ErrorCode,
    hooks::{AuthAction, AuthContext, Authorization},
};
use semel_core::{
    Answer, Command, Key, Refusal, Reply,
    actions::Outcome,
    ports::{Ledger, LedgerError, Renderer},
    row::MessageRow,
};
use semel_protocol::ThreadId;
use tokio::task::JoinHandle;

use super::{Sqlite, options};
use crate::{
    conformance::{
        Engine, load,
        world::{TestRenderer, World, keyed, pair, send, sent},
    },
    sqlite::{
        SqliteLedger,
        checkpoint::{self, Mode},
        lane::Work,
        open::{Use, connect, database_path},
    },
};

type Submitted = JoinHandle<Result<Reply, LedgerError>>;

/// Hands a command over; it waits in the lane's queue when this returns.
async fn hand_over(ledger: &Arc<dyn Ledger>, command: Command) -> Submitted {
    let (ledger, (handed, was_handed)) = (Arc::clone(ledger), tokio::sync::oneshot::channel());
    let submitted = tokio::spawn(async move {
        let mut call = Box::pin(ledger.submit(command));
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context)))
                .await;
        handed.send(()).expect("the test waits");
        match first {
            std::task::Poll::Ready(answer) => answer,
            std::task::Poll::Pending => call.await,
        }
    });
    was_handed.await.expect("it is handed over");
    submitted
}

/// Lets the lane stand still until the sender is dropped.
fn stand_still(engine: &Sqlite) -> mpsc::Sender<()> {
    let (gate, waits) = mpsc::channel::<()>();
    let wait = move |_: &mut Connection| {
        let _ = waits.recv();
    };
    let work = Work::Inspect(Box::new(wait));
    engine.sqlite().send(work).expect("the lane listens");
    gate
}

async fn last_seq(ledger: &dyn Ledger, id: ThreadId) -> u64 {
    let rows = load(ledger, &[Key::Thread(id)]).await;
    rows.heads.get(&id).flatten().expect("the thread").last_seq
}

fn body(reply: Result<Reply, LedgerError>) -> (bool, Vec<u8>) {
    let reply = reply.expect("an answer");
    (reply.is_replay(), reply.answer.expect("stored").body)
}

/// Whoever repeats while the first waits gets the first one's answer; who gave up gets it later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_c04_ec_f08_repeats_behind_a_slow_first_have_its_answer() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let request = keyed("key", send("ann", id, 1, "hello"));
    let gate = stand_still(&engine);
    let given_up = hand_over(&ledger, request.clone()).await;
    let waiting = hand_over(&ledger, request.clone()).await;
    let also_given_up = hand_over(&ledger, request.clone()).await;
    given_up.abort();
    also_given_up.abort();
    assert!(!waiting.is_finished());
    drop(gate);
    let (is_replay, answer) = body(waiting.await.expect("no panic"));
    assert!(is_replay, "the one that nobody waits for was first");
    assert_eq!(body(ledger.submit(request).await), (true, answer));
    assert_eq!(last_seq(&*ledger, id).await, 1);
}

/// Somebody else writes to the file. Within the time that a connection waits nobody notices; beyond it, everybody who
/// waits is told at once, nothing was done, and the same keys work later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_c08_story_d16_a_busy_store_has_no_effect_or_one() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let request = |number| keyed(&format!("key {number}"), send("ann", id, number, "hello"));
    let other = engine.connection();

    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let waits = hand_over(&ledger, request(1)).await;
    other.execute_batch("ROLLBACK").expect("the lock goes");
    assert!(!body(waits.await.expect("no panic")).0);

    let patience = Duration::from_millis(100);
    engine.on_lane(move |lane| lane.busy_timeout(patience).expect("a timeout"));
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let gate = stand_still(&engine);
    let mut calls = Vec::new();
    for number in 2..=60 {
        calls.push(hand_over(&ledger, request(number)).await);
    }
    let begun = Instant::now();
    drop(gate);
    for call in calls {
        let answer = call.await.expect("no panic");
        assert!(
            matches!(answer, Err(LedgerError::Unavailable(_))),
            "{answer:?}"
        );
    }
    // Not one after the other: 59 times the patience.
    assert!(begun.elapsed() < patience * 20, "{:?}", begun.elapsed());
    assert!(ledger.health().is_err());
    other.execute_batch("ROLLBACK").expect("the lock goes");

    assert!(body(ledger.submit(request(1)).await).0);
    for number in 2..=60 {
        assert!(!body(ledger.submit(request(number)).await).0, "{number}");
        assert!(body(ledger.submit(request(number)).await).0, "{number}");
    }
    assert_eq!(last_seq(&*ledger, id).await, 60);
    let deadline = Instant::now() + Duration::from_secs(20);
    while ledger.health().is_err() {
        assert!(Instant::now() < deadline, "it does not say that it is well");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(engine.findings(), [""; 0]);
}

/// Looks, while an answer is made and so before anything is written, whether somebody else could write.
struct Looks {
    path: std::path::PathBuf,
    others_could: Arc<AtomicBool>,
}

impl Renderer for Looks {
    fn render(&self, result: &Result<Outcome, Refusal>, request_id: &str) -> Answer {
        let other = Connection::open(&self.path).expect("a connection");
        other.busy_timeout(Duration::ZERO).expect("a timeout");
        let begun = other.execute_batch("BEGIN IMMEDIATE");
        let is_busy = begun
            .as_ref()
            .is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        self.others_could.fetch_or(!is_busy, SeqCst);
        TestRenderer.render(result, request_id)
    }

    fn redact(&self, body: &[u8], message: &MessageRow) -> Vec<u8> {
        TestRenderer.redact(body, message)
    }
}

#[tokio::test]
async fn ec_c11_what_is_read_to_decide_cannot_change_before_it_is_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let others_could = Arc::new(AtomicBool::new(false));
    let mut options = options(directory.path(), &World::default());
    options.renderer = Arc::new(Looks {
        path: database_path(directory.path()),
        others_could: Arc::clone(&others_could),
    });
    let ledger = SqliteLedger::open(options).expect("it opens");
    let id = pair(&*ledger, "ann", "bob").await;
    let request = keyed("key", send("ann", id, 1, "hello"));
    assert!(!body(ledger.submit(request.clone()).await).0);
    assert!(body(ledger.submit(request).await).0);
    assert!(!others_could.load(SeqCst), "the lock is taken with BEGIN");
}

/// Copies what is on the disk while a transaction waits for its COMMIT: what a kill at this moment leaves.
#[tokio::test]
async fn ec_f01_a_kill_before_the_commit_leaves_nothing_and_the_retry_has_one_effect() {
    let engine = Sqlite::new(World::default());
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    let request = keyed("key", send("ann", id, 1, "hello"));
    let after = tempfile::tempdir().expect("a directory");
    let (from, to) = (engine.data_dir().to_owned(), after.path().to_owned());
    engine.on_lane(move |lane| {
        let mut is_first = true;
        let look = move || {
            if std::mem::take(&mut is_first) {
                copy(&from, &to);
            }
            false
        };
        lane.commit_hook(Some(look)).expect("a hook");
    });
    assert!(!body(engine.ledger().submit(request.clone()).await).0);

    let killed = SqliteLedger::open(options(after.path(), &World::default())).expect("it opens");
    assert_eq!(last_seq(&*killed, id).await, 0);
    assert!(!body(killed.submit(request.clone()).await).0, "executed");
    assert!(body(killed.submit(request).await).0);
    assert_eq!(last_seq(&*killed, id).await, 1);
    let findings = crate::sqlite::doctor(after.path(), &|_| {}).expect("the check runs");
    assert!(findings.is_empty(), "{findings:?}");
}

fn copy(from: &Path, to: &Path) {
    for name in ["semel.db", "semel.db-wal"] {
        fs::copy(from.join(name), to.join(name)).expect("a copy");
    }
}

#[tokio::test]
async fn ec_f10_ec_r07_story_d16_when_the_key_cannot_be_looked_up_nothing_is_done() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let known = keyed("known", send("ann", id, 1, "hello"));
    assert!(!body(ledger.submit(known.clone()).await).0);
    engine.on_lane(|lane| {
        let deny = |context: AuthContext<'_>| match context.action {
            AuthAction::Read {
                table_name: "answers",
                ..
            } => Authorization::Deny,
            _ => Authorization::Allow,
        };
        lane.authorizer(Some(deny)).expect("an authorizer");
        lane.flush_prepared_statement_cache();
    });
    for request in [known.clone(), keyed("new", send("ann", id, 2, "more"))] {
        let failed = ledger.submit(request).await;
        assert!(failed.is_err(), "{failed:?}");
    }
    assert_eq!(last_seq(&*ledger, id).await, 1);
    engine.on_lane(|lane| {
        lane.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
            .expect("no authorizer");
    });
    assert!(body(ledger.submit(known).await).0);
    let new = keyed("new", send("ann", id, 2, "more"));
    assert!(!body(ledger.submit(new).await).0, "the key was not used up");
    assert_eq!(last_seq(&*ledger, id).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_f07_calls_that_are_given_up_leave_no_transaction_open() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    for number in 1..=1_000 {
        let call = hand_over(&ledger, send("ann", id, number, "hello")).await;
        let question = {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { last_seq(&*ledger, id).await })
        };
        call.abort();
        question.abort();
    }
    let next = sent(ledger.submit(send("ann", id, 1_001, "next")).await);
    assert_eq!(next.message.seq, 1_001, "each of them once");
    engine.on_lane(|lane| assert!(lane.is_autocommit()));
    // A reader with an open transaction would keep the log from being cut off.
    let other = connect(&database_path(engine.data_dir()), Use::Checkpoint).expect("a connection");
    let deadline = Instant::now() + Duration::from_secs(20);
    while checkpoint::run(&other, Mode::Truncate)
        .expect("it runs")
        .is_blocked
    {
        assert!(Instant::now() < deadline, "somebody holds a transaction");
    }
    assert_eq!(engine.findings(), [""; 0]);
}

/// Sixteen repeat everything at once while the store undoes every seventh attempt or so, some in the middle of a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_m13_ec_m14_numbers_stay_dense_under_retries_and_forced_rollbacks() {
    // A caller hears only of what is undone twice, in its batch and alone: so many that some surely are.
    const MESSAGES: u64 = 600;
    let engine = Sqlite::new(World::default());
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    engine.on_lane(|lane| {
        let trigger =
            "CREATE TEMP TRIGGER forced BEFORE INSERT ON log WHEN abs(random()) % 100 < 15
                       BEGIN SELECT RAISE(ROLLBACK, 'forced'); END";
        lane.execute_batch(trigger).expect("a trigger");
    });
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let ledger = engine.ledger();
        tasks.push(tokio::spawn(async move {
            let (mut places, mut failures) = (Vec::new(), 0);
            for number in 1..=MESSAGES {
                let place = loop {
                    match ledger.submit(send("ann", id, number, "hello")).await {
                        Ok(reply) => break sent(Ok(reply)).message.seq,
                        Err(_) => failures += 1,
                    }
                };
                places.push(place);
            }
            (places, failures)
        }));
    }
    let (mut all, mut failures) = (Vec::new(), 0);
    for task in tasks {
        let (places, failed) = task.await.expect("no panic");
        all.push(places);
        failures += failed;
    }
    assert!(failures > 0, "the store undid nothing");
    assert!(all.iter().all(|places| *places == all[0]));
    assert!(all[0].iter().copied().eq(1..=MESSAGES));
    assert_eq!(last_seq(&*engine.ledger(), id).await, MESSAGES);
    let rows = load(&*engine.ledger(), &[Key::Messages(id, 1, MESSAGES)]).await;
    let is_there = |seq| rows.messages.get(&(id, seq)).flatten().is_some();
    assert!((1..=MESSAGES).all(is_there));
    assert_eq!(engine.findings(), [""; 0]);
}

/// However the rules came to it, the database refuses a second thread of one set.
#[tokio::test]
async fn story_c1_story_c3_ec_c07_the_database_itself_has_one_thread_for_a_set() {
    let engine = Sqlite::new(World::default());
    pair(&*engine.ledger(), "ann", "bob").await;
    let other = engine.connection();
    let copy = "INSERT INTO participants_keys SELECT * FROM participants_keys";
    let error = other.execute(copy, []).expect_err("refused");
    assert_eq!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation)
    );
    let copy = "INSERT INTO participants SELECT * FROM participants";
    let error = other.execute(copy, []).expect_err("refused");
    assert_eq!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation)
    );
}
