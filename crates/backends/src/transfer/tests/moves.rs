//! Everything arrives, in whichever direction, and however often it is interrupted.

use semel_core::{Key, ports::Ledger};
use semel_protocol::ThreadId;
use semel_services::shared_postgres;

use super::{
    Database, Engine, MESSAGES, Sqlite, World, assert_same, database, directory, dump, full,
    given_up, moved, place, sound, uuid,
};
use crate::{
    conformance::{
        load,
        world::{send, sent},
    },
    postgres::{self, PostgresLedger},
    sqlite::{self, SqliteLedger},
    transfer::{Compared, tables::TABLES, verify},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_over_both_engines_brings_back_every_byte() {
    if shared_postgres().is_none() {
        return;
    }
    let source = full().await;
    let before = dump(source.data_dir());
    let (there, back) = (Database::new(), tempfile::tempdir().expect("a directory"));
    let one = moved(&place(&source), &database(&there)).await;
    let two = moved(&database(&there), &directory(&back)).await;
    let after = dump(back.path());
    assert!(before.len() > MESSAGES, "{}", before.len());
    assert_same(&before, &after);
    assert_eq!(one.tables.len(), TABLES.len());
    for (one, two) in one.tables.iter().zip(&two.tables) {
        assert_eq!((&one.source, &one.target), (&two.source, &two.target));
        assert!(
            one.source.rows > 0,
            "{} is empty: it shows nothing",
            one.table
        );
    }
    assert_eq!(one.rows_moved, two.rows_moved);
    assert_eq!(dump(source.data_dir()), before, "the source is as it was");
    let again = verify(&place(&source), &directory(&back), &|_| {}).await;
    assert!(
        again
            .expect("they are compared")
            .iter()
            .all(Compared::is_same)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_goes_from_each_engine_to_itself() {
    let (source, copy) = (full().await, tempfile::tempdir().expect("a directory"));
    moved(&place(&source), &directory(&copy)).await;
    assert_same(&dump(source.data_dir()), &dump(copy.path()));
    if shared_postgres().is_none() {
        return;
    }
    let (one, two) = (Database::new(), Database::new());
    moved(&place(&source), &database(&one)).await;
    moved(&database(&one), &database(&two)).await;
    let same = verify(&place(&source), &database(&two), &|_| {}).await;
    assert!(
        same.expect("they are compared")
            .iter()
            .all(Compared::is_same)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_again_and_again_goes_on_and_arrives_once() {
    if shared_postgres().is_none() {
        return;
    }
    let (source, there) = (full().await, Database::new());
    for pages in [1, 2, 3, 1, 4] {
        given_up(&place(&source), &database(&there), pages).await;
    }
    let summary = moved(&place(&source), &database(&there)).await;
    assert!(summary.rows_before > 3_000, "{summary:?}");
    let back = tempfile::tempdir().expect("a directory");
    for pages in [2, 1, 3, 5] {
        given_up(&database(&there), &directory(&back), pages).await;
    }
    let summary = moved(&database(&there), &directory(&back)).await;
    assert!(summary.rows_before > 3_000, "{summary:?}");
    assert_same(&dump(source.data_dir()), &dump(back.path()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_database_goes_on_where_it_was_under_its_old_name() {
    if shared_postgres().is_none() {
        return;
    }
    let (source, there) = (sound().await, Database::new());
    let world = World::default();
    moved(&place(&source), &database(&there)).await;
    let report = postgres::doctor(&there.address(), &|_| {}).await;
    assert_eq!(report.expect("it looks").findings, []);
    let options = postgres::tests::options(there.address(), &world);
    let ledger = PostgresLedger::open(options).await.expect("it opens");
    let incarnation = ledger.incarnation();
    let client = there.client().await;
    let thread = client.query_one("SELECT id FROM threads", &[]).await;
    let id = ThreadId(thread.expect("a thread").get(0));
    assert!(sent(ledger.submit(send("ann", id, 1, "hello")).await).duplicate);
    let next = sent(ledger.submit(send("ann", id, 9, "on the other side")).await);
    assert_eq!((next.message.seq, next.duplicate), (4, false));
    ledger.close().await;

    let back = tempfile::tempdir().expect("a directory");
    moved(&database(&there), &directory(&back)).await;
    assert_eq!(sqlite::doctor(back.path(), &|_| {}).expect("it looks"), []);
    let options = sqlite::tests::options(back.path(), &world);
    let ledger = SqliteLedger::open(options).expect("it opens");
    assert_eq!(ledger.incarnation(), incarnation);
    assert!(sent(ledger.submit(send("ann", id, 9, "on the other side")).await).duplicate);
    assert_eq!(
        sent(ledger.submit(send("ann", id, 10, "back")).await)
            .message
            .seq,
        5
    );
    let rows = load(&*ledger, &[Key::Thread(id)]).await;
    assert_eq!(rows.heads.get(&id).flatten().expect("a head").last_seq, 5);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_end_early_when_rows_are_long_and_miss_nothing() {
    let source = Sqlite::new(World::default());
    let id = ThreadId(uuid(1));
    let mut changes = crate::conformance::rows::messages_of(id, 1, 300);
    changes.threads[0]
        .1
        .as_mut()
        .expect("a thread")
        .participants_key = None;
    for (_, message) in &mut changes.messages {
        message.as_mut().expect("a message").content = "x".repeat(64 * 1024);
    }
    source.store(&changes);
    source.ledger().close().await;
    let copy = tempfile::tempdir().expect("a directory");
    // 19 MiB of log are at least four pages, though they are 301 rows.
    given_up(&place(&source), &directory(&copy), 4).await;
    moved(&place(&source), &directory(&copy)).await;
    assert_same(&dump(source.data_dir()), &dump(copy.path()));
}
