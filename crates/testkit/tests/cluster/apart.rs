//! Servers of one database without Redis, and one that was away for longer than its place is kept.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::Signal;
use semel_client::{
    Address, Destination, IdMaker, NewThread, Note, Notes, Session, SessionOptions,
};
use semel_protocol::{DeviceId, ThreadId, entry::EntryBody};
use semel_services::or_skip;
use semel_testkit::{
    cluster::{Cluster, Plan},
    now, random, token,
};
use tokio::time::{sleep, timeout};

use crate::people::{acquaint, patience, status};

fn device(address: &Address, who: &str) -> (Session, Notes) {
    Session::start(SessionOptions::to(
        address,
        token(who),
        DeviceId("phone".to_owned()),
        NewThread::WholeLog,
        random() as u64,
    ))
}

async fn say(session: &Session, thread: ThreadId, content: &str) {
    let id = IdMaker::new(random()).next(now());
    let sent = session.send(Destination::Thread(thread), id, content.to_owned());
    let sent = timeout(patience(), sent).await.expect("it is answered");
    sent.expect("it is stored");
}

/// Reads up to these words; all words that came, each rev once and in order.
async fn read_up_to(notes: &mut Notes, last: &str) -> Vec<String> {
    let (mut words, mut head) = (Vec::new(), 0);
    let read = async {
        while words.last().is_none_or(|word| word != last) {
            if let Note::Entry(entry) = notes.recv().await.expect("the session lives") {
                assert!(head == 0 || entry.rev == head + 1, "once and in order");
                head = entry.rev;
                if let EntryBody::Message { message } = entry.body {
                    words.push(message.content);
                }
            }
        }
    };
    timeout(patience(), read).await.expect("everything arrives");
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_without_redis_bring_each_others_messages() {
    let plan = Plan {
        servers: 2,
        redis: false,
        environment: vec![("SEMEL_LOOK_SECONDS".to_owned(), "1".to_owned())],
        ..Plan::default()
    };
    let Some(mut cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    let addresses = cluster.addresses();
    let thread = acquaint(&addresses[0], "ann", "bob").await;
    let (ann, mut to_ann) = device(&addresses[0], "ann");
    let (bob, mut to_bob) = device(&addresses[1], "bob");
    read_up_to(&mut to_bob, "hello").await;
    for n in 0..20 {
        say(&ann, thread, &format!("from ann {n}")).await;
        say(&bob, thread, &format!("from bob {n}")).await;
    }
    let words = read_up_to(&mut to_bob, "from bob 19").await;
    assert_eq!(words.len(), 40, "{words:?}");
    read_up_to(&mut to_ann, "from bob 19").await;
    // The first one stops in order: the other one goes on alone.
    let status = tokio::task::block_in_place(|| cluster.servers[0].stop()).unwrap();
    assert!(status.success(), "{status}");
    say(&bob, thread, "alone").await;
    let leases = cluster
        .postgres
        .sql_in("semel", "SELECT count(*) FROM leases");
    assert_eq!(leases.unwrap().trim(), "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_a_server_that_slept_until_it_was_given_up_writes_nothing_with_what_it_knew() {
    let plan = Plan {
        servers: 2,
        ..Plan::default()
    };
    let Some(cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    let addresses = cluster.addresses();
    let thread = acquaint(&addresses[0], "ann", "bob").await;
    let (ann, mut to_ann) = device(&addresses[0], "ann");
    let (bob, mut to_bob) = device(&addresses[1], "bob");
    read_up_to(&mut to_ann, "hello").await;
    say(&ann, thread, "before").await;
    cluster.servers[0].signal(Signal::STOP).unwrap();
    // This one waits with the server that sleeps, and is stored when it is there again, or elsewhere.
    let id = IdMaker::new(random()).next(now());
    let late = ann
        .enqueue(Destination::Thread(thread), id, "late".to_owned())
        .await;
    let leases = || {
        let count = cluster
            .postgres
            .sql_in("semel", "SELECT count(*) FROM leases");
        count.unwrap().trim().to_owned()
    };
    let given_up = async {
        while leases() != "4" {
            say(&bob, thread, "meanwhile").await;
            sleep(Duration::from_millis(500)).await;
        }
    };
    timeout(patience(), given_up)
        .await
        .expect("its place is taken");
    cluster.servers[0].signal(Signal::CONT).unwrap();
    let late = timeout(patience(), late).await.expect("it is answered");
    late.unwrap().expect("it is stored");
    let url = format!("http://{}/health/ready", addresses[0].authority);
    let ready = async {
        while status(&url).await != Some(200) || leases() != "8" {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(patience(), ready).await.expect("it is there again");
    say(&bob, thread, "after").await;
    let (near, far) = (
        read_up_to(&mut to_ann, "after").await,
        read_up_to(&mut to_bob, "after").await,
    );
    let once = |words: &[String]| words.iter().filter(|word| *word == "late").count();
    assert_eq!((once(&near), once(&far)), (1, 1), "{near:?} {far:?}");
    assert!(
        far.ends_with(&near[near.len().saturating_sub(3)..]),
        "one order"
    );
    let sequence = "SELECT count(*) = max(rev) AND count(DISTINCT rev) = max(rev) FROM log";
    assert_eq!(
        cluster.postgres.sql_in("semel", sequence).unwrap().trim(),
        "t"
    );
    let kinds: BTreeSet<&String> = near.iter().collect();
    assert!(kinds.len() >= 3);
}
