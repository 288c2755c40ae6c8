//! What is demanded of a database before anything is written to it.

use semel_core::{Key, ports::Ledger as _};
use semel_services::shared_postgres;

use super::{Cluster, Database, Engine, Postgres, World, faults::until_answered, options};
use crate::{
    Error, Hindrance,
    conformance::{
        load,
        world::{pair, send, sent},
    },
    postgres::{Address, PostgresLedger},
};

async fn refusal(address: Address) -> String {
    match PostgresLedger::open(options(address, &World::default())).await {
        Ok(_) => "it was opened".to_owned(),
        Err(error) => error.chain(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b3_a_server_that_may_lose_what_it_acknowledges_is_refused() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    let address = || cluster.url().parse().expect("an address");
    for (setting, bad) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "local"),
    ] {
        cluster.set(setting, bad);
        let why = refusal(address()).await;
        assert!(why.contains(&format!("{setting} = {bad}")), "{why}");
        cluster.set(setting, "on");
    }
    PostgresLedger::open(options(address(), &World::default()))
        .await
        .expect("now it opens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_b3_a_server_that_stops_forcing_to_the_disk_is_written_no_more() {
    let Some(cluster) = Cluster::new() else {
        return;
    };
    let address = cluster.url().parse().expect("an address");
    let ledger = PostgresLedger::open(options(address, &World::default())).await;
    let ledger = ledger.expect("it opens");
    let id = pair(&*ledger, "ann", "bob").await;
    // Sessions that are there keep what they were set to.
    cluster.set("synchronous_commit", "off");
    sent(
        ledger
            .submit(send("ann", id, 1, "waits all the same"))
            .await,
    );
    cluster.set("synchronous_commit", "on");
    for (number, setting) in [(2, "fsync"), (3, "full_page_writes")] {
        cluster.set(setting, "off");
        let refused = ledger
            .submit(send("ann", id, number, "not to be lost"))
            .await;
        let why = refused.expect_err(setting).to_string();
        assert!(
            why.contains("unavailable") || why.contains("forces"),
            "{why}"
        );
        cluster.set(setting, "on");
        until_answered(&ledger, send("ann", id, number, "not to be lost")).await;
    }
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_encoding_and_other_peoples_tables_are_refused() {
    if shared_postgres().is_none() {
        return;
    }
    let database = Database::with("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    let why = refusal(database.address()).await;
    assert!(why.contains("SQL_ASCII"), "{why}");
    let database = Database::new();
    let client = database.client().await;
    client
        .batch_execute("CREATE TABLE other (id bigint)")
        .await
        .expect("a table");
    let why = refusal(database.address()).await;
    assert!(why.contains("not ours"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_o05_a_newer_or_altered_schema_is_refused() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    engine.ledger().close().await;
    let client = engine.database.client().await;
    let run = async |sql: &str| client.batch_execute(sql).await.expect("a statement");
    run("INSERT INTO migrations VALUES (1000, 'x'); UPDATE meta SET value = '1000' WHERE key = 'oldest_compatible'").await;
    let why = refusal(engine.database.address()).await;
    assert!(why.contains("at least version 1000"), "{why}");
    // One that an old program may use is opened.
    run("UPDATE meta SET value = '1' WHERE key = 'oldest_compatible'").await;
    PostgresLedger::open(options(engine.database.address(), &World::default()))
        .await
        .expect("it opens");
    run("DELETE FROM migrations WHERE number = 1000; UPDATE migrations SET checksum = 'x'").await;
    let why = refusal(engine.database.address()).await;
    assert!(why.contains("changed by hand"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_together_agree_on_the_database() {
    if shared_postgres().is_none() {
        return;
    }
    let database = Database::new();
    let starts = (0..4).map(|n| {
        let world = World::default();
        world
            .entropy
            .0
            .store(1000 * n, std::sync::atomic::Ordering::Relaxed);
        let options = options(database.address(), &world);
        tokio::spawn(async move { PostgresLedger::open(options).await.expect("it opens") })
    });
    let mut names = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        names.push(start.await.expect("no panic").incarnation());
    }
    names.dedup();
    assert_eq!(names.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_time_may_mend_is_told_from_what_it_does_not() {
    if shared_postgres().is_none() {
        return;
    }
    let database = Database::new();
    let client = database.client().await;
    for (codes, expected) in [
        (
            // Locks, deadlocks, serialization, statement timeout; connections, memory and disk used up.
            &[
                "55P03", "40P01", "40001", "57014", "53300", "53200", "53100", "25P03",
            ][..],
            Some(Hindrance::Busy),
        ),
        // It stops, crashed, starts; connections that failed.
        (
            &["57P01", "57P02", "57P03", "08006", "08001"],
            Some(Hindrance::Away),
        ),
        (&["25006"], Some(Hindrance::ReadOnly)),
        // Passwords, rights, names, damage, what is wrong with this program.
        (
            &[
                "28P01", "28000", "3D000", "42501", "42P01", "XX001", "22012",
            ],
            None,
        ),
    ] {
        for code in codes {
            let raise = format!("DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$");
            let error = client.batch_execute(&raise).await.expect_err(code);
            assert_eq!(Error::from(error).hindrance(), expected, "{code}");
        }
    }
}
