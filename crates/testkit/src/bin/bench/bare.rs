//! What `SQLite` does on this disk without a server: the same rows, in batches, durable after each.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use semel_client::IdMaker;
use semel_testkit::{now, random};

use crate::{load::Result, report::Report};

/// The two rows of a message, with the same columns and indexes as the server's.
const SCHEMA: &str = "
    CREATE TABLE log (
        id INTEGER PRIMARY KEY, thread_id BLOB NOT NULL, rev INTEGER NOT NULL, epoch INTEGER NOT NULL,
        seq INTEGER, type TEXT NOT NULL, data TEXT, actor_id TEXT NOT NULL, created_at INTEGER NOT NULL,
        content_hash BLOB NOT NULL, chain BLOB NOT NULL, last_seq INTEGER NOT NULL,
        message_count INTEGER NOT NULL, message_id BLOB, message_rev INTEGER, client_id BLOB, kind TEXT,
        content TEXT, reply_to BLOB, reactions TEXT, edited_at INTEGER, deleted_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX log_by_rev ON log (thread_id, rev);
    CREATE UNIQUE INDEX log_by_message ON log (message_id) WHERE message_id IS NOT NULL;
    CREATE TABLE client_ids (
        client_id BLOB NOT NULL, sender_id TEXT NOT NULL, thread_id BLOB NOT NULL, seq INTEGER,
        content_hash BLOB NOT NULL, PRIMARY KEY (client_id, sender_id)
    ) STRICT, WITHOUT ROWID;";
const INSERT_LOG: &str = "
    INSERT INTO log (thread_id, rev, epoch, seq, type, actor_id, created_at, content_hash, chain, last_seq,
        message_count, message_id, message_rev, client_id, kind, content)
    VALUES (?1, ?2, 1, ?2, 'message', ?3, ?4, ?5, ?6, ?2, ?2, ?7, ?2, ?8, 'text', ?9)";
const INSERT_CLIENT_ID: &str = "
    INSERT INTO client_ids (client_id, sender_id, thread_id, seq, content_hash) VALUES (?1, ?2, ?3, ?4, ?5)";
const THREADS: usize = 50;

/// Measures rows a second with 1, 32 and 256 messages a commit.
pub(crate) fn insert_rates(time: Duration, report: &mut Report) -> Result<()> {
    let batches = [
        ("bare_batch_1", 1),
        ("bare_batch_32", 32),
        ("bare_batch_256", 256),
    ];
    for (name, batch) in batches {
        report.count(name, rate(batch, time)?);
    }
    Ok(())
}

fn rate(batch: usize, time: Duration) -> Result<f64> {
    let directory = tempfile::tempdir()?;
    let mut connection = Connection::open(directory.path().join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(SCHEMA)?;
    let mut ids = IdMaker::new(random());
    let threads: Vec<[u8; 16]> = (0..THREADS).map(|_| random().to_be_bytes()).collect();
    let hash = [7_u8; 16];
    let mut count: i64 = 0;
    let begin = Instant::now();
    while begin.elapsed() < time {
        let transaction = connection.transaction()?;
        {
            let mut log = transaction.prepare_cached(INSERT_LOG)?;
            let mut client_ids = transaction.prepare_cached(INSERT_CLIENT_ID)?;
            for _ in 0..batch {
                let place = count as usize % THREADS;
                let (thread, rev) = (threads[place], count / THREADS as i64 + 1);
                let time = now();
                let (message, client) = (ids.next(time).0, ids.next(time).0);
                let sender = format!("sender-{place}");
                let content = "some words of the length that people write in a chat";
                let (message, client) = (message.as_bytes(), client.as_bytes());
                let chain = &hash[..8];
                log.execute(params![
                    thread, rev, sender, time.0, hash, chain, message, client, content
                ])?;
                client_ids.execute(params![client, sender, thread, rev, hash])?;
                count += 1;
            }
        }
        transaction.commit()?;
    }
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}
