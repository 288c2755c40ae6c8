//! Keys of stored answers.

use rusqlite::{Connection, params};
use semel_core::{Key, Rows, row::AnswerRow, rows::List};
use semel_protocol::{MessageId, Timestamp, UserId};

use super::{
    codec::{Columns, decode_ids},
    load::{all, one},
};
use crate::Error;

pub(super) fn answer(
    connection: &Connection,
    who: &UserId,
    key: &str,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT fingerprint, status, body, location, created_at, message_ids FROM answers
         WHERE user_id = ?1 AND key = ?2",
    )?;
    let row = one(&mut select, params![who.as_str(), key], |row| {
        Ok(AnswerRow {
            fingerprint: row.array(0)?,
            status: row.get(1)?,
            body: row.get(2)?,
            location: row.get(3)?,
            created_at: Timestamp(row.get(4)?),
            message_ids: decode_ids(row.bytes(5)?)?,
        })
    })?;
    rows.answers.load((who.clone(), key.to_owned()), row);
    Ok(())
}

/// Brings the answers along: who asks wants to change them.
pub(super) fn naming(connection: &Connection, id: MessageId, rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT user_id, key FROM answer_messages WHERE message_id = ?1 ORDER BY user_id, key",
    )?;
    let keys = all(&mut select, params![id.0.as_bytes()], |row| {
        Ok((row.user(0)?, row.text(1)?.to_owned()))
    })?;
    for (who, key) in &keys {
        answer(connection, who, key, rows)?;
    }
    rows.lists
        .insert(Key::AnswersNaming(id), List::Answers(keys));
    Ok(())
}

pub(super) fn before(
    connection: &Connection,
    time: Timestamp,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT user_id, key FROM answers WHERE created_at < ?1 ORDER BY created_at, id LIMIT ?2",
    )?;
    let keys = all(&mut select, params![time.0, limit as i64], |row| {
        Ok((row.user(0)?, row.text(1)?.to_owned()))
    })?;
    rows.lists
        .insert(Key::AnswersBefore(time, limit), List::Answers(keys));
    Ok(())
}

pub(super) fn of(
    connection: &Connection,
    who: &UserId,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached("SELECT key FROM answers WHERE user_id = ?1 ORDER BY key LIMIT ?2")?;
    let keys = all(&mut select, params![who.as_str(), limit as i64], |row| {
        Ok((who.clone(), row.text(0)?.to_owned()))
    })?;
    rows.lists
        .insert(Key::AnswersOf(who.clone(), limit), List::Answers(keys));
    Ok(())
}
