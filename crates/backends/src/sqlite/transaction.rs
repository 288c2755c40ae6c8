//! One transaction on a connection that writes.

use rusqlite::Connection;

use crate::{Error, lane::NotCommitted};

/// Takes the write lock and the newest snapshot.
pub(super) fn begin(connection: &Connection) -> Result<(), Error> {
    run(connection, "BEGIN IMMEDIATE")
}

/// Makes it durable.
pub(super) fn commit(connection: &Connection) -> Result<(), NotCommitted> {
    match run(connection, "COMMIT") {
        Ok(()) => Ok(()),
        // The last page of the transaction found no room, so nobody can ever take it for whole.
        Err(error) if error.is_disk_full() => Err(NotCommitted::Aborted(error)),
        // SQLite has ended the transaction, one way or the other.
        Err(error) if connection.is_autocommit() => Err(NotCommitted::Unknown(error)),
        Err(error) => Err(NotCommitted::Aborted(error)),
    }
}

/// Ends it without an effect. Some errors have ended it by themselves.
pub(super) fn roll_back(connection: &Connection) -> Result<(), Error> {
    if connection.is_autocommit() {
        return Ok(());
    }
    run(connection, "ROLLBACK")
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
