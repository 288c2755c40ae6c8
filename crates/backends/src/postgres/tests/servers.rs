//! Several servers write one database.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use semel_core::{
    Command, Key, Reply,
    actions::{MarkPosition, Outcome},
    ports::{Ledger, LedgerError},
};
use semel_protocol::ThreadId;
use semel_services::shared_postgres;

use super::{Database, World, findings, options};
use crate::{
    conformance::{
        load,
        world::{command, direct, done, keyed, pair, people, send, sent, thread_of},
    },
    postgres::PostgresLedger,
};

/// Servers on one database.
pub(super) struct Servers {
    pub(super) database: Database,
    pub(super) worlds: Vec<World>,
    pub(super) ledgers: Vec<Arc<PostgresLedger>>,
}

impl Servers {
    /// None where there is no `PostgreSQL`.
    pub(super) async fn new(count: u64) -> Option<Self> {
        shared_postgres()?;
        let mut servers = Self {
            database: Database::new(),
            worlds: Vec::new(),
            ledgers: Vec::new(),
        };
        for number in 0..count {
            let world = World::default();
            world.entropy.0.store(number * 1_000_000, Relaxed);
            let ledger = PostgresLedger::open(options(servers.database.address(), &world)).await;
            servers.ledgers.push(ledger.expect("it opens"));
            servers.worlds.push(world);
        }
        Some(servers)
    }

    /// Gives each command to a server, in turn, all at once.
    async fn all_at_once(
        &self,
        commands: impl IntoIterator<Item = Command>,
    ) -> Vec<Result<Reply, LedgerError>> {
        let turns = self.ledgers.iter().cycle();
        let calls = commands.into_iter().zip(turns).map(|(command, ledger)| {
            let ledger = Arc::clone(ledger);
            tokio::spawn(async move { ledger.submit(command).await })
        });
        let mut replies = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            replies.push(call.await.expect("no panic"));
        }
        replies
    }

    async fn assert_sound(&self) {
        let client = self.database.client().await;
        assert_eq!(findings(self.database.address()).await, [""; 0]);
        let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        let deadlocks: i64 = client
            .query_one(deadlocks, &[])
            .await
            .expect("a count")
            .get(0);
        assert!(deadlocks <= 1, "{deadlocks} deadlocks");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_c10_s5_one_hot_thread_from_three_servers_stays_gapless() {
    let Some(servers) = Servers::new(3).await else {
        return;
    };
    let id = pair(&*servers.ledgers[0], "ann", "bob").await;
    let started = Instant::now();
    for round in 0..4 {
        // Each message three times, once at each server.
        let numbers = (0..600).map(|n| 1 + round * 200 + n / 3);
        let sends =
            numbers.map(|number| send(["ann", "bob"][number as usize % 2], id, number, "hello"));
        let replies = servers.all_at_once(sends).await;
        let places: Vec<_> = replies.into_iter().map(sent).collect();
        let new = places.iter().filter(|sent| !sent.duplicate).count();
        let seqs: BTreeSet<u64> = places.iter().map(|sent| sent.message.seq).collect();
        assert_eq!(new, 200);
        assert_eq!(seqs, (round * 200 + 1..=round * 200 + 200).collect());
    }
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    servers.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_a6_s9_many_sets_of_people_at_three_servers_have_one_thread_each() {
    let Some(servers) = Servers::new(3).await else {
        return;
    };
    let names: Vec<String> = (0..12).map(|n| format!("user{n}")).collect();
    people(
        &*servers.ledgers[0],
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let mut commands = Vec::new();
    for (n, one) in names.iter().enumerate() {
        for other in &names[n + 1..] {
            commands.extend([direct(one, other), direct(other, one), direct(one, other)]);
        }
    }
    let expected = commands.len() / 3;
    let outcomes: Vec<Outcome> = servers
        .all_at_once(commands)
        .await
        .into_iter()
        .map(done)
        .collect();
    let ids: BTreeSet<ThreadId> = outcomes.iter().map(thread_of).collect();
    let made = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Thread { created: true, .. }));
    assert_eq!((ids.len(), made.count()), (expected, expected));

    // First messages make contacts; positions go through one person's own log.
    let sends: Vec<Command> = outcomes
        .iter()
        .zip(1..)
        .filter_map(|(outcome, number)| match outcome {
            Outcome::Thread {
                thread,
                created: true,
                ..
            } => Some(send(
                thread.thread.created_by.as_str(),
                thread.thread.id,
                number,
                "hello",
            )),
            _ => None,
        })
        .collect();
    for reply in servers.all_at_once(sends).await {
        assert_eq!(sent(reply).message.seq, 1);
    }
    let reads = ids.iter().flat_map(|id| {
        names[..2].iter().map(|who| {
            let mark = MarkPosition {
                thread_id: *id,
                read_seq: Some(1),
                delivered_seq: None,
            };
            command(who, mark)
        })
    });
    for reply in servers.all_at_once(reads.collect::<Vec<_>>()).await {
        drop(reply.expect("it is decided"));
    }
    servers.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_c01_s10_one_key_at_three_servers_has_one_effect() {
    let Some(servers) = Servers::new(3).await else {
        return;
    };
    people(&*servers.ledgers[0], &["ann", "bob", "cy"]).await;
    let id = pair(&*servers.ledgers[0], "ann", "bob").await;
    for round in 1..=10_u64 {
        let key = format!("key {round}");
        let sends = (0..9).map(|_| keyed(&key, send("ann", id, round, "hello")));
        let replies: Vec<Reply> = servers
            .all_at_once(sends)
            .await
            .into_iter()
            .map(|reply| reply.expect("an answer"))
            .collect();
        assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
        assert!(replies.windows(2).all(|two| two[0].answer == two[1].answer));
    }
    let rows = load(&*servers.ledgers[2], &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 10);
    servers.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p3_s13_a_server_that_was_given_up_writes_nothing_until_it_is_back() {
    let Some(servers) = Servers::new(2).await else {
        return;
    };
    let id = pair(&*servers.ledgers[0], "ann", "bob").await;
    let client = servers.database.client().await;
    let leases = "SELECT server_id, lane FROM leases";
    assert_eq!(client.query(leases, &[]).await.expect("leases").len(), 6);
    // Somebody who sleeps is given up by the others.
    let stale =
        "INSERT INTO leases VALUES (gen_random_uuid(), 0, clock_timestamp() - interval '21 s')";
    client.batch_execute(stale).await.expect("a statement");
    let started = Instant::now();
    while client.query(leases, &[]).await.expect("leases").len() > 6 {
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "nobody gives it up"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // And so was this one, as it finds out. It has renewed its lease just now, so that it does not by itself.
    sent(
        servers.ledgers[1]
            .submit(send("ann", id, 1, "in time"))
            .await,
    );
    client
        .batch_execute("DELETE FROM leases")
        .await
        .expect("a statement");
    let refused = servers.ledgers[1].submit(send("ann", id, 2, "late")).await;
    assert!(
        matches!(refused, Err(LedgerError::Unavailable(_))),
        "{refused:?}"
    );
    let rows = load(&*servers.ledgers[0], &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 1);
    let started = Instant::now();
    let reply = loop {
        let reply = servers.ledgers[1].submit(send("ann", id, 2, "late")).await;
        if reply.is_ok() {
            break reply;
        }
        assert!(started.elapsed() < Duration::from_secs(15), "{reply:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(!sent(reply).duplicate);
    assert!(servers.worlds[1].listener.recoveries.load(Relaxed) >= 1);
}

/// It stood still while the database was moved, or brought to a schema that it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p3_a_server_that_was_given_up_does_not_come_back_to_a_database_that_left_it() {
    let Some(servers) = Servers::new(1).await else {
        return;
    };
    let id = pair(&*servers.ledgers[0], "ann", "bob").await;
    let client = servers.database.client().await;
    let known = "SELECT convert_from(value, 'UTF8') FROM meta WHERE key = 'oldest_compatible'";
    let known: String = client.query_one(known, &[]).await.expect("a row").get(0);
    let times = [
        (
            "INSERT INTO meta VALUES ('leaving', 'x')".to_owned(),
            "DELETE FROM meta WHERE key = 'leaving'".to_owned(),
        ),
        (
            "INSERT INTO meta VALUES ('filling', '{}')".to_owned(),
            "DELETE FROM meta WHERE key = 'filling'".to_owned(),
        ),
        (
            "UPDATE meta SET value = '1000' WHERE key = 'oldest_compatible'".to_owned(),
            format!("UPDATE meta SET value = '{known}' WHERE key = 'oldest_compatible'"),
        ),
    ];
    for (number, (leave, come_back)) in (1..).zip(times) {
        let away = format!("BEGIN; DELETE FROM leases; {leave}; COMMIT");
        client.batch_execute(&away).await.expect("a statement");
        // Long enough for every lane to look after itself.
        let until = Instant::now() + Duration::from_secs(6);
        while Instant::now() < until {
            let refused = servers.ledgers[0]
                .submit(send("ann", id, number, "late"))
                .await;
            assert!(
                matches!(refused, Err(LedgerError::Unavailable(_))),
                "{refused:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let leases = client.query("SELECT FROM leases", &[]).await;
        assert!(leases.expect("leases").is_empty(), "{leave}");
        client.batch_execute(&come_back).await.expect("a statement");
        let started = Instant::now();
        while let Err(error) = servers.ledgers[0]
            .submit(send("ann", id, number, "late"))
            .await
        {
            assert!(started.elapsed() < Duration::from_secs(15), "{error}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    servers.assert_sound().await;
}
