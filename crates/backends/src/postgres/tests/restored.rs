//! A database that was brought back from a backup becomes another one.

use semel_core::{Key, ports::Ledger};
use semel_services::shared_postgres;

use super::{
    super::{PostgresLedger, restored},
    Engine, Postgres, World, findings, options,
};
use crate::conformance::{damage::fill, load, world::pair};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_sync_4_a_restored_database_gets_another_incarnation_and_other_epochs() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let ledger = engine.ledger();
    fill(&*ledger).await;
    let id = pair(&*ledger, "ann", "cy").await;
    let (address, world) = (engine.database.address(), engine.world());
    let before = ledger.incarnation();

    let refused = restored(&address, &*world.entropy).await;
    let why = refused.expect_err("a server is at work").chain();
    assert!(why.contains("servers that use the database: 1"), "{why}");
    ledger.close().await;

    let report = restored(&address, &*world.entropy)
        .await
        .expect("it is done");
    assert_ne!(report.incarnation, before);
    assert_eq!(report.threads, 2);
    assert_eq!(findings(engine.database.address()).await, [""; 0]);
    let again = PostgresLedger::open(options(address, world))
        .await
        .expect("it opens");
    assert_eq!(again.incarnation(), report.incarnation);
    let rows = load(&*again, &[Key::Thread(id)]).await;
    let epoch = rows.threads.get(&id).flatten().map(|thread| thread.epoch);
    assert!(epoch > Some(1), "cursors of before are of no use");
    again.close().await;
}

/// A server that slept through it all, and whose lease was taken, writes nothing afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_from_before_does_not_write_a_restored_database() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    let client = engine.database.client().await;
    let age = "UPDATE leases SET seen_at = clock_timestamp() - interval '21 s'";
    client.batch_execute(age).await.expect("a statement");
    let address = engine.database.address();
    restored(&address, &*engine.world().entropy)
        .await
        .expect("it is done");
    let late = ledger
        .submit(crate::conformance::world::send("ann", id, 1, "late"))
        .await;
    assert!(late.is_err(), "{late:?}");
    let count = "SELECT count(*) FROM log WHERE content = 'late'";
    assert_eq!(
        client
            .query_one(count, &[])
            .await
            .expect("a count")
            .get::<_, i64>(0),
        0
    );
}
