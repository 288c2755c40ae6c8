//! Servers that are restarted one after the other, while people send through the balancer.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::process::Signal;
use semel_client::{
    Address, Destination, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{DeviceId, Rev, ThreadId};
use semel_services::{Affinity, Algorithm, Balance, or_skip};
use semel_testkit::{
    cluster::{Cluster, Plan},
    now, random, token,
};
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use crate::people::{acquaint, patience};

const SENDERS: usize = 4;

fn device(address: &Address, who: &str) -> (Session, Notes) {
    Session::start(SessionOptions::to(
        address,
        token(who),
        DeviceId("phone".to_owned()),
        NewThread::WholeLog,
        random() as u64,
    ))
}

/// Sends until it is told to stop; how many were acknowledged.
async fn keep_sending(
    session: Session,
    mut notes: Notes,
    thread: ThreadId,
    is_over: Arc<AtomicBool>,
) -> usize {
    let reading = tokio::spawn(async move { while notes.recv().await.is_some() {} });
    let mut ids = IdMaker::new(random());
    let mut sent = 0;
    while !is_over.load(Ordering::Relaxed) {
        let destination = Destination::Thread(thread);
        let content = format!("message {sent}");
        let stored = session.send(destination, ids.next(now()), content).await;
        stored.expect("no send fails");
        sent += 1;
        sleep(Duration::from_millis(5)).await;
    }
    session.stop().await;
    reading.abort();
    sent
}

/// Reads until every thread has so many entries. The revs, in the order in which they came.
async fn read_all(notes: &mut Notes, expected: &BTreeMap<ThreadId, usize>) {
    let mut heads: BTreeMap<ThreadId, Rev> = BTreeMap::new();
    let is_all = |heads: &BTreeMap<ThreadId, Rev>| {
        expected
            .iter()
            .all(|(id, count)| heads.get(id).copied().unwrap_or(0) >= *count as Rev)
    };
    while !is_all(&heads) {
        let note = notes.recv().await.expect("the session lives");
        if let Note::Entry(entry) = note {
            let head = heads.entry(entry.thread_id).or_default();
            assert_eq!(entry.rev, *head + 1, "once and in order");
            *head = entry.rev;
        }
    }
    for (id, count) in expected {
        assert_eq!(heads[id], *count as Rev, "no more than was sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_every_server_in_turn_fails_no_send() {
    let plan = Plan {
        balancer: Some(Balance {
            algorithm: Algorithm::RoundRobin,
            affinity: Affinity::Cookie,
        }),
        environment: vec![("SEMEL_DRAIN_NOTICE_SECONDS".to_owned(), "2".to_owned())],
        ..Plan::default()
    };
    let Some(mut cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    let front: Address = cluster.balancer.as_ref().unwrap().url().parse().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (reader, mut seen) = device(&front, "bob");
    let mut senders = Vec::new();
    for n in 0..SENDERS {
        let who = format!("ann{n}");
        let thread = acquaint(&front, &who, "bob").await;
        let (session, notes) = device(&front, &who);
        let sending = keep_sending(session, notes, thread, Arc::clone(&is_over));
        senders.push((thread, tokio::spawn(sending)));
    }
    let addresses = cluster.addresses();
    for server in &mut cluster.servers {
        let status = block_in_place(|| server.stop()).unwrap();
        assert!(status.success(), "it stops in order: {status}");
        // What it held is free at once, for nobody waits until it ends by itself.
        let leases = cluster
            .postgres
            .sql_in("semel", "SELECT count(*) FROM leases");
        assert_eq!(leases.unwrap().trim(), "8", "four of each that runs");
        block_in_place(|| server.restart()).unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut expected = BTreeMap::new();
    for (thread, sending) in senders {
        let sent = sending.await.unwrap();
        assert!(sent > 20, "it went on all the time: {sent}");
        // Its beginning, the hello, and what was sent.
        expected.insert(thread, sent + 2);
    }
    let reading = timeout(patience(), read_all(&mut seen, &expected));
    reading.await.expect("everything arrives");
    reader.stop().await;
    assert_eq!(addresses, cluster.addresses());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_a_server_that_stops_at_once() {
    let plan = Plan {
        servers: 1,
        redis: false,
        environment: vec![("SEMEL_DRAIN_NOTICE_SECONDS".to_owned(), "600".to_owned())],
        ..Plan::default()
    };
    let Some(mut cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    let server = &mut cluster.servers[0];
    server.signal(Signal::TERM).unwrap();
    let url = format!("http://{}/health/ready", server.address.authority);
    let wait = async {
        while crate::people::status(&url).await != Some(503) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(patience(), wait)
        .await
        .expect("it is not ready any more");
    let began = std::time::Instant::now();
    let status = block_in_place(|| server.stop()).unwrap();
    assert!(!status.success(), "somebody was impatient: {status}");
    assert!(began.elapsed() < Duration::from_secs(10));
}
