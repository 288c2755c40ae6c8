//! A database in memory, for simulations: the schema and the SQL of the real one, without files, threads or time.

use rusqlite::{Connection, ffi};
use semel_core::{
    Changes, Key, Rows,
    ports::{Entropy, Question},
};

use super::{
    doctor::check_connection,
    load::load,
    meta::{self, Identity},
    migrate,
    open::STATEMENTS_MAX,
    readers,
    store::store,
    transaction,
};
use crate::{Error, doctor::Finding, lane::NotCommitted, restore::new_incarnation};

/// A database in memory. A transaction is at work in one copy; questions are answered from another one, which has what is
/// committed: as readers of the real one have their snapshots.
pub struct Memory {
    writer: Connection,
    reader: Connection,
    identity: Identity,
    /// What the transaction has written.
    written: Vec<Changes>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// An empty database.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, Error> {
        let identity = Identity {
            incarnation: new_incarnation(entropy),
            content_key: std::array::from_fn(|_| entropy.seed() as u8),
        };
        Self::with_identity(identity)
    }

    /// Another database with the same identity and with these changes only, in this order: what a disk has kept.
    pub fn rebuilt<'a>(&self, kept: impl Iterator<Item = &'a Changes>) -> Result<Self, Error> {
        let rebuilt = Self::with_identity(Identity {
            incarnation: self.identity.incarnation.clone(),
            content_key: self.identity.content_key,
        })?;
        for changes in kept {
            store(&rebuilt.writer, changes)?;
            store(&rebuilt.reader, changes)?;
        }
        Ok(rebuilt)
    }

    fn with_identity(identity: Identity) -> Result<Self, Error> {
        let (writer, reader) = (open()?, open()?);
        for connection in [&writer, &reader] {
            migrate::migrate(connection)?;
            meta::put(connection, meta::INCARNATION, &identity.incarnation)?;
            meta::put(connection, meta::CONTENT_KEY, identity.content_key)?;
        }
        Ok(Self {
            writer,
            reader,
            identity,
            written: Vec::new(),
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
    pub fn put(&mut self, changes: &Changes) -> Result<(), Error> {
        store(&self.writer, changes)?;
        self.written.push(changes.clone());
        Ok(())
    }

    /// Ends the transaction with its effect, which is returned.
    pub fn commit(&mut self) -> Result<Vec<Changes>, NotCommitted> {
        transaction::commit(&self.writer)?;
        let written = std::mem::take(&mut self.written);
        transaction::begin(&self.reader).map_err(NotCommitted::Unknown)?;
        for changes in &written {
            store(&self.reader, changes).map_err(NotCommitted::Unknown)?;
        }
        transaction::commit(&self.reader)?;
        Ok(written)
    }

    /// Ends the transaction without an effect, if there is one.
    pub fn roll_back(&mut self) -> Result<(), Error> {
        self.written.clear();
        transaction::roll_back(&self.writer)
    }

    /// Answers a question from what is committed.
    pub fn answer(&self, question: &mut Question) -> Result<(), Error> {
        let answered = readers::answer(&self.reader, question);
        transaction::roll_back(&self.reader)?;
        answered
    }

    /// Checks what is committed as `semel doctor` does.
    pub fn doctor(&self) -> Result<Vec<Finding>, Error> {
        check_connection(&self.reader, &|_| {}, &|| false)
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

fn open() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory()?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}
