//! What is half filled is not used, what is used is not moved, and what differs is named.

use semel_core::ports::Ledger;
use semel_services::shared_postgres;

use super::{
    Database, Engine, Error, Place, Sqlite, World, database, directory, full, given_up, moved,
    place, refused, sound,
};
use crate::{
    postgres::{self, PostgresLedger, tests::Postgres},
    sqlite::{self, SqliteLedger},
    transfer::{transfer, verify},
};

fn why<T>(result: Result<T, Error>) -> String {
    result.map_or_else(|error| error.chain(), |_| "it was done".to_owned())
}

async fn open_postgres(database: &Database) -> Result<std::sync::Arc<PostgresLedger>, Error> {
    let world = World::default();
    world
        .entropy
        .0
        .store(5_000, std::sync::atomic::Ordering::SeqCst);
    PostgresLedger::open(postgres::tests::options(database.address(), &world)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_opens_a_half_filled_database() {
    let (source, half) = (full().await, tempfile::tempdir().expect("a directory"));
    given_up(&place(&source), &directory(&half), 2).await;
    let is_told = |text: String| assert!(text.contains("run it again"), "{text}");
    let options = sqlite::tests::options(half.path(), &World::default());
    is_told(why(SqliteLedger::open(options)));
    is_told(why(sqlite::doctor(half.path(), &|_| {})));
    is_told(why(sqlite::backup(
        half.path(),
        &half.path().join("copy.db"),
    )));
    let other = tempfile::tempdir().expect("a directory");
    is_told(refused(&directory(&half), &directory(&other)).await);
    is_told(why(
        verify(&place(&source), &directory(&half), &|_| {}).await
    ));

    if shared_postgres().is_none() {
        return;
    }
    let half = Database::new();
    let source = full().await;
    given_up(&place(&source), &database(&half), 2).await;
    is_told(why(open_postgres(&half).await));
    is_told(why(postgres::doctor(&half.address(), &|_| {}).await));
    is_told(why(postgres::restored(
        &half.address(),
        &*World::default().entropy,
    )
    .await));
    is_told(refused(&database(&half), &directory(&other)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_uses_is_not_moved_nor_filled() {
    let engine = Sqlite::new(World::default());
    let empty = tempfile::tempdir().expect("a directory");
    let text = refused(&place(&engine), &directory(&empty)).await;
    assert!(text.contains("semel.lock"), "{text}");
    let source = sound().await;
    let text = refused(&place(&source), &place(&engine)).await;
    assert!(text.contains("semel.lock"), "{text}");
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let used = Place::Postgres(Box::new(engine.database.address()));
    let text = refused(&used, &directory(&empty)).await;
    assert!(text.contains("servers that use the database: 1"), "{text}");
    let text = refused(&place(&source), &used).await;
    assert!(text.contains("another content"), "{text}");
    engine.ledger().close().await;
    let text = refused(&used, &used).await;
    assert!(text.contains("both the source and the target"), "{text}");
}

/// While it is read, a server gets no lease; and one that was given up does not get its own back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_starts_on_a_source_while_it_is_read() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    crate::conformance::damage::fill(&*engine.ledger()).await;
    engine.ledger().close().await;
    let mut source = postgres::End::source(&engine.database.address())
        .await
        .expect("it is there");
    crate::transfer::side::Side::leave(&mut source, "a transfer")
        .await
        .expect("it is told");
    crate::transfer::side::Side::hold(&mut source)
        .await
        .expect("it is held");
    let text = why(open_postgres(&engine.database).await);
    assert!(text.contains("lock timeout"), "{text}");
    let left = crate::transfer::side::Side::leaving(&mut source)
        .await
        .expect("it is read");
    assert_eq!(left.as_deref(), Some("a transfer"));
    drop(source);
    let ledger = open_postgres(&engine.database).await.expect("now it opens");
    ledger.close().await;
    let client = engine.database.client().await;
    let left = client
        .query("SELECT FROM meta WHERE key = 'leaving'", &[])
        .await;
    assert!(left.expect("rows").is_empty(), "a server has used it since");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_was_used_between_two_attempts_is_noticed() {
    let (mut source, half) = (full().await, tempfile::tempdir().expect("a directory"));
    given_up(&place(&source), &directory(&half), 2).await;
    source.reopen().await;
    source.ledger().close().await;
    let text = refused(&place(&source), &directory(&half)).await;
    assert!(text.contains("has used the source"), "{text}");
    if shared_postgres().is_none() {
        return;
    }
    let (engine, half) = (Database::new(), tempfile::tempdir().expect("a directory"));
    moved(&place(&source), &database(&engine)).await;
    given_up(&database(&engine), &directory(&half), 2).await;
    open_postgres(&engine)
        .await
        .expect("it opens")
        .close()
        .await;
    let text = refused(&database(&engine), &directory(&half)).await;
    assert!(text.contains("has used the source"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_with_another_content_is_left_alone() {
    let (source, other) = (sound().await, full().await);
    let text = refused(&place(&source), &place(&other)).await;
    assert!(text.contains("another content"), "{text}");
    let copy = tempfile::tempdir().expect("a directory");
    moved(&place(&source), &directory(&copy)).await;
    let text = refused(&place(&source), &directory(&copy)).await;
    assert!(text.contains("--verify-only"), "{text}");
    let half = tempfile::tempdir().expect("a directory");
    given_up(&place(&other), &directory(&half), 1).await;
    let text = refused(&directory(&copy), &directory(&half)).await;
    // Both were made with the same seed: it is the history that tells them apart.
    assert!(
        text.contains("has used the source") || text.contains("another database"),
        "{text}"
    );
    let nothing = tempfile::tempdir().expect("a directory");
    let text = refused(&directory(&nothing), &directory(&half)).await;
    assert!(text.contains("there is no database"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_difference_is_named() {
    let (source, copy) = (sound().await, tempfile::tempdir().expect("a directory"));
    moved(&place(&source), &directory(&copy)).await;
    let connection = rusqlite::Connection::open(copy.path().join("semel.db")).expect("a file");
    let damage = "UPDATE log SET content = 'other', edited_at = 7 WHERE seq = 2;
        DELETE FROM client_ids WHERE seq = 3; INSERT INTO contacts (user_id, contact_id, since) VALUES ('cy', 'dee', 1)";
    connection.execute_batch(damage).expect("a statement");
    drop(connection);
    let compared = verify(&place(&source), &directory(&copy), &|_| {}).await;
    let compared = compared.expect("they are compared");
    let told: Vec<String> = compared
        .iter()
        .filter(|table| !table.is_same())
        .flat_map(|table| {
            table
                .differences
                .iter()
                .map(|text| format!("{}: {text}", table.table))
        })
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].contains("contacts: user_id cy, contact_id dee is at the target only"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("log: thread_id ")
            && told[1].ends_with("differs in content, edited_at"),
        "{told:?}"
    );
    assert!(
        told[2].starts_with("client_ids: ") && told[2].ends_with("is missing at the target"),
        "{told:?}"
    );
    assert!(
        compared
            .iter()
            .filter(|table| table.source.hash != table.target.hash)
            .count()
            == 3
    );
}

/// What changes under a transfer's hands is found when both ends are compared, and the target stays closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_not_the_same_is_not_opened() {
    let (source, half) = (full().await, tempfile::tempdir().expect("a directory"));
    given_up(&place(&source), &directory(&half), 8).await;
    let path = half.path().join("semel.db");
    let connection = rusqlite::Connection::open(path).expect("a file");
    let damage = "UPDATE users SET about = 'somebody else'";
    assert!(connection.execute(damage, []).expect("a statement") > 0);
    drop(connection);
    let world = World::default();
    let text = why(transfer(&place(&source), &directory(&half), &*world.entropy, &|_| {}).await);
    assert!(text.contains("differs in about"), "{text}");
    let options = sqlite::tests::options(half.path(), &World::default());
    assert!(why(SqliteLedger::open(options)).contains("run it again"));
}
