//! Faults of the database server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use semel_core::{
    Command, Key, Reply, Rows,
    ports::{Ledger, LedgerError},
};
use semel_protocol::ThreadId;
use tokio::task::{JoinHandle, block_in_place};
use tokio_postgres::Client;

use super::{Cluster, World, findings, options};
use crate::{
    conformance::{
        load,
        world::{pair, send, sent},
    },
    postgres::{Address, PostgresLedger, connect::Session},
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn open(cluster: &Cluster) -> Arc<PostgresLedger> {
    let address = cluster.url().parse().expect("an address");
    PostgresLedger::open(options(address, &World::default()))
        .await
        .expect("it opens")
}

fn submit(
    ledger: &Arc<PostgresLedger>,
    command: Command,
) -> JoinHandle<Result<Reply, LedgerError>> {
    let ledger = Arc::clone(ledger);
    tokio::spawn(async move { ledger.submit(command).await })
}

/// A backend that waits for standbys.
async fn waiting(client: &Client) -> i32 {
    let started = Instant::now();
    loop {
        let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        if let Some(row) = client.query_opt(waiting, &[]).await.expect("a question") {
            return row.get(0);
        }
        assert!(started.elapsed() < PATIENCE, "nobody waits for a standby");
    }
}

/// Waits until a standby is waited for.
async fn followed(client: &Client) {
    let started = Instant::now();
    let follows = "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'";
    while client
        .query(follows, &[])
        .await
        .expect("a question")
        .is_empty()
    {
        assert!(started.elapsed() < PATIENCE, "nobody follows");
    }
}

pub(super) async fn until_answered(ledger: &Arc<PostgresLedger>, command: Command) -> Reply {
    let started = Instant::now();
    loop {
        match ledger.submit(command.clone()).await {
            Ok(reply) => return reply,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b3_a_commit_that_did_not_wait_for_its_standby_is_not_acknowledged() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    let ledger = open(&cluster).await;
    let id = pair(&*ledger, "ann", "bob").await;
    let client = cluster.client().await;
    cluster.set("synchronous_standby_names", "nobody");
    let call = submit(&ledger, send("ann", id, 1, "hello"));
    let pid = waiting(&client).await;
    client
        .execute("SELECT pg_cancel_backend($1)", &[&pid])
        .await
        .expect("it is told");
    let answer = call.await.expect("no panic");
    assert!(
        matches!(answer, Err(LedgerError::OutcomeUnknown(_))),
        "{answer:?}"
    );
    // It is there for all to see, and a repeat is still not answered before it is durable.
    let again = Arc::clone(&ledger);
    let repeat = async move { until_answered(&again, send("ann", id, 1, "hello")).await };
    let repeat = tokio::spawn(repeat);
    waiting(&client).await;
    assert!(!repeat.is_finished());
    cluster.set("synchronous_standby_names", "");
    assert!(sent(Ok(repeat.await.expect("no panic"))).duplicate);
    assert_eq!(
        findings(cluster.url().parse().expect("an address")).await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b1_what_became_of_a_commit_without_an_answer_is_found_out() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    let ledger = open(&cluster).await;
    let id = pair(&*ledger, "ann", "bob").await;
    let client = cluster.client().await;
    cluster.set("synchronous_standby_names", "nobody");
    let call = submit(&ledger, send("ann", id, 1, "hello"));
    let pid = waiting(&client).await;
    client
        .execute("SELECT pg_terminate_backend($1)", &[&pid])
        .await
        .expect("it is told");
    cluster.set("synchronous_standby_names", "");
    let sent = sent(call.await.expect("no panic"));
    assert!(!sent.duplicate, "it was this one that was stored");
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 1);
    assert_eq!(
        findings(cluster.url().parse().expect("an address")).await,
        [""; 0]
    );
}

/// Transaction ids that were given out but not forced to the disk before a crash are given out again: here to whatever the
/// lane itself does first when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b1_s1_a_commit_that_a_crash_undid_is_not_taken_for_another_one() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    cluster.set("wal_writer_delay", "10s");
    let ledger = open(&cluster).await;
    let id = pair(&*ledger, "ann", "bob").await;
    sent(ledger.submit(send("ann", id, 1, "before")).await);
    let client = cluster.client().await;
    let slow = "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
                CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON log DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION wait()";
    client.batch_execute(slow).await.expect("a trigger");
    let call = submit(&ledger, send("ann", id, 2, "hello"));
    let waits = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let started = Instant::now();
    while client
        .query(waits, &[])
        .await
        .expect("an answer")
        .is_empty()
    {
        assert!(started.elapsed() < PATIENCE, "no commit waits");
    }
    block_in_place(|| cluster.kill()).expect("it is killed");
    block_in_place(|| cluster.restart()).expect("it is back");
    let client = cluster.client().await;
    let off = "ALTER TABLE log DISABLE TRIGGER slow";
    client.batch_execute(off).await.expect("no trigger");
    let answer = call.await.expect("no panic");
    let stored = "SELECT FROM log WHERE thread_id = $1 AND seq = 2";
    let is_stored = !client
        .query(stored, &[&id.0])
        .await
        .expect("an answer")
        .is_empty();
    assert!(is_stored || answer.is_err(), "{answer:?}");
    let reply = until_answered(&ledger, send("ann", id, 2, "hello")).await;
    assert_eq!(sent(Ok(reply)).message.seq, 2);
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b1_sessions_that_are_ended_come_back() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    let ledger = open(&cluster).await;
    let id = pair(&*ledger, "ann", "bob").await;
    let client = cluster.client().await;
    for number in 1..=3 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'semel%'";
        client.batch_execute(end).await.expect("they are told");
        let reply = until_answered(&ledger, send("ann", id, number, "hello")).await;
        assert_eq!(sent(Ok(reply)).message.seq, number);
        load(&*ledger, &[Key::Thread(id)]).await;
    }
    // Lanes that had nothing to do come back when they look after themselves.
    let started = Instant::now();
    while ledger.health().is_err() && started.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ledger.health(), Ok(()));
}

/// A server that was replaced goes on, without standbys to wait for, and this process has seen the one that took its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b2_s1_lanes_of_a_replaced_server_acknowledge_nothing_more() {
    let Some(primary) = Cluster::new() else {
        return;
    };
    let standby = Cluster::standby_of(&primary, "standby");
    let url = format!(
        "postgres://semel@{},{}/postgres",
        primary.address(),
        standby.address()
    );
    let address: Address = url.parse().expect("an address");
    let ledger = PostgresLedger::open(options(address.clone(), &World::default())).await;
    let ledger = ledger.expect("it opens");
    let id = pair(&*ledger, "ann", "bob").await;
    sent(ledger.submit(send("ann", id, 1, "before")).await);
    let received = "SELECT FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()";
    let client = primary.client().await;
    while client
        .query(received, &[])
        .await
        .expect("it answers")
        .is_empty()
    {}
    block_in_place(|| standby.promote()).expect("it is promoted");
    let newer = standby.url().parse().expect("an address");
    let newer = Session::open(&newer, "test").await.expect("it answers");
    address.note(newer.timeline()).expect("it is newer");
    let reply = until_answered(&ledger, send("ann", id, 2, "after")).await;
    assert_eq!(sent(Ok(reply)).message.seq, 2);
    let last = "SELECT max(seq) FROM log WHERE thread_id = $1";
    let at_old = client.query_one(last, &[&id.0]).await.expect("a thread");
    assert_eq!(at_old.get::<_, i64>(0), 1, "it was written no more");
}

/// What was committed and is on no standby yet is seen after a crash; a standby that takes over does not have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b2_s5_what_no_standby_has_is_not_shown_after_a_crash() {
    let Some(primary) = Cluster::new() else {
        return;
    };
    let standby = Cluster::standby_of(&primary, "standby");
    primary.set("synchronous_standby_names", "standby");
    let client = primary.client().await;
    followed(&client).await;
    let ledger = open(&primary).await;
    let id = pair(&*ledger, "ann", "bob").await;
    sent(ledger.submit(send("ann", id, 1, "before")).await);
    block_in_place(|| standby.pause()).expect("it is paused");
    let call = submit(&ledger, send("ann", id, 2, "unseen"));
    waiting(&client).await;
    block_in_place(|| primary.kill()).expect("it is killed");
    block_in_place(|| primary.restart()).expect("it is back");
    let there = "SELECT FROM log WHERE thread_id = $1 AND seq = 2";
    let rows = primary.client().await.query(there, &[&id.0]).await;
    assert_eq!(rows.expect("an answer").len(), 1, "the server shows it");
    let (tell, told) = std::sync::mpsc::channel();
    let question = move |rows: &Rows| {
        let head = rows.heads.get(&id).ok_or(Key::Thread(id))?;
        let _ = tell.send(head.map(|head| head.last_seq));
        Ok(())
    };
    let answer = ledger.answer(Box::new(question)).await;
    assert!(answer.is_err(), "{:?}", told.try_recv());
    block_in_place(|| standby.resume()).expect("it goes on");
    // It may have been stored before the crash, or not.
    let reply = until_answered(&ledger, send("ann", id, 2, "unseen")).await;
    assert_eq!(sent(Ok(reply)).message.seq, 2);
    let _ = call.await.expect("no panic");
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 2);
}

/// Sends until told to stop; what was acknowledged.
async fn send_all(
    ledger: Arc<PostgresLedger>,
    id: ThreadId,
    numbers: std::ops::Range<u64>,
) -> Vec<(u64, u64)> {
    let mut acknowledged = Vec::new();
    for number in numbers {
        let reply =
            until_answered(&ledger, send("ann", id, number, &format!("words {number}"))).await;
        acknowledged.push((number, sent(Ok(reply)).message.seq));
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b2_s1_nothing_acknowledged_is_lost_when_a_standby_takes_over() {
    let Some(primary) = Cluster::new() else {
        return;
    };
    let standby = Cluster::standby_of(&primary, "standby");
    primary.set("synchronous_standby_names", "standby");
    followed(&primary.client().await).await;
    let (first, second) = (primary.address(), standby.address());
    let url = format!("postgres://semel@{first},{second}/postgres");
    let world = World::default();
    let ledger = PostgresLedger::open(options(url.parse().expect("an address"), &world)).await;
    let ledger = ledger.expect("it opens");
    let id = pair(&*ledger, "ann", "bob").await;
    let calls: Vec<_> = (0..4)
        .map(|n| {
            tokio::spawn(send_all(
                Arc::clone(&ledger),
                id,
                1 + n * 1000..n * 1000 + 300,
            ))
        })
        .collect();
    let started = Instant::now();
    while load(&*ledger, &[Key::Thread(id)])
        .await
        .heads
        .get(&id)
        .flatten()
        .expect("a head")
        .last_seq
        < 40
    {
        assert!(started.elapsed() < PATIENCE);
    }
    block_in_place(|| primary.kill()).expect("it is killed");
    block_in_place(|| standby.promote()).expect("it is promoted");
    let mut acknowledged = Vec::new();
    for call in calls {
        acknowledged.extend(call.await.expect("no panic"));
    }
    let rows = load(&*ledger, &[Key::Messages(id, 1, acknowledged.len() as u64)]).await;
    for (number, seq) in &acknowledged {
        let message = rows.messages.get(&(id, *seq)).flatten();
        let message = message.unwrap_or_else(|| panic!("{number} at {seq} is there"));
        assert_eq!(message.content, format!("words {number}"));
    }
    assert_eq!(
        findings(standby.url().parse().expect("an address")).await,
        [""; 0]
    );
    // The one that lost its place comes back as if nothing had happened. A server that starts now finds the other one.
    let alone = [("synchronous_standby_names", "")];
    block_in_place(|| primary.restart_with(&alone)).expect("it starts");
    let late = PostgresLedger::open(options(url.parse().expect("an address"), &World::default()));
    let late = late.await.expect("it opens");
    let call = send("ann", id, 9000, "from a late one");
    let told = sent(Ok(until_answered(&late, call.clone()).await));
    assert!(told.message.seq > acknowledged.len() as u64);
    late.close().await;
    // And the one that was there does not write to it any more.
    assert!(sent(Ok(until_answered(&ledger, call).await)).duplicate);
    drop(standby);
    let refused = ledger.submit(send("ann", id, 9999, "to the old one")).await;
    assert!(
        matches!(refused, Err(LedgerError::Unavailable(_))),
        "{refused:?}"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = ledger.submit(send("ann", id, 9999, "to the old one")).await;
    assert!(
        matches!(refused, Err(LedgerError::Unavailable(_))),
        "{refused:?}"
    );
}
