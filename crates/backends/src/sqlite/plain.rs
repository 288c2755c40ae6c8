//! Plain rows: see [`crate::plain`].

use rusqlite::{
    Connection, OptionalExtension, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use semel_core::{Changes, Key, Rows, plain::PlainKey, rows::List};

use super::codec::corrupt;
use crate::{
    Error,
    plain::{self, Cell, Kind},
};

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn cells(row: &Row<'_>, columns: &[(&str, Kind)]) -> Result<Vec<Cell>, Error> {
    let cell = |at: usize| match row.get_ref(at)? {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(value) => Ok(Cell::Integer(value)),
        ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes.to_vec())),
        ValueRef::Text(bytes) => {
            let text = str::from_utf8(bytes).map_err(|_| corrupt("a text", "no UTF-8"))?;
            Ok(Cell::Text(text.to_owned()))
        }
        ValueRef::Real(_) => Err(corrupt("a column", "a fraction")),
    };
    (0..columns.len()).map(cell).collect()
}

/// Loads a row or a list.
pub(super) fn load(connection: &Connection, key: &PlainKey, rows: &mut Rows) -> Result<(), Error> {
    let Some((form, values)) = plain::place(key) else {
        let mut keys = Vec::new();
        for list in plain::list(key) {
            let sql = plain::select_keys(list.form, list.rest);
            let mut select = connection.prepare_cached(&sql)?;
            let mut found = select.query(params_from_iter(list.values))?;
            while let Some(row) = found.next()? {
                keys.push(plain::key_of(list.form, cells(row, list.form.keys)?)?);
            }
        }
        rows.lists
            .insert(Key::Plain(key.clone()), List::Plain(keys));
        return Ok(());
    };
    let mut select = connection.prepare_cached(&plain::select(form))?;
    let found = select
        .query_row(params_from_iter(values), |row| Ok(cells(row, form.columns)))
        .optional()?
        .transpose()?;
    plain::found(key, found, rows)
}

/// Stores what changed.
pub(super) fn store(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    for (form, key, columns) in plain::changed(changes) {
        if let Some(columns) = columns {
            let mut put = connection.prepare_cached(&plain::put(form))?;
            put.execute(params_from_iter(key.into_iter().chain(columns)))?;
        } else {
            let mut remove = connection.prepare_cached(&plain::remove(form))?;
            remove.execute(params_from_iter(key))?;
        }
    }
    Ok(())
}
