//! No table and no column is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use semel_services::shared_postgres;

use super::{Engine, World, sound};
use crate::{
    postgres::tests::Postgres,
    transfer::{
        marker::{FILLING, LEAVING},
        tables::{LEFT, TABLES},
    },
};

/// What `meta` has of its own at each end, and what is moved.
const META_OWN: &[&str] = &["is_clean", "probe", "oldest_compatible", FILLING, LEAVING];
const META_MOVED: &[&str] = &["incarnation", "content_key"];

fn listed() -> BTreeSet<String> {
    let moved = TABLES.iter().map(|table| table.name);
    let left = LEFT.iter().map(|(name, _)| *name);
    moved.chain(left).map(str::to_owned).collect()
}

fn names(connection: &Connection, sql: &str) -> Vec<String> {
    let mut select = connection.prepare(sql).expect("a statement");
    let rows = select.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("names")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_of_sqlite_is_moved_or_left_for_a_reason_and_told_apart_by_a_unique_key() {
    let engine = sound().await;
    let connection = Connection::open(engine.data_dir().join("semel.db")).expect("a connection");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let there: BTreeSet<String> = names(&connection, tables).into_iter().collect();
    let mut listed = listed();
    assert!(listed.remove("leases") && listed.remove("migrations"));
    assert_eq!(
        there, listed,
        "crates/backends/src/transfer/tables.rs lists them"
    );
    for (place, table) in TABLES.iter().enumerate() {
        let indexes = format!(
            "SELECT name FROM pragma_index_list('{}') WHERE \"unique\" = 1 AND partial = 0",
            table.name
        );
        let primary = format!(
            "SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk",
            table.name
        );
        let mut keys: Vec<Vec<String>> = names(&connection, &indexes)
            .iter()
            .map(|index| {
                let columns =
                    format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno");
                names(&connection, &columns)
            })
            .collect();
        keys.push(names(&connection, &primary));
        assert!(
            keys.iter().any(|key| key == table.key),
            "{}: {keys:?}",
            table.name
        );
        let parents = format!(
            "SELECT \"table\" FROM pragma_foreign_key_list('{}')",
            table.name
        );
        for parent in names(&connection, &parents) {
            let before = TABLES[..place].iter().any(|table| table.name == parent);
            assert!(before, "{} comes before {parent}", table.name);
        }
    }
    let keys = names(&connection, "SELECT key FROM meta");
    let known =
        |key: &String| META_OWN.contains(&key.as_str()) || META_MOVED.contains(&key.as_str());
    assert!(keys.iter().all(known), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_of_postgresql_is_moved_or_left_for_a_reason_and_told_apart_by_a_unique_key() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let client = engine.database.client().await;
    let tables = "SELECT relname::text FROM pg_class
         WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace";
    let there = client.query(tables, &[]).await.expect("tables");
    let there: BTreeSet<String> = there.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        there,
        listed(),
        "crates/backends/src/transfer/tables.rs lists them"
    );
    let unique = "SELECT c.relname::text, array_agg(a.attname::text ORDER BY k.place)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
         WHERE i.indisunique AND i.indpred IS NULL AND c.relnamespace = 'public'::regnamespace
         GROUP BY i.indexrelid, c.relname";
    let mut keys: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for row in client.query(unique, &[]).await.expect("indexes") {
        keys.entry(row.get(0)).or_default().push(row.get(1));
    }
    for table in TABLES {
        assert!(
            keys[table.name].iter().any(|key| key == table.key),
            "{}: {:?}",
            table.name,
            keys[table.name]
        );
    }
    let rows = client
        .query("SELECT key FROM meta", &[])
        .await
        .expect("keys");
    for row in rows {
        let key: &str = row.get(0);
        assert!(
            META_OWN.contains(&key) || META_MOVED.contains(&key),
            "{key}"
        );
    }
    engine.ledger().close().await;
}
