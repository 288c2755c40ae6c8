//! What `SQLite` does on a disk without a server: the rows of messages, in batches, durable after each. Figures of the
//! server mean something beside these only.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::{
    migrate::migrate,
    open::{Use, connect, database_path, make_private_file},
};
use crate::Error;

/// Threads among which the messages are spread.
const THREADS: i64 = 50;
/// Pages of the write-ahead log after which it is copied back: `SQLite`'s own default.
const CHECKPOINT_PAGES: i64 = 1_000;
/// Words of the length that people write in a chat.
const CONTENT: &str = "some words of the length that people write in a chat";
/// What a new message writes: the columns that `store` fills for it.
const INSERT_LOG: &str = "
    INSERT INTO log (thread_id, rev, epoch, seq, type, actor_id, created_at, content_hash, chain, last_seq,
        message_count, message_id, message_rev, client_id, kind, content)
    VALUES (?1, ?2, 1, ?2, 'message', ?3, ?2, ?4, ?5, ?2, ?2, ?6, ?2, ?7, 'text', ?8)";
const INSERT_CLIENT_ID: &str = "
    INSERT INTO client_ids (client_id, sender_id, thread_id, seq, content_hash) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Messages a second that this disk and `SQLite` store in a new database in `directory`, with the server's own schema
/// and settings, `messages_per_commit` in each transaction, for so long.
pub fn bare_insert_rate(
    directory: &Path,
    messages_per_commit: u32,
    time: Duration,
) -> Result<f64, Error> {
    let path = database_path(directory);
    make_private_file(&path)?;
    let mut connection = connect(&path, Use::Writer)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    migrate(&connection)?;
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < time {
        count = insert(&mut connection, count, messages_per_commit)?;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate has few digits that mean something"
    )]
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

/// Inserts messages after the first `count`, and returns how many there are then.
fn insert(
    connection: &mut Connection,
    mut count: i64,
    messages_per_commit: u32,
) -> Result<i64, Error> {
    let transaction = connection.transaction()?;
    {
        let mut log = transaction.prepare_cached(INSERT_LOG)?;
        let mut client_ids = transaction.prepare_cached(INSERT_CLIENT_ID)?;
        for _ in 0..messages_per_commit {
            let place = count % THREADS;
            let rev = count / THREADS + 1;
            let (thread, sender) = (id(place, 7), format!("sender-{place}"));
            // Ascending, as ids are that begin with the time.
            let (message, client) = (id(count, 1), id(count, 2));
            let hash = id(7, 7);
            let chain = &hash[..8];
            log.execute(params![
                thread, rev, sender, hash, chain, message, client, CONTENT
            ])?;
            client_ids.execute(params![client, sender, thread, rev, hash])?;
            count += 1;
        }
    }
    transaction.commit()?;
    Ok(count)
}

/// 16 bytes that begin with a number.
fn id(number: i64, kind: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(&kind.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_those_of_messages_and_every_batch_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let time = Duration::from_millis(1);
        assert!(bare_insert_rate(directory.path(), 8, time).unwrap() > 0.0);
        let connection = connect(&database_path(directory.path()), Use::Reader).unwrap();
        let query = "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM client_ids),
            (SELECT max(seq) FROM log)";
        let (log, client_ids, last): (i64, i64, i64) = connection
            .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert!(log > 0 && log % 8 == 0, "{log}");
        assert_eq!((client_ids, last), (log, (log + THREADS - 1) / THREADS));
    }
}
