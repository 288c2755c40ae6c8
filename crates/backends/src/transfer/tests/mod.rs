//! Everything arrives, once, and nothing else happens to either end meanwhile.

mod list;
mod moves;
mod refusals;

use std::{
    fmt::Write,
    path::Path,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::{Duration, Instant},
};

use rusqlite::Connection;
use semel_protocol::ThreadId;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{Place, Summary, transfer, value::Value};
use crate::{
    Error, Progress,
    conformance::{
        Engine,
        damage::fill,
        rows::{messages_of, one_of_each},
        world::{World, user, uuid},
    },
    postgres::tests::Database,
    sqlite::{self, tests::Sqlite},
};

/// Messages of one thread: several pages.
const MESSAGES: usize = 3_500;

/// One row and more of each table of sign-in and of operators. Nothing else refers to them.
const SIGN_IN: &str = "
    INSERT INTO identities VALUES ('email', 'ann@example.org', 'ann', 'a…@example.org', 5, 4);
    INSERT INTO identities VALUES ('phone', '+15550100', 'ann', '…00', NULL, 6);
    INSERT INTO challenges VALUES (zeroblob(16), 'email', 'ann@example.org', NULL, x'01', x'02', 1, 2, 3, NULL, NULL);
    INSERT INTO challenges VALUES (randomblob(16), 'phone', '+15550100', 'ann', x'03', x'', 0, 2, 3, 4, x'05');
    INSERT INTO sessions VALUES (randomblob(16), 'ann', 'email', 'phone', 'Ann''s', x'06', 7, 8, 9, 10, NULL);
    INSERT INTO sessions VALUES (randomblob(16), 'ann', 'phone', NULL, NULL, x'07', 0, 8, 9, 10, 11);
    INSERT INTO signing_keys VALUES ('k1', x'08', x'09', 1, 2, 3);
    INSERT INTO effects VALUES (randomblob(16), 'mail', x'0a', 1, 2, 3);
    INSERT INTO budgets VALUES ('mail/ann', 3, 4);
    INSERT INTO operators VALUES ('ann', 5);
    INSERT INTO handles VALUES ('ann_1', 'ann', 5, NULL);
    INSERT INTO handles VALUES ('ann_2', 'ann', 4, 6);
    INSERT INTO findability VALUES ('ann', 'everybody', 'contacts', 'nobody');
    INSERT INTO audit VALUES (randomblob(16), 7, 'op', 'lift', 'ann', NULL, NULL, 'why', NULL);
    INSERT INTO audit VALUES (randomblob(16), 8, 'op', 'remove_message', 'ann', randomblob(16), randomblob(16), 'why', randomblob(16));
    INSERT INTO reports VALUES (randomblob(16), 7, 'ann', 'person:bob', 'bob', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        'spam', NULL, 0, NULL, NULL, NULL);
    INSERT INTO reports VALUES (randomblob(16), 8, 'ann', 'message:x', 'bob', randomblob(16), randomblob(16), 1, 2, 'é', 3, 4,
        'other', 'more', 9, 'op', 'no_action', 10);
    INSERT INTO erasures VALUES ('cyd', 7, 'threads', NULL, NULL, NULL, 8);
    INSERT INTO erasures VALUES ('dee', 7, 'messages', randomblob(16), 3, NULL, 8);
    INSERT INTO tellings VALUES ('cyd', 'contacts', NULL, NULL, NULL, 8);
    INSERT INTO tellings VALUES ('dee', 'within', randomblob(16), 3, 'eve', 8);
    INSERT INTO invites VALUES (randomblob(16), randomblob(16), 'ann', 7, NULL, NULL, 3);
    INSERT INTO invites VALUES (randomblob(16), randomblob(16), 'ann', 8, 9, 2, 1);
    INSERT INTO pictures VALUES ('01234567-89ab-cdef-0123-456789abcdef', 'ann', 7, 1, NULL);
    INSERT INTO pictures VALUES ('fedcba98-7654-3210-fedc-ba9876543210', 'ann', 8, 0, 9);
    INSERT INTO picture_bytes VALUES ('01234567-89ab-cdef-0123-456789abcdef', 'jpeg', randomblob(100000));
    INSERT INTO picture_bytes VALUES ('fedcba98-7654-3210-fedc-ba9876543210', 'png', x'00ff');";

const LET_GO_MAX: Duration = Duration::from_secs(20);

/// A database with rows of every kind, and several pages of some. The doctor does not like all of them.
async fn full() -> Sqlite {
    let mut engine = Sqlite::new(World::default());
    let (ann, odd) = (user("ann"), user("böb \u{1F44D} o'brien"));
    engine.store(&one_of_each(ThreadId(uuid(1_000)), &ann, &odd));
    let mut changes = messages_of(ThreadId(uuid(2_000)), 1_000_000, MESSAGES);
    let thread = changes.threads[0].1.as_mut().expect("a thread");
    thread.participants_key = None;
    engine.store(&changes);
    engine.reopen().await;
    fill(&*engine.ledger()).await;
    engine.ledger().close().await;
    let connection = Connection::open(engine.data_dir().join("semel.db")).expect("a connection");
    connection.execute_batch(SIGN_IN).expect("rows of sign-in");
    engine
}

/// A database as a server leaves it, in which nothing is wrong.
async fn sound() -> Sqlite {
    let engine = Sqlite::new(World::default());
    fill(&*engine.ledger()).await;
    engine.ledger().close().await;
    engine
}

fn place(engine: &Sqlite) -> Place {
    Place::Sqlite(engine.data_dir().to_owned())
}

fn directory(directory: &TempDir) -> Place {
    Place::Sqlite(directory.path().to_owned())
}

fn database(database: &Database) -> Place {
    Place::Postgres(Box::new(database.address()))
}

async fn moved(from: &Place, to: &Place) -> Summary {
    let world = World::default();
    transfer(from, to, &*world.entropy, &|_| {})
        .await
        .expect("it is moved")
}

async fn refused(from: &Place, to: &Place) -> String {
    let world = World::default();
    // Other numbers than those of the attempt before.
    world.entropy.0.store(1_000, SeqCst);
    match transfer(from, to, &*world.entropy, &|_| {}).await {
        Ok(summary) => format!("it was moved: {summary:?}"),
        Err(error) => error.chain(),
    }
}

/// A transfer that is given up after some pages.
async fn given_up(from: &Place, to: &Place, pages: u64) {
    let world = World::default();
    let (count, enough) = (AtomicU64::new(0), Notify::new());
    let tell = |progress: Progress| {
        if progress.what == "moving" && count.fetch_add(1, SeqCst) + 1 == pages {
            enough.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = enough.notified() => {}
        done = transfer(from, to, &*world.entropy, &tell) => panic!("{done:?}"),
    }
    for place in [from, to] {
        if let Place::Sqlite(directory) = place {
            let_go(directory).await;
        }
    }
}

/// Waits until the tasks of a transfer have let go of a directory.
async fn let_go(directory: &Path) {
    let began = Instant::now();
    while sqlite::End::source(directory).is_err() {
        assert!(began.elapsed() < LET_GO_MAX, "it is held for ever");
        tokio::task::yield_now().await;
    }
}

/// Every row of every table but what is `SQLite`'s own, as text.
fn dump(directory: &Path) -> Vec<String> {
    let path = directory.join("semel.db");
    let connection = Connection::open(path).expect("a connection");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut tables = connection.prepare(tables).expect("a statement");
    let tables = tables.query_map([], |row| row.get::<_, String>(0));
    let mut lines = Vec::new();
    for table in tables.expect("tables") {
        let table = table.expect("a table");
        let mut select = connection
            .prepare(&format!("SELECT * FROM {table}"))
            .expect("a statement");
        let names: Vec<String> = select.column_names().map(str::to_owned).collect();
        let mut rows = select.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let mut line = table.clone();
            for (at, name) in names.iter().enumerate() {
                let value = Value::of_sqlite(row.get_ref(at).expect("a value")).expect("a value");
                let is_own = name == "id" && matches!(value, Value::Integer(_));
                if !is_own {
                    write!(line, " {name}={value:?}").expect("a string takes every text");
                }
            }
            let own = ["is_clean", "probe", "leaving"].map(|key| format!("meta key=Text({key:?})"));
            if !own.iter().any(|own| line.starts_with(own)) {
                lines.push(line);
            }
        }
    }
    lines.sort();
    lines
}

/// Two dumps are the same; if not, the first lines that differ are told.
fn assert_same(one: &[String], other: &[String]) {
    let mut lines = one.iter().zip(other);
    let different = lines.find(|(one, other)| one != other);
    assert!(different.is_none(), "{different:?}");
    assert_eq!(one.len(), other.len());
}
