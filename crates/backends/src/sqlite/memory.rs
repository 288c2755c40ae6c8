//! A database in memory, for simulations: the schema and the SQL of the real one, without files, threads or time.

use rusqlite::{Connection, OpenFlags, ffi};
use semel_core::{
    Changes, Key, Rows,
    ports::{Entropy, Question},
};

use super::{
    Finding,
    doctor::check_connection,
    load::load,
    meta::{self, Identity},
    migrate,
    open::STATEMENTS_MAX,
    readers,
    store::store,
    transaction,
};
use crate::{Error, lane::NotCommitted};

/// A database in memory, with one connection that writes and one that answers questions from what is committed.
pub struct Memory {
    writer: Connection,
    reader: Connection,
    identity: Identity,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// An empty database. The name is free in this process.
    pub fn new(name: &str, entropy: &dyn Entropy) -> Result<Self, Error> {
        let (writer, reader) = (open(name)?, open(name)?);
        migrate::migrate(&writer)?;
        let identity = meta::identity(&writer, entropy)?;
        Ok(Self {
            writer,
            reader,
            identity,
        })
    }

    /// Another database with the same identity and with these changes only, in this order: what a disk has kept.
    pub fn rebuilt<'a>(
        &self,
        name: &str,
        kept: impl Iterator<Item = &'a Changes>,
    ) -> Result<Self, Error> {
        let (writer, reader) = (open(name)?, open(name)?);
        migrate::migrate(&writer)?;
        meta::put(&writer, meta::INCARNATION, &self.identity.incarnation)?;
        meta::put(&writer, meta::CONTENT_KEY, self.identity.content_key)?;
        transaction::begin(&writer)?;
        kept.into_iter()
            .try_for_each(|changes| store(&writer, changes))?;
        if let Err(NotCommitted::Aborted(error) | NotCommitted::Unknown(error)) =
            transaction::commit(&writer)
        {
            return Err(error);
        }
        let Identity {
            ref incarnation,
            content_key,
        } = self.identity;
        let identity = Identity {
            incarnation: incarnation.clone(),
            content_key,
        };
        Ok(Self {
            writer,
            reader,
            identity,
        })
    }

    /// Names the database.
    pub fn incarnation(&self) -> &str {
        &self.identity.incarnation
    }

    /// Secret of the content hashes.
    pub fn content_key(&self) -> [u8; 32] {
        self.identity.content_key
    }

    /// Begins a transaction.
    pub fn begin(&self) -> Result<(), Error> {
        transaction::begin(&self.writer)
    }

    /// Loads what a key names, as the transaction sees it.
    pub fn load(&self, key: &Key, rows: &mut Rows) -> Result<(), Error> {
        load(&self.writer, key, rows)
    }

    /// Writes changes within the transaction.
    pub fn put(&self, changes: &Changes) -> Result<(), Error> {
        store(&self.writer, changes)
    }

    /// Ends the transaction with its effect.
    pub fn commit(&self) -> Result<(), NotCommitted> {
        transaction::commit(&self.writer)
    }

    /// Ends the transaction without an effect, if there is one.
    pub fn roll_back(&self) -> Result<(), Error> {
        transaction::roll_back(&self.writer)
    }

    /// Answers a question from what is committed.
    pub fn answer(&self, question: &mut Question) -> Result<(), Error> {
        let answered = readers::answer(&self.reader, question);
        transaction::roll_back(&self.reader)?;
        answered
    }

    /// Checks the database as `semel doctor` does.
    pub fn doctor(&self) -> Result<Vec<Finding>, Error> {
        check_connection(&self.reader, &|| false)
    }
}

/// What `SQLite` says when the disk reports errors: the connection is of no use any more.
pub fn broken_disk() -> Error {
    failure(ffi::SQLITE_IOERR_FSYNC)
}

/// What `SQLite` says when there is no room.
pub fn full_disk() -> Error {
    failure(ffi::SQLITE_FULL)
}

fn failure(code: i32) -> Error {
    Error::Sqlite(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
}

/// Connections with one name share a database. The journal is in memory as well, and a transaction stays in its
/// connection until it is committed.
fn open(name: &str) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(format!("file:/{name}?vfs=memdb"), flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.execute_batch(
        "PRAGMA journal_mode = MEMORY;
         PRAGMA synchronous = OFF;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_spill = OFF;",
    )?;
    Ok(connection)
}
