//! Backup while a server is running, and restore.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, backup::Backup};
use semel_core::ports::Entropy;

use super::{
    doctor::check_connection,
    meta, migrate,
    open::{
        DirectoryLock, Use, connect, database_path, make_private_file, sync_directory, wal_path,
    },
};
use crate::{
    Error,
    doctor::Finding,
    restore::{epoch_step, new_incarnation},
};

/// A backup that was made and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupReport {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Entries that it holds.
    pub entries: u64,
    /// The database that it is of.
    pub incarnation: String,
}

/// What to do with a database that lies where another one shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Keep,
    /// Replace it, and keep a copy of it in this file.
    Replace(PathBuf),
}

/// Copies the database of a data directory into one file, whether a server is using it or not, and checks the copy. A
/// file that is there already is not touched.
pub fn backup(data_dir: &Path, to: &Path) -> Result<BackupReport, Error> {
    let source = database_path(data_dir);
    if !source.exists() {
        return Err(Error::Unusable(format!(
            "there is no database in {}",
            data_dir.display()
        )));
    }
    if to.exists() {
        return Err(Error::Unusable(format!(
            "{} is there already",
            to.display()
        )));
    }
    let part = beside(to, "part");
    remove(&part)?;
    let report =
        copy_to(&connect(&source, Use::Reader)?, &part).and_then(|copy| inspect(&copy, to, &part));
    if report.is_err() {
        remove(&part)?;
    }
    let report = report?;
    put_in_place(&part, to)?;
    Ok(report)
}

/// Makes a backup the database of a data directory that no server uses. The database gets a new incarnation: devices
/// that know more than the backup has are told so.
pub fn restore(
    from: &Path,
    data_dir: &Path,
    existing: &Existing,
    entropy: &dyn Entropy,
) -> Result<BackupReport, Error> {
    if !from.exists() {
        return Err(Error::Unusable(format!("there is no {}", from.display())));
    }
    let _lock = DirectoryLock::take(data_dir)?;
    let database = database_path(data_dir);
    if database.exists() && *existing == Existing::Keep {
        return Err(Error::Unusable(format!(
            "{} is there already",
            database.display()
        )));
    }
    let part = beside(&database, "part");
    remove(&part)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let report = copy_to(&Connection::open_with_flags(from, flags)?, &part).and_then(|copy| {
        meta::put(&copy, meta::INCARNATION, new_incarnation(entropy))?;
        meta::put(&copy, meta::IS_CLEAN, 1)?;
        meta::stay(&copy)?;
        copy.execute(
            "UPDATE threads SET epoch = epoch + ?1",
            [epoch_step(entropy)],
        )?;
        let report = inspect(&copy, &database, &part)?;
        // Only now it is known that the backup is of use.
        if let Existing::Replace(to) = existing
            && database.exists()
        {
            set_aside(data_dir, to)?;
        }
        Ok(report)
    });
    if report.is_err() {
        remove(&part)?;
    }
    let report = report?;
    // What the old database has not copied from its log yet must not be found beside the new one.
    remove(&wal_path(data_dir))?;
    remove(&data_dir.join("semel.db-shm"))?;
    put_in_place(&part, &database)?;
    Ok(report)
}

fn set_aside(data_dir: &Path, to: &Path) -> Result<(), Error> {
    backup(data_dir, to).map(drop).map_err(|error| {
        Error::Unusable(format!(
            "the database that is there cannot be copied first ({}); move it away by hand, with its companions",
            error.chain()
        ))
    })
}

/// All pages in one go: the source is read from one snapshot, and writers go on meanwhile.
fn copy_to(source: &Connection, part: &Path) -> Result<Connection, Error> {
    make_private_file(part)?;
    let mut copy = Connection::open(part)?;
    Backup::new(source, &mut copy)?.step(-1)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "FULL")?;
    Ok(copy)
}

fn inspect(copy: &Connection, path: &Path, part: &Path) -> Result<BackupReport, Error> {
    migrate::check(copy)?;
    let damage: Vec<Finding> = check_connection(copy, &|_| {}, &|| false)?;
    if let Some(finding) = damage.first() {
        return Err(Error::Unusable(format!("the copy is not sound: {finding}")));
    }
    let entries = copy.query_row("SELECT count(*) FROM log", [], |row| row.get::<_, i64>(0))?;
    let incarnation = meta::get(copy, meta::INCARNATION)?
        .ok_or_else(|| Error::Unusable("the file is not one of our databases".to_owned()))?;
    let bytes = fs::metadata(part)
        .map_err(Error::io("look at", part))?
        .len();
    Ok(BackupReport {
        path: path.to_owned(),
        bytes,
        entries: entries as u64,
        incarnation,
    })
}

fn put_in_place(part: &Path, to: &Path) -> Result<(), Error> {
    File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("make durable", part))?;
    fs::rename(part, to).map_err(Error::io("rename to", to))?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(directory.unwrap_or_else(|| Path::new(".")))
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(extension);
    path.with_file_name(name)
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
