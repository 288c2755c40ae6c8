//! Brings a database to the schema that this program knows. See `migrations/README.md`.

use rusqlite::Connection;

use super::meta;
use crate::Error;

/// Says that a file is one of ours: "SEML".
pub(super) const APPLICATION_ID: i64 = 0x5345_4d4c;

/// Every step, in order; the first has number 1.
pub(crate) const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../migrations/sqlite/0002_sign_in.sql"),
    include_str!("../../migrations/sqlite/0003_finding_people.sql"),
    include_str!("../../migrations/sqlite/0004_apart.sql"),
    include_str!("../../migrations/sqlite/0005_groups.sql"),
    include_str!("../../migrations/sqlite/0006_operators.sql"),
    include_str!("../../migrations/sqlite/0007_transaction_numbers.sql"),
    include_str!("../../migrations/sqlite/0008_reports.sql"),
    include_str!("../../migrations/sqlite/0009_erasure.sql"),
    include_str!("../../migrations/sqlite/0010_invites.sql"),
    include_str!("../../migrations/sqlite/0011_pictures.sql"),
    include_str!("../../migrations/sqlite/0012_pictures_of_people.sql"),
    include_str!("../../migrations/sqlite/0013_handles_of_people.sql"),
    include_str!("../../migrations/sqlite/0014_tellings.sql"),
];

/// The smallest version that a program must know to open a database with all of [`STEPS`].
const OLDEST_COMPATIBLE: i64 = 14;

/// Takes the steps that the database has not taken yet, each in a transaction of its own.
pub(super) fn migrate(connection: &Connection) -> Result<(), Error> {
    let version = check(connection)?;
    for (number, step) in (1..).zip(STEPS).skip(version as usize) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let taken = take(connection, number, step);
        if taken.is_err() && !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
        taken?;
        tracing::info!(number, "migrated the database");
    }
    Ok(())
}

/// The version of a database that this program may open; 0 for an empty one.
pub(super) fn check(connection: &Connection) -> Result<i64, Error> {
    let version: i64 = pragma(connection, "user_version")?;
    let application: i64 = pragma(connection, "application_id")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && version == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(Error::Unusable(
            "the database file is not one of ours".to_owned(),
        ));
    }
    let known = STEPS.len() as i64;
    if version > known {
        let oldest = meta::number(connection, "oldest_compatible")?.unwrap_or(i64::MAX);
        if oldest > known {
            return Err(Error::Unusable(format!(
                "the database has version {version} and needs a program that knows at least version {oldest}; this \
                 one knows {known}: start the newer program again, or restore a backup"
            )));
        }
    }
    Ok(version)
}

fn take(connection: &Connection, number: i64, step: &str) -> Result<(), Error> {
    connection.execute_batch(step)?;
    meta::put(
        connection,
        "oldest_compatible",
        OLDEST_COMPATIBLE.min(number),
    )?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", number)?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// The value of a pragma.
pub(super) fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> Result<T, Error> {
    Ok(connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?)
}
