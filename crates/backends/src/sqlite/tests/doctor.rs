//! The checks find what is planted, and nothing where nothing is wrong.

use super::Sqlite;
use crate::conformance::{
    Engine,
    world::{World, keyed, pair, send, sent},
};

/// What each damage must be found by. One at a time, on a copy of a sound database.
const DAMAGES: &[(&str, &str)] = &[
    ("log", "DELETE FROM log WHERE seq = 2"),
    ("log", "UPDATE log SET content_hash = zeroblob(16) WHERE seq = 2"),
    ("log", "UPDATE log SET message_count = 9 WHERE seq = 2"),
    ("log", "UPDATE log SET created_at = 1 WHERE seq = 2"),
    ("log", "UPDATE log SET type = 'nonsense' WHERE seq = 2"),
    ("log", "UPDATE log SET seq = 1, last_seq = 1 WHERE seq = 2"),
    ("participants", "UPDATE threads SET participant_count = 3"),
    ("participants", "UPDATE participants SET is_active = 0 WHERE user_id = 'bob'"),
    ("participants keys", "DELETE FROM participants_keys"),
    ("participants keys", "UPDATE threads SET participants_key = NULL"),
    ("participants keys", "UPDATE threads SET participants_key = zeroblob(32)"),
    ("client ids", "DELETE FROM client_ids"),
    ("client ids", "UPDATE client_ids SET seq = seq + 10"),
    ("client ids", "INSERT INTO client_ids SELECT zeroblob(16), 'ann', id, 77, zeroblob(16) FROM threads"),
    ("positions", "UPDATE positions SET read_seq = 99"),
    ("orphans", "UPDATE positions SET user_id = 'nobody' WHERE user_id = 'ann'"),
    ("orphans", "INSERT INTO log SELECT id + 100, zeroblob(16), rev, epoch, NULL, type, data, actor_id, created_at,
        content_hash, chain, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM log WHERE rev = 1"),
    ("people's own logs", "UPDATE person_heads SET user_rev = 0"),
    ("stored answers", "DELETE FROM answer_messages"),
    ("stored answers", "DELETE FROM answers"),
    ("schema", "DROP INDEX log_by_message"),
    ("foreign keys", "INSERT INTO participants_keys VALUES (zeroblob(32), zeroblob(16))"),
];

#[tokio::test]
async fn req_f1_every_planted_damage_is_found() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    for number in 1..=3 {
        let request = send("ann", id, number, "hello");
        sent(
            ledger
                .submit(keyed(&format!("key {number}"), request))
                .await,
        );
    }
    assert_eq!(engine.findings(), [""; 0]);
    ledger.close().await;

    let sound = engine.data_dir().join("semel.db");
    for (check, sql) in DAMAGES {
        let directory = tempfile::tempdir().expect("a directory");
        let copy = directory.path().join("semel.db");
        std::fs::copy(&sound, &copy).expect("a copy");
        let connection = rusqlite::Connection::open(&copy).expect("a connection");
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"))
            .expect(sql);
        assert!(connection.changes() > 0 || sql.starts_with("DROP"), "{sql}");
        drop(connection);
        let findings = super::super::doctor(directory.path()).expect("the check runs");
        assert!(
            findings.iter().any(|finding| finding.check == *check),
            "{sql}: {findings:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    let id = pair(&*ledger, "ann", "bob").await;
    for number in 1..=50 {
        sent(
            ledger
                .submit(send("ann", id, number, &"x".repeat(1000)))
                .await,
        );
    }
    ledger.close().await;
    let path = engine.data_dir().join("semel.db");
    let mut bytes = std::fs::read(&path).expect("the file");
    let last = bytes.len() - 4096;
    bytes[last..].fill(0x5a);
    std::fs::write(&path, bytes).expect("the file");
    let is_found =
        super::super::doctor(engine.data_dir()).map_or(true, |findings| !findings.is_empty());
    assert!(is_found);
}
