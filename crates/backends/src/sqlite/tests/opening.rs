//! Starting: settings, the lock, versions, an unclean stop.

use std::{fs, time::Duration};

use rusqlite::Connection;
use semel_core::{actions::DeleteMessage, ports::Ledger};
use semel_protocol::ThreadId;

use super::{Sqlite, options};
use crate::{
    Error,
    conformance::{
        Engine,
        world::{World, command, done, keyed, pair, send, sent},
    },
    sqlite::{
        Check, SqliteLedger,
        migrate::{STEPS, pragma},
        open::database_path,
    },
};

#[test]
fn a_second_server_on_the_directory_is_refused() {
    let first = Sqlite::new(World::default());
    let second = SqliteLedger::open(options(first.data_dir(), &World::default()));
    let error = second.err().expect("refused");
    assert!(matches!(error, Error::InUse(_)));
    assert!(
        error.to_string().contains("another server is running on"),
        "{error}"
    );
}

#[test]
fn what_a_commit_needs_to_be_durable_is_set_on_the_writer() {
    let engine = Sqlite::new(World::default());
    engine.on_lane(|connection| {
        let mode: String = pragma(connection, "journal_mode").expect("a value");
        assert_eq!(mode, "wal");
        let wanted = [
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("trusted_schema", 0),
            ("wal_autocheckpoint", 0),
        ];
        for (name, wanted) in wanted {
            let found: i64 = pragma(connection, name).expect("a value");
            assert_eq!(found, wanted, "{name}");
        }
    });
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let engine = Sqlite::new(World::default());
    for name in ["semel.db", "semel.db-wal", "semel.lock"] {
        let file = fs::metadata(engine.data_dir().join(name)).expect("a file");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn an_orderly_stop_leaves_one_file_and_an_unclean_one_a_check() {
    let mut engine = Sqlite::new(World::default());
    let id = pair(&*engine.ledger(), "ann", "bob").await;
    sent(engine.ledger().submit(send("ann", id, 1, "hello")).await);
    engine.sqlite().close().await;
    let wal = fs::metadata(engine.data_dir().join("semel.db-wal")).map_or(0, |file| file.len());
    assert_eq!(wal, 0);
    engine.reopen().await;
    assert_eq!(engine.sqlite().check(), Check::NotNeeded);
    engine.crash().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while engine.sqlite().check() == Check::Running && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.sqlite().check(), Check::Done(vec![]));
}

#[test]
fn a_database_of_a_newer_program_is_opened_only_if_that_one_allows_it() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(SqliteLedger::open(options(directory.path(), &World::default())).expect("it opens"));
    let newer = STEPS.len() as i64 + 1;
    let set = |oldest: i64| {
        let connection = Connection::open(database_path(directory.path())).expect("a connection");
        connection
            .pragma_update(None, "user_version", newer)
            .expect("a version");
        let sql = "UPDATE meta SET value = ?1 WHERE key = 'oldest_compatible'";
        connection.execute(sql, [oldest]).expect("a value");
    };
    set(newer);
    let error = SqliteLedger::open(options(directory.path(), &World::default())).err();
    assert!(matches!(error, Some(Error::Unusable(_))), "{error:?}");
    set(1);
    SqliteLedger::open(options(directory.path(), &World::default())).expect("it opens");
}

#[test]
fn a_file_that_is_not_ours_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let connection = Connection::open(database_path(directory.path())).expect("a connection");
    connection
        .execute_batch("CREATE TABLE theirs (id INTEGER)")
        .expect("a table");
    drop(connection);
    let error = SqliteLedger::open(options(directory.path(), &World::default())).err();
    assert!(matches!(error, Some(Error::Unusable(_))), "{error:?}");
}

#[tokio::test]
async fn the_identity_stays() {
    let mut engine = Sqlite::new(World::default());
    let before = engine.ledger().incarnation();
    engine.reopen().await;
    assert_eq!(engine.ledger().incarnation(), before);
}

/// All of a batch sees what came before it in the batch, stored or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_x05_words_that_are_sent_and_deleted_in_one_batch_stay_in_no_answer() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id: ThreadId = pair(&*ledger, "ann", "bob").await;
    let message = sent(ledger.submit(send("ann", id, 1, "first")).await).message;
    let batches = engine.sqlite().stats().view().batches;
    let (gate, waits) = std::sync::mpsc::channel::<()>();
    let lane = engine.sqlite().clone();
    let wait = move |_: &mut Connection| {
        let _ = waits.recv();
    };
    lane.send(crate::sqlite::lane::Work::Inspect(Box::new(wait)))
        .expect("the lane listens");
    let react = keyed("key", send("ann", id, 1, "first"));
    let delete = command(
        "ann",
        DeleteMessage {
            thread_id: id,
            message_id: message.id,
        },
    );
    // Polled in this order, so they wait in this order.
    let release = async move { drop(gate) };
    let (first, second, ()) =
        tokio::join!(biased; ledger.submit(react.clone()), ledger.submit(delete), release);
    assert_eq!(
        first.expect("an answer").answer.expect("stored").body,
        b"1:first"
    );
    done(second);
    assert_eq!(engine.sqlite().stats().view().batches, batches + 1);
    let again = ledger.submit(react).await.expect("an answer");
    assert_eq!(again.answer.expect("stored").body, b"1:deleted");
}
