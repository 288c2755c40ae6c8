//! The checks find what is planted, and nothing where nothing is wrong.

use super::{super::doctor, Sqlite};
use crate::conformance::{
    Engine,
    damage::{DAMAGES, fill, written},
    world::{World, pair, send, sent},
};

#[tokio::test]
async fn req_f1_every_planted_damage_is_found() {
    let engine = Sqlite::new(World::default());
    let ledger = engine.ledger();
    fill(&*ledger).await;
    assert_eq!(engine.findings(), [""; 0]);
    ledger.close().await;

    let sound = engine.data_dir().join("semel.db");
    for (check, sql) in DAMAGES {
        let directory = tempfile::tempdir().expect("a directory");
        let copy = directory.path().join("semel.db");
        std::fs::copy(&sound, &copy).expect("a copy");
        let connection = rusqlite::Connection::open(&copy).expect("a connection");
        let damage = written(sql, "zeroblob(16)", "zeroblob(16)", "zeroblob(32)");
        connection
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {damage}"))
            .expect(sql);
        let is_done = connection.changes() > 0 || *check == "schema";
        assert!(is_done, "{sql}");
        drop(connection);
        let findings = doctor(directory.path(), &|_| {}).expect("the check runs");
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
    let is_found = doctor(engine.data_dir(), &|_| {}).map_or(true, |findings| !findings.is_empty());
    assert!(is_found);
}
