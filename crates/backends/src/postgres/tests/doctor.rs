//! The checks find what is planted, and nothing where nothing is wrong.

use semel_services::shared_postgres;

use super::{super::doctor, Database, Engine, Postgres, World, findings};
use crate::conformance::damage::{DAMAGES, fill, written};

/// So that damage can be done at all: no foreign keys, and no index that forbids it.
const UNLOCK: &str = "SET session_replication_role = replica; DROP INDEX log_by_seq";
const UUID: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_f1_every_planted_damage_is_found() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let ledger = engine.ledger();
    fill(&*ledger).await;
    assert_eq!(engine.findings(), [""; 0]);
    ledger.close().await;
    drop(ledger);

    let (hash, key) = ("00".repeat(16), "00".repeat(32));
    let (hash, key) = (format!("'\\x{hash}'::bytea"), format!("'\\x{key}'::bytea"));
    for (check, sql) in DAMAGES {
        let copy = engine.database.copy();
        let client = copy.client().await;
        client.batch_execute(UNLOCK).await.expect("a statement");
        let before = findings(copy.address()).await;
        assert!(before.len() == 1, "the index is missed: {before:?}");
        let damage = written(sql, UUID, &hash, &key);
        let count = client.execute(&damage, &[]).await.expect(sql);
        assert!(count > 0 || *check == "schema", "{sql}");
        let report = doctor(&copy.address(), &|_| {}).await.expect("it looks");
        let mut findings = report.findings.iter();
        let is_found = findings
            .any(|finding| finding.check == *check && !before.contains(&finding.to_string()));
        assert!(is_found, "{sql}: {report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_with_an_invalid_index_or_without_a_constraint_is_found() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let client = engine.database.client().await;
    assert_eq!(engine.findings(), [""; 0]);
    let drop = "ALTER TABLE log DROP CONSTRAINT log_check";
    client.batch_execute(drop).await.expect("a statement");
    let invalid =
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'log_by_seq'::regclass";
    client.batch_execute(invalid).await.expect("a statement");
    let found = engine.findings().join("\n");
    assert!(
        found.contains("schema: constraint log.log_check"),
        "{found}"
    );
    assert!(found.contains("schema: index log_by_seq"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_changes_nothing_and_needs_no_right_to_make_tables() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let ledger = engine.ledger();
    fill(&*ledger).await;
    let client = engine.database.client().await;
    let objects =
        "SELECT string_agg(relnamespace::regnamespace || relname, ' ' ORDER BY oid) FROM pg_class";
    let count = async || -> String {
        client
            .query_one(objects, &[])
            .await
            .expect("objects")
            .get(0)
    };
    let before = count().await;
    let mut told = std::sync::Mutex::new(Vec::new());
    let tell = |progress| told.lock().expect("no panic").push(progress);
    let report = doctor(&engine.database.address(), &tell)
        .await
        .expect("it looks");
    assert_eq!(report.findings, []);
    let told = told.get_mut().expect("no panic");
    assert!(
        told.iter()
            .any(|progress| (progress.what, progress.done) == ("threads", 1))
    );
    assert_eq!(count().await, before);

    let name = engine.database.name();
    let reader = format!("{name}_reader");
    let make = format!(
        "REVOKE TEMP ON DATABASE {name} FROM PUBLIC; CREATE ROLE {reader} LOGIN;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
    );
    client.batch_execute(&make).await.expect("a role");
    let address = engine.database.address_of(&reader);
    let report = doctor(&address, &|_| {}).await.expect("it looks");
    let remove = format!("DROP OWNED BY {reader}; DROP ROLE {reader}");
    client.batch_execute(&remove).await.expect("no role");
    assert_eq!(report.findings, []);
    assert!(report.notes[0].contains("temporary"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_database_is_not_called_sound() {
    if shared_postgres().is_none() {
        return;
    }
    let database = Database::new();
    let why = doctor(&database.address(), &|_| {})
        .await
        .expect_err("it refuses");
    assert!(why.chain().contains("empty"), "{}", why.chain());
}
