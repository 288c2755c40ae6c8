//! Files and connections: where they are, how they are opened, and what must be true of them.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use semel_sabotage::{Defect, is_on};

use super::migrate::pragma;
use crate::Error;

/// Releases before this one can damage a database when a checkpoint meets a write ("WAL reset").
const VERSION_MIN: i32 = 3_051_003;
/// How long a connection waits for another one's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared: more than there are.
pub(super) const STATEMENTS_MAX: usize = 128;
/// Page cache of the writer, in KiB: the hot ends of the indexes.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Page cache of each other connection, in KiB.
const CACHE_KIB: i64 = 4 * 1024;
/// The size to which the write-ahead log's file goes back when the log begins anew. More than it grows to between two
/// checkpoints under full load: cutting hundreds of megabytes off holds up the lane for tens of milliseconds, and growing
/// again costs more than rewriting. An idle lane cuts the file off.
const WAL_FILE_BYTES: i64 = 512 * 1024 * 1024;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Writes; there is one.
    Writer,
    /// Copies the write-ahead log into the database file.
    Checkpoint,
    /// Only reads.
    Reader,
}

/// The database file of a data directory.
pub(super) fn database_path(data_dir: &Path) -> PathBuf {
    data_dir.join("semel.db")
}

/// The write-ahead log beside it.
pub(super) fn wal_path(data_dir: &Path) -> PathBuf {
    data_dir.join("semel.db-wal")
}

/// Held while a server uses the data directory. The file stays: only the lock on it counts.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory, making it if it is not there.
    pub(super) fn take(data_dir: &Path) -> Result<Self, Error> {
        make_private_directory(data_dir)?;
        let path = data_dir.join("semel.lock");
        let file = private_file(&path).map_err(Error::io("open the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
            Err(fs::TryLockError::Error(source)) => Err(Error::io("lock", path)(source)),
        }
    }
}

/// Makes a file for a new database, for its owner only; its companions take over the mode.
pub(super) fn make_private_file(path: &Path) -> Result<(), Error> {
    private_file(path)
        .map(drop)
        .map_err(Error::io("open the database file", path))
}

/// Opens a connection and makes sure that it is what durability needs.
pub(super) fn connect(path: &Path, usage: Use) -> Result<Connection, Error> {
    let version = rusqlite::version_number();
    if version < VERSION_MIN {
        return Err(Error::Unusable(format!(
            "SQLite {} is too old: 3.51.3 is the first release without a defect that damages databases",
            rusqlite::version()
        )));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let cache = if usage == Use::Writer {
        WRITER_CACHE_KIB
    } else {
        CACHE_KIB
    };
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {};
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA mmap_size = 0;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {WAL_FILE_BYTES};
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{cache};
         PRAGMA query_only = {};",
        synchronous(),
        if usage == Use::Reader { "ON" } else { "OFF" }
    ))?;
    assert_settings(&connection)?;
    Ok(connection)
}

/// FULL: a COMMIT returns when it is on the disk.
fn synchronous() -> i64 {
    if is_on(Defect::LazySync) { 0 } else { 2 }
}

/// `SQLite` ignores what it cannot do: so ask.
fn assert_settings(connection: &Connection) -> Result<(), Error> {
    let mode: String = pragma(connection, "journal_mode")?;
    let expect = |name: &str, wanted: i64| -> Result<(), Error> {
        match pragma::<i64>(connection, name)? {
            found if found == wanted => Ok(()),
            found => Err(Error::Unusable(format!(
                "SQLite kept {name} at {found}, not {wanted}"
            ))),
        }
    };
    if mode != "wal" {
        return Err(Error::Unusable(format!(
            "the file system of the data directory does not allow a write-ahead log (journal mode is {mode}): use a \
             local disk"
        )));
    }
    expect("synchronous", synchronous())?;
    expect("foreign_keys", 1)?;
    expect("trusted_schema", 0)?;
    expect("wal_autocheckpoint", 0)
}

/// Makes what was written to a directory durable: names of files as well as their content.
pub(super) fn sync_directory(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::io("sync the directory", path))
}

fn make_private_directory(path: &Path) -> Result<(), Error> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(Error::io("make the data directory", path))
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
