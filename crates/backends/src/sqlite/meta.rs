//! What is true of the database as a whole.

use rusqlite::{Connection, OptionalExtension, ToSql, params, types::FromSql};
use semel_core::ports::Entropy;

use crate::{
    Error,
    restore::new_incarnation,
    transfer::marker::{FILLING, LEAVING, half_filled, warn_of_leaving},
};

/// Names the database; another one after a restore.
pub(super) const INCARNATION: &str = "incarnation";
/// Secret of the content hashes.
pub(super) const CONTENT_KEY: &str = "content_key";
/// 1 after an orderly stop, 0 while a server is running.
pub(super) const IS_CLEAN: &str = "is_clean";
/// Written to find out whether the store takes writes again.
pub(super) const PROBE: &str = "probe";

/// What a database is born with.
pub(super) struct Identity {
    pub(super) incarnation: String,
    pub(super) content_key: [u8; 32],
}

/// Reads the identity, or gives one to a new database.
pub(super) fn identity(connection: &Connection, entropy: &dyn Entropy) -> Result<Identity, Error> {
    let incarnation: Option<String> = get(connection, INCARNATION)?;
    let content_key: Option<[u8; 32]> = get(connection, CONTENT_KEY)?;
    match (incarnation, content_key) {
        (Some(incarnation), Some(content_key)) => Ok(Identity {
            incarnation,
            content_key,
        }),
        (None, None) => {
            let mut content_key = [0; 32];
            content_key[..16].copy_from_slice(&entropy.seed().to_be_bytes());
            content_key[16..].copy_from_slice(&entropy.seed().to_be_bytes());
            let incarnation = new_incarnation(entropy);
            connection.execute_batch("BEGIN IMMEDIATE")?;
            put(connection, INCARNATION, &incarnation)?;
            put(connection, CONTENT_KEY, content_key)?;
            connection.execute_batch("COMMIT")?;
            Ok(Identity {
                incarnation,
                content_key,
            })
        }
        _ => Err(Error::Corrupt(
            "the database has half an identity".to_owned(),
        )),
    }
}

/// A database that is being filled is not opened.
pub(super) fn refuse_half_filled(connection: &Connection) -> Result<(), Error> {
    match get::<Vec<u8>>(connection, FILLING)? {
        Some(_) => Err(half_filled()),
        None => Ok(()),
    }
}

/// A server is going to write: what was moved from here is not all there is any more.
pub(super) fn stay(connection: &Connection) -> Result<(), Error> {
    if connection.execute("DELETE FROM meta WHERE key = ?1", [LEAVING])? > 0 {
        warn_of_leaving();
    }
    Ok(())
}

pub(super) fn get<T: FromSql>(connection: &Connection, key: &str) -> Result<Option<T>, Error> {
    let mut select = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(select.query_row([key], |row| row.get(0)).optional()?)
}

pub(super) fn number(connection: &Connection, key: &str) -> Result<Option<i64>, Error> {
    get(connection, key)
}

pub(super) fn put(connection: &Connection, key: &str, value: impl ToSql) -> Result<(), Error> {
    let mut put = connection.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?;
    put.execute(params![key, value])?;
    Ok(())
}
