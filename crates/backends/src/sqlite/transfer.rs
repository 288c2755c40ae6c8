//! One end of a transfer, in a file.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use tokio::task::block_in_place;

use super::{
    meta,
    migrate::{self, STEPS},
    open::{DirectoryLock, Use, connect, database_path, make_private_file, sync_directory},
};
use crate::{
    Error,
    transfer::{
        marker::{FILLING, Filling, LEAVING, not_empty},
        side::{Identity, PAGE_BYTES, PAGE_ROWS, Plan, Side},
        tables::Table,
        value::{Row, Value},
    },
};

/// Pages of the write-ahead log after which it is copied back: `SQLite`'s own default.
const CHECKPOINT_PAGES: i64 = 1_000;

/// One end of a transfer. Its directory is held as a server holds it.
pub(crate) struct End {
    connection: Connection,
    _lock: DirectoryLock,
}

impl End {
    /// A database that is there.
    pub(crate) fn source(directory: &Path) -> Result<Self, Error> {
        if !database_path(directory).exists() {
            return Err(Error::Unusable(format!(
                "there is no database in {}",
                directory.display()
            )));
        }
        let end = Self::open(directory)?;
        if migrate::check(&end.connection)? != STEPS.len() as i64 {
            let text = "it has another version: start its server once with this program";
            return Err(Error::Unusable(text.to_owned()));
        }
        Ok(end)
    }

    /// A database that is made if it is not there.
    pub(crate) fn target(directory: &Path) -> Result<Self, Error> {
        let end = Self::open(directory)?;
        migrate::migrate(&end.connection)?;
        sync_directory(directory)?;
        Ok(end)
    }

    fn open(directory: &Path) -> Result<Self, Error> {
        let lock = DirectoryLock::take(directory)?;
        let path = database_path(directory);
        make_private_file(&path)?;
        let connection = connect(&path, Use::Writer)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Ok(Self {
            connection,
            _lock: lock,
        })
    }

    /// Does it all or nothing.
    fn at_once<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let transaction = self.connection.unchecked_transaction()?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

fn select(plan: &Plan, after: Option<&Row>) -> String {
    let (columns, key) = (list(&plan.columns), list(plan.table.key));
    let table = plan.table.name;
    let places: Vec<String> = (1..=plan.table.key.len())
        .map(|n| format!("?{n}"))
        .collect();
    let after = after.map_or_else(String::new, |_| {
        format!("WHERE ({key}) > ({})", places.join(", "))
    });
    format!("SELECT {columns} FROM \"{table}\" {after} ORDER BY {key} LIMIT {PAGE_ROWS}")
}

fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("\"{}\"", name.as_ref()))
        .collect();
    names.join(", ")
}

fn page(connection: &Connection, plan: &Plan, after: Option<&Row>) -> Result<Vec<Row>, Error> {
    let mut select = connection.prepare_cached(&select(plan, after))?;
    let mut found = select.query(params_from_iter(after.into_iter().flatten()))?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let read = |at| Value::of_sqlite(row.get_ref(at)?);
        let row: Row = (0..plan.columns.len())
            .map(read)
            .collect::<Result<_, Error>>()?;
        bytes += row.iter().map(Value::bytes).sum::<usize>();
        rows.push(row);
        if bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(rows)
}

fn put(connection: &Connection, plan: &Plan, rows: &[Row]) -> Result<(), Error> {
    let places: Vec<String> = (1..=plan.columns.len()).map(|n| format!("?{n}")).collect();
    let insert = format!(
        "INSERT INTO \"{}\" ({}) VALUES ({})",
        plan.table.name,
        list(&plan.columns),
        places.join(", ")
    );
    let mut insert = connection.prepare_cached(&insert)?;
    for row in rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// Notes how far it is, if it was as far as is said.
fn note(connection: &Connection, before: &Filling, after: &Filling) -> Result<(), Error> {
    let note = "UPDATE meta SET value = ?1 WHERE key = ?2 AND value = ?3";
    let values = (after.encode()?, FILLING, before.encode()?);
    match connection.execute(note, values)? {
        1 => Ok(()),
        _ => Err(Error::Conflict("something else fills the target")),
    }
}

#[async_trait]
impl Side for End {
    async fn identity(&mut self) -> Result<Option<Identity>, Error> {
        let incarnation: Option<String> = meta::get(&self.connection, meta::INCARNATION)?;
        let content_key: Option<Vec<u8>> = meta::get(&self.connection, meta::CONTENT_KEY)?;
        Ok(incarnation
            .zip(content_key)
            .map(|(incarnation, content_key)| Identity {
                incarnation,
                content_key,
            }))
    }

    async fn filling(&mut self) -> Result<Option<Filling>, Error> {
        let bytes: Option<Vec<u8>> = meta::get(&self.connection, FILLING)?;
        bytes.map(|bytes| Filling::decode(&bytes)).transpose()
    }

    async fn leaving(&mut self) -> Result<Option<String>, Error> {
        meta::get(&self.connection, LEAVING)
    }

    async fn leave(&mut self, id: &str) -> Result<(), Error> {
        meta::put(&self.connection, LEAVING, id)
    }

    /// The directory is held already.
    async fn hold(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Without numbers of rows, which only this engine has.
    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, Error> {
        let columns = "SELECT name, pk = 1 AND type = 'INTEGER' FROM pragma_table_info(?1)";
        let mut select = self.connection.prepare(columns)?;
        let found = select.query_map([table.name], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?))
        })?;
        let mut names = Vec::new();
        for column in found {
            let (name, is_number_of_row) = column?;
            if !is_number_of_row || table.key.contains(&name.as_str()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    async fn count(&mut self, table: &Table) -> Result<u64, Error> {
        let count = format!("SELECT count(*) FROM \"{}\"", table.name);
        let work = || {
            self.connection
                .query_row(&count, [], |row| row.get::<_, i64>(0))
        };
        Ok(block_in_place(work)? as u64)
    }

    async fn page(&mut self, plan: &Plan, after: Option<&Row>) -> Result<Vec<Row>, Error> {
        block_in_place(|| page(&self.connection, plan, after))
    }

    async fn begin(&mut self, identity: &Identity, filling: &Filling) -> Result<(), Error> {
        self.at_once(|connection| {
            let rows = "SELECT 1 FROM users UNION ALL SELECT 1 FROM threads LIMIT 1";
            let is_full = connection.query_row(rows, [], |_| Ok(())).optional()?;
            let incarnation: Option<String> = meta::get(connection, meta::INCARNATION)?;
            if is_full.is_some() || incarnation.is_some() {
                return Err(not_empty());
            }
            meta::put(connection, meta::INCARNATION, &identity.incarnation)?;
            meta::put(connection, meta::CONTENT_KEY, &identity.content_key)?;
            meta::put(connection, FILLING, filling.encode()?)
        })
    }

    async fn put(
        &mut self,
        plan: &Plan,
        rows: &[Row],
        before: &Filling,
        after: &Filling,
    ) -> Result<(), Error> {
        block_in_place(|| {
            self.at_once(|connection| {
                note(connection, before, after)?;
                put(connection, plan, rows)
            })
        })
    }

    async fn finish(&mut self, filling: &Filling) -> Result<(), Error> {
        self.at_once(|connection| {
            note(connection, filling, filling)?;
            meta::put(connection, meta::IS_CLEAN, 1)?;
            connection.execute("DELETE FROM meta WHERE key = ?1", [FILLING])?;
            Ok(())
        })
    }
}
