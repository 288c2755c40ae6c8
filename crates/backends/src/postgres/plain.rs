//! Plain rows: see [`crate::plain`]. Each is locked by a number, there or not, before it is read for a batch.

use std::sync::LazyLock;

use bytes::BytesMut;
use futures_util::future::{BoxFuture, try_join_all};
use semel_core::{Changes, plain::PlainKey};
use sha2::{Digest, Sha256};
use tokio_postgres::{
    Row,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{codec::MoreColumns, connect::Session, locks::number};
use crate::{
    Error,
    plain::{self, Cell, Form, Kind},
};

/// Statements of one table.
struct Statements {
    table: &'static str,
    select: String,
    put: String,
    remove: String,
}

static STATEMENTS: LazyLock<Vec<Statements>> = LazyLock::new(|| {
    let of = |form: &&'static Form| Statements {
        table: form.table,
        select: plain::select(form),
        put: plain::put(form),
        remove: plain::remove(form),
    };
    plain::FORMS.iter().map(of).collect()
});

static LISTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lists = plain::LISTS.iter();
    lists
        .map(|(form, rest)| plain::select_keys(form, rest))
        .collect()
});

/// All of them, to be made ready.
pub(super) fn statements() -> impl Iterator<Item = &'static str> {
    let of_rows = STATEMENTS
        .iter()
        .flat_map(|it| [&it.select, &it.put, &it.remove]);
    of_rows.chain(LISTS.iter()).map(String::as_str)
}

fn of(form: &Form) -> &'static Statements {
    let found = STATEMENTS.iter().find(|it| it.table == form.table);
    found.expect("every table has its statements")
}

impl ToSql for Cell {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) => value.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

fn cells(row: &Row, columns: &[(&str, Kind)]) -> Result<Vec<Cell>, Error> {
    let cell = |(at, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Integer => row.get_as::<Option<i64>>(at)?.into(),
            Kind::Text => row.get_as::<Option<&str>>(at)?.into(),
            Kind::Bytes => row.get_as::<Option<&[u8]>>(at)?.into(),
        })
    };
    columns.iter().enumerate().map(cell).collect()
}

fn values(cells: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    cells.iter().map(|cell| cell as _).collect()
}

/// The number that stands for a row while a batch is at work on it.
pub(super) fn lock_number(key: &PlainKey) -> Option<i64> {
    let (form, cells) = plain::place(key)?;
    let mut digest = Sha256::new();
    digest.update(format!("row {} {cells:?}", form.table));
    Some(number(&digest.finalize().into()))
}

/// A row that was looked for.
pub(super) type FoundRow = (PlainKey, Option<Vec<Cell>>);

/// Reads rows.
pub(super) async fn fetch(
    session: &Session,
    keys: impl Iterator<Item = &PlainKey>,
) -> Result<Vec<FoundRow>, Error> {
    let rows = keys.filter_map(|key| Some((key, plain::place(key)?)));
    let read = rows.map(|(key, (form, place))| async move {
        let statement = session.statement(&of(form).select);
        let found = session.client().query(statement, &values(&place)).await?;
        let cells = found.first().map(|row| cells(row, form.columns));
        Ok::<_, Error>((key.clone(), cells.transpose()?))
    });
    try_join_all(read).await
}

/// Reads a list of keys.
pub(super) async fn fetch_list(session: &Session, key: &PlainKey) -> Result<Vec<PlainKey>, Error> {
    let mut keys = Vec::new();
    for list in plain::list(key) {
        let sql = plain::select_keys(list.form, list.rest);
        let known = LISTS.iter().find(|known| **known == sql);
        let statement = session.statement(known.expect("every list is known"));
        let found = session
            .client()
            .query(statement, &values(&list.values))
            .await?;
        for row in &found {
            keys.push(plain::key_of(list.form, cells(row, list.form.keys)?)?);
        }
    }
    Ok(keys)
}

/// Stores what changed.
pub(super) fn store<'a>(
    session: &'a Session,
    changes: &Changes,
    writing: &mut Vec<BoxFuture<'a, Result<(), Error>>>,
) {
    for (form, mut cells, columns) in plain::changed(changes) {
        let sql: &'static str = match columns {
            Some(columns) => {
                cells.extend(columns);
                &of(form).put
            }
            None => &of(form).remove,
        };
        writing.push(Box::pin(async move {
            let statement = session.statement(sql);
            session.client().execute(statement, &values(&cells)).await?;
            Ok(())
        }));
    }
}
