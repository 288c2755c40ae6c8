//! Both engines have the same tables.

use std::collections::BTreeSet;

use rusqlite::Connection;
use semel_services::shared_postgres;

use super::{Engine, Postgres, World};

/// What only one engine has, and why.
const EXCEPTIONS: [&str; 8] = [
    // Servers of one database know of each other.
    "table leases",
    // SQLite keeps the number in the file's header.
    "table migrations",
    // Row ids of SQLite, by which it appends.
    "column log.id BIGINT null",
    "column answers.id BIGINT null",
    "unique log (id)",
    "unique answers (id)",
    // SQLite finds messages by the counters instead.
    "unique log (thread_id, seq)",
    // Nothing that a program sees.
    "column meta.value ANY not null",
];

fn of_sqlite() -> BTreeSet<String> {
    let connection = Connection::open_in_memory().expect("a database");
    for step in crate::sqlite::STEPS {
        connection.execute_batch(step).expect("the schema");
    }
    let list = |sql: &str| -> Vec<(String, String)> {
        let mut select = connection.prepare(sql).expect("a statement");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    };
    let mut found = BTreeSet::new();
    let tables =
        "SELECT name, name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    for (table, _) in list(tables) {
        found.insert(format!("table {table}"));
        let mut keys = Vec::new();
        let mut select = connection
            .prepare(&format!(
                "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{table}') ORDER BY pk"
            ))
            .expect("a statement");
        let mut rows = select.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let (name, kind): (String, String) = (row.get_unwrap(0), row.get_unwrap(1));
            let (is_filled, place): (bool, i64) = (row.get_unwrap(2), row.get_unwrap(3));
            if place > 0 {
                keys.push(name.clone());
            }
            let is_id = kind == "INTEGER" && place == 1;
            let is_filled = is_filled || (place > 0 && !is_id);
            found.insert(column(&table, &name, &kind, is_filled));
        }
        found.insert(format!("unique {table} ({})", keys.join(", ")));
        let indexes =
            format!("SELECT name, name FROM pragma_index_list('{table}') WHERE \"unique\" = 1");
        for (index, _) in list(&indexes) {
            let columns = list(&format!(
                "SELECT name, name FROM pragma_index_info('{index}') ORDER BY seqno"
            ));
            let columns: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
            found.insert(format!("unique {table} ({})", columns.join(", ")));
        }
        let references =
            format!("SELECT \"from\", \"table\" FROM pragma_foreign_key_list('{table}')");
        for (from, to) in list(&references) {
            found.insert(format!("reference {table}.{from} to {to}"));
        }
    }
    found
}

/// One name for types that hold the same.
fn column(table: &str, name: &str, kind: &str, is_filled: bool) -> String {
    let kind = match (kind.to_uppercase().as_str(), name) {
        ("INTEGER" | "BIGINT", name) if name.starts_with("is_") || name == "title_is_automatic" => {
            "BOOLEAN"
        }
        ("INTEGER" | "BIGINT", _) => "BIGINT",
        ("BYTEA" | "UUID" | "BLOB", _) => "BLOB",
        ("BOOLEAN", _) => "BOOLEAN",
        ("TEXT", _) => "TEXT",
        (other, _) => return format!("column {table}.{name} {other} not null"),
    };
    format!(
        "column {table}.{name} {kind} {}",
        if is_filled { "not null" } else { "null" }
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_schema() {
    if shared_postgres().is_none() {
        return;
    }
    let engine = Postgres::new(World::default());
    let client = engine.database.client().await;
    let mut found = BTreeSet::new();
    let columns = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
         FROM information_schema.columns WHERE table_schema = 'public'";
    for row in client.query(columns, &[]).await.expect("columns") {
        let table: &str = row.get(0);
        found.insert(format!("table {table}"));
        found.insert(column(table, row.get(1), row.get(2), row.get(3)));
    }
    let unique = "SELECT c.relname::text, string_agg(a.attname, ', ' ORDER BY k.place)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
         WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace GROUP BY i.indexrelid, c.relname";
    for row in client.query(unique, &[]).await.expect("indexes") {
        found.insert(format!(
            "unique {} ({})",
            row.get::<_, &str>(0),
            row.get::<_, &str>(1)
        ));
    }
    let references = "SELECT c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text
         FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.contype = 'f'";
    for row in client.query(references, &[]).await.expect("references") {
        let (from, name, to): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        found.insert(format!("reference {from}.{name} to {to}"));
    }
    let sqlite = of_sqlite();
    let is_exception = |line: &str| {
        let is_of = |table: &str| {
            line.contains(&format!(" {table}.")) || line.contains(&format!(" {table} ("))
        };
        EXCEPTIONS.contains(&line)
            || is_of("leases")
            || is_of("migrations")
            || line == "column meta.value BLOB not null"
    };
    let different: Vec<_> = found
        .symmetric_difference(&sqlite)
        .filter(|line| !is_exception(line))
        .collect();
    assert!(different.is_empty(), "{different:#?}");
    assert!(
        sqlite.len() > 90,
        "everything was looked at: {}",
        sqlite.len()
    );
}
