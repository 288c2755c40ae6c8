//! One end of a transfer, in a database of a server.

use std::{collections::HashMap, pin::pin};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use tokio_postgres::{
    Client, Statement,
    binary_copy::BinaryCopyInWriter,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    connect::{Address, Session},
    doctor::SETTINGS,
    leases::exclude_servers,
    meta,
    migrate::{self, STEPS},
};
use crate::{
    Error,
    transfer::{
        marker::{FILLING, Filling, LEAVING, not_empty},
        side::{Identity, PAGE_BYTES, PAGE_ROWS, Plan, Side},
        tables::{TABLES, Table},
        value::{Row, Value},
    },
};

/// Held while a database is read or filled. The number says "SEMT".
const LOCK: i64 = 0x5345_4d54;
/// An earlier attempt that was killed may still be ending at the server.
const LOCK_SQL: &str = "SET lock_timeout = '10s'; SELECT pg_advisory_lock(";

/// One end of a transfer.
pub(crate) struct End {
    session: Session,
    selects: HashMap<(&'static str, bool), Statement>,
    /// How rows of the table that is being filled are copied, with their types.
    copy: Option<(&'static str, String, Vec<Type>)>,
}

impl End {
    /// A database that is full, and that no server uses.
    pub(crate) async fn source(address: &Address) -> Result<Self, Error> {
        let end = Self::open(address).await?;
        match migrate::check(end.client()).await? {
            0 => Err(Error::Unusable(
                "it is empty: no server has used it yet".to_owned(),
            )),
            version if version == STEPS.len() as i64 => Ok(end),
            _ => {
                let text = "it has another version: start its servers once with this program";
                Err(Error::Unusable(text.to_owned()))
            }
        }
    }

    /// A database that is empty, or half filled.
    pub(crate) async fn target(address: &Address) -> Result<Self, Error> {
        let mut end = Self::open(address).await?;
        migrate::migrate(end.session.client_mut()).await?;
        Ok(end)
    }

    async fn open(address: &Address) -> Result<Self, Error> {
        let session = Session::open(address, "transfer").await?;
        session.client().batch_execute(SETTINGS).await?;
        let lock = format!("{LOCK_SQL}{LOCK}); SET lock_timeout = '8s'");
        session
            .client()
            .batch_execute(&lock)
            .await
            .map_err(in_use)?;
        Ok(Self {
            session,
            selects: HashMap::new(),
            copy: None,
        })
    }

    fn client(&self) -> &Client {
        self.session.client()
    }

    async fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let bytes = meta::get(self.client(), key).await?;
        let wrong = |_| Error::Corrupt(format!("meta.{key} cannot be read"));
        bytes
            .map(|bytes| String::from_utf8(bytes).map_err(wrong))
            .transpose()
    }

    /// The statement for a page, made ready once.
    async fn select(&mut self, plan: &Plan, after: Option<&Row>) -> Result<Statement, Error> {
        let name = (plan.table.name, after.is_some());
        if let Some(statement) = self.selects.get(&name) {
            return Ok(statement.clone());
        }
        let key: Vec<String> = plan
            .table
            .key
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let types = format!("SELECT {} FROM \"{}\"", key.join(", "), plan.table.name);
        let types = self.client().prepare(&types).await?;
        // In the order of bytes, whatever the database's own is: the other end must have the same.
        let key: Vec<String> = key
            .iter()
            .zip(types.columns())
            .map(|(name, column)| match *column.type_() {
                Type::TEXT => format!("{name} COLLATE \"C\""),
                _ => name.clone(),
            })
            .collect();
        let (key, columns) = (key.join(", "), list(&plan.columns));
        let places: Vec<String> = (1..=plan.table.key.len())
            .map(|n| format!("${n}"))
            .collect();
        let after = after.map_or_else(String::new, |_| {
            format!("WHERE ({key}) > ({})", places.join(", "))
        });
        let sql = format!(
            "SELECT {columns} FROM \"{}\" {after} ORDER BY {key} LIMIT {PAGE_ROWS}",
            plan.table.name
        );
        let statement = self.client().prepare(&sql).await?;
        self.selects.insert(name, statement.clone());
        Ok(statement)
    }

    /// How rows are copied into a table.
    async fn copy(&mut self, plan: &Plan) -> Result<(String, Vec<Type>), Error> {
        if let Some((table, sql, types)) = &self.copy
            && *table == plan.table.name
        {
            return Ok((sql.clone(), types.clone()));
        }
        let (table, columns) = (plan.table.name, list(&plan.columns));
        let select = format!("SELECT {columns} FROM \"{table}\"");
        let select = self.client().prepare(&select).await?;
        let types = select.columns().iter().map(|column| column.type_().clone());
        let types: Vec<Type> = types.collect();
        let sql = format!("COPY \"{table}\" ({columns}) FROM STDIN BINARY");
        self.copy = Some((table, sql.clone(), types.clone()));
        Ok((sql, types))
    }
}

fn in_use(error: tokio_postgres::Error) -> Error {
    if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
        let text = "another `semel transfer` uses the database, or it is named as both the source and the target";
        return Error::Unusable(text.to_owned());
    }
    error.into()
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

/// Notes how far it is, if it was as far as is said.
async fn note(
    transaction: &tokio_postgres::Transaction<'_>,
    before: &Filling,
    after: &Filling,
) -> Result<(), Error> {
    let note = "UPDATE meta SET value = $1 WHERE key = $2 AND value = $3";
    let (before, after) = (before.encode()?, after.encode()?);
    match transaction
        .execute(note, &[&after, &FILLING, &before])
        .await?
    {
        1 => Ok(()),
        _ => Err(Error::Conflict("something else fills the target")),
    }
}

#[async_trait]
impl Side for End {
    async fn identity(&mut self) -> Result<Option<Identity>, Error> {
        let incarnation = self.text(meta::INCARNATION).await?;
        let content_key = meta::get(self.client(), meta::CONTENT_KEY).await?;
        Ok(incarnation
            .zip(content_key)
            .map(|(incarnation, content_key)| Identity {
                incarnation,
                content_key,
            }))
    }

    async fn filling(&mut self) -> Result<Option<Filling>, Error> {
        let bytes = meta::get(self.client(), FILLING).await?;
        bytes.map(|bytes| Filling::decode(&bytes)).transpose()
    }

    async fn leaving(&mut self) -> Result<Option<String>, Error> {
        self.text(LEAVING).await
    }

    async fn leave(&mut self, id: &str) -> Result<(), Error> {
        let transaction = self.session.client_mut().transaction().await?;
        exclude_servers(&transaction).await?;
        meta::put(&transaction, LEAVING, id.as_bytes()).await?;
        Ok(transaction.commit().await?)
    }

    /// One transaction until the end. A server writes nothing without renewing its lease, and waits for this one to do that.
    async fn hold(&mut self) -> Result<(), Error> {
        let transaction = self.session.client_mut().transaction().await?;
        exclude_servers(&transaction).await?;
        transaction.commit().await?;
        // The lock comes before the snapshot, which the first question makes.
        let hold = "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE leases IN SHARE MODE";
        self.client().batch_execute(hold).await?;
        let leases = "SELECT count(*) FROM leases";
        if self.client().query_one(leases, &[]).await?.get::<_, i64>(0) > 0 {
            let text = "a server has just started to use the database: stop it";
            return Err(Error::Unusable(text.to_owned()));
        }
        Ok(())
    }

    async fn columns(&mut self, table: &Table) -> Result<Vec<String>, Error> {
        let select = format!("SELECT * FROM \"{}\"", table.name);
        let statement = self.client().prepare(&select).await?;
        let names = statement.columns().iter();
        Ok(names.map(|column| column.name().to_owned()).collect())
    }

    async fn count(&mut self, table: &Table) -> Result<u64, Error> {
        let count = format!("SELECT count(*) FROM \"{}\"", table.name);
        let count: i64 = self.client().query_one(&count, &[]).await?.get(0);
        Ok(count as u64)
    }

    async fn page(&mut self, plan: &Plan, after: Option<&Row>) -> Result<Vec<Row>, Error> {
        let select = self.select(plan, after).await?;
        let values = after.into_iter().flatten();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.map(|value| value as &(dyn ToSql + Sync)).collect();
        let mut found = pin!(self.client().query_raw(&select, values).await?);
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(row) = found.try_next().await? {
            let read = |at| Ok::<_, Error>(row.try_get::<_, Value>(at)?);
            let row: Row = (0..plan.columns.len())
                .map(read)
                .collect::<Result<_, _>>()?;
            bytes += row.iter().map(Value::bytes).sum::<usize>();
            rows.push(row);
            if bytes >= PAGE_BYTES {
                break;
            }
        }
        Ok(rows)
    }

    async fn begin(&mut self, identity: &Identity, filling: &Filling) -> Result<(), Error> {
        let transaction = self.session.client_mut().transaction().await?;
        // Of two who give it an identity, one fails: a server may be starting.
        let add = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
        let incarnation = identity.incarnation.as_bytes();
        let values: [(&str, &[u8]); 3] = [
            (meta::INCARNATION, incarnation),
            (meta::CONTENT_KEY, &identity.content_key),
            (FILLING, &filling.encode()?),
        ];
        for (key, value) in values {
            if transaction.execute(add, &[&key, &value]).await? == 0 {
                return Err(not_empty());
            }
        }
        let rows = "SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM threads)";
        if transaction.query_one(rows, &[]).await?.get(0) {
            return Err(not_empty());
        }
        Ok(transaction.commit().await?)
    }

    async fn put(
        &mut self,
        plan: &Plan,
        rows: &[Row],
        before: &Filling,
        after: &Filling,
    ) -> Result<(), Error> {
        let (sql, types) = self.copy(plan).await?;
        let transaction = self.session.client_mut().transaction().await?;
        note(&transaction, before, after).await?;
        let sink = transaction.copy_in(&sql).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for row in rows {
            let values: Vec<&(dyn ToSql + Sync)> = row
                .iter()
                .map(|value| value as &(dyn ToSql + Sync))
                .collect();
            writer.as_mut().write(&values).await?;
        }
        if writer.finish().await? != rows.len() as u64 {
            return Err(Error::Corrupt(
                "the target did not take all rows".to_owned(),
            ));
        }
        Ok(transaction.commit().await?)
    }

    async fn finish(&mut self, filling: &Filling) -> Result<(), Error> {
        // Servers that start at once need to know how large the tables are.
        for table in TABLES {
            let analyze = format!("ANALYZE \"{}\"", table.name);
            self.client().batch_execute(&analyze).await?;
        }
        let transaction = self.session.client_mut().transaction().await?;
        note(&transaction, filling, filling).await?;
        transaction
            .execute("DELETE FROM meta WHERE key = $1", &[&FILLING])
            .await?;
        Ok(transaction.commit().await?)
    }
}
