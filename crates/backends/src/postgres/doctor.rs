//! Checks a database: its schema, and every rule that its rows must keep. The rules are in [`crate::doctor`].
//!
//! All of it is read from one snapshot, a page of threads at a time, so that it can run beside the work of servers and
//! needs little memory.

use std::pin::pin;

use futures_util::TryStreamExt;
use semel_protocol::limits::PAGE_ROWS_MAX;
use tokio_postgres::{Client, types::ToSql};
use uuid::Uuid;

use super::{
    codec::Columns,
    connect::{Address, Session},
    load_log::OF_THREADS,
    meta,
    migrate::{self, STEPS},
};
use crate::{
    Error, Progress, Tell,
    doctor::{
        ANSWERS, Finding, Findings, PEOPLE, POSITIONS, RULES, SCHEMA, THREADS, ThreadCheck, answer,
    },
    line::Line,
};

/// How the session is set: the check takes as long as it takes, and reads whole tables.
pub(super) const SETTINGS: &str = "SET statement_timeout = 0; SET enable_seqscan = on;
    SET idle_in_transaction_session_timeout = 0";
/// Tables, columns, indexes and constraints of a schema (`$1`), as they would be made, without the schema's name.
const OBJECTS: &str = "
    WITH own (oid, prefix) AS (SELECT oid, '\\m(pg_temp(_\\d+)?|' || nspname || ')\\.' FROM pg_namespace WHERE oid = $1)
    SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            l.collname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
    FROM own JOIN pg_class c ON c.relnamespace = own.oid AND c.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    UNION ALL
    SELECT 'index ' || c.relname, concat_ws(' ', regexp_replace(pg_get_indexdef(c.oid), own.prefix, '', 'g'),
            CASE WHEN NOT i.indisvalid THEN 'invalid' END)
    FROM own JOIN pg_class c ON c.relnamespace = own.oid JOIN pg_index i ON i.indexrelid = c.oid
    UNION ALL
    SELECT 'constraint ' || c.relname || '.' || k.conname,
        concat_ws(' ', regexp_replace(pg_get_constraintdef(k.oid), own.prefix, '', 'g'),
            CASE WHEN NOT k.convalidated THEN 'not valid' END)
    FROM own JOIN pg_class c ON c.relnamespace = own.oid JOIN pg_constraint k ON k.conrelid = c.oid
    ORDER BY 1";
/// Each foreign key: its table, and a statement that counts the rows that break it.
const FOREIGN_KEYS: &str = "
    SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, format(
        'SELECT count(*) FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s)', k.conrelid::regclass,
        string_agg(format('c.%I IS NOT NULL', a.attname), ' AND '), k.confrelid::regclass,
        string_agg(format('p.%I = c.%I', b.attname, a.attname), ' AND '))
    FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u (here, there)
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.here
    JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.there
    WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace
    GROUP BY k.oid, k.conrelid, k.confrelid ORDER BY 1, 2";

/// What a check came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is not as it should be. Nothing: the database is sound.
    pub findings: Vec<Finding>,
    /// What could not be looked at, or is worth knowing.
    pub notes: Vec<String>,
}

/// Checks a database, whether servers are using it or not. It changes nothing.
pub async fn doctor(address: &Address, tell: Tell<'_>) -> Result<Report, Error> {
    let mut session = Session::open(address, "doctor").await?;
    session.client().batch_execute(SETTINGS).await?;
    let version = migrate::check(session.client()).await?;
    if version == 0 {
        return Err(Error::Unusable(
            "the database is empty: no server has used it yet".to_owned(),
        ));
    }
    if version != STEPS.len() as i64 {
        return Err(Error::Unusable(
            "the database has another version: start the server once".to_owned(),
        ));
    }
    meta::refuse_half_filled(session.client()).await?;
    let (mut findings, mut notes) = (Findings::default(), Vec::new());
    tell(Progress::of("schema"));
    if let Err(why) = schema(session.client_mut(), &mut findings).await? {
        notes.push(why);
    }
    notes.extend(checksums(session.client()).await?);
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    session.client().batch_execute(snapshot).await?;
    rows(session.client(), tell, &mut findings).await?;
    session.client().batch_execute("ROLLBACK").await?;
    Ok(Report {
        findings: findings.into_list(),
        notes,
    })
}

/// What the steps make is what has to be there. They are taken as temporary tables, in a transaction that is undone; or it
/// is told why they cannot be.
async fn schema(client: &mut Client, findings: &mut Findings) -> Result<Result<(), String>, Error> {
    let transaction = client.transaction().await?;
    let right = "SELECT has_database_privilege(current_database(), 'TEMP')";
    if !transaction.query_one(right, &[]).await?.get::<_, bool>(0) {
        return Ok(Err(
            "the schema was not compared: this role may not make temporary tables".to_owned(),
        ));
    }
    let here: u32 = transaction
        .query_one("SELECT current_schema()::regnamespace::oid", &[])
        .await?
        .get(0);
    let found = objects(&transaction, here).await?;
    let temporary = "SET LOCAL search_path = pg_temp";
    transaction.batch_execute(temporary).await?;
    for step in STEPS {
        transaction.batch_execute(step).await?;
    }
    let there: u32 = transaction
        .query_one("SELECT pg_my_temp_schema()", &[])
        .await?
        .get(0);
    let wanted = objects(&transaction, there).await?;
    transaction.rollback().await?;
    for object in wanted {
        if !found.contains(&object) {
            findings.add(Finding {
                check: "schema",
                subject: object.0,
                detail: "missing or changed".to_owned(),
                advice: SCHEMA,
            });
        }
    }
    Ok(Ok(()))
}

async fn objects(
    transaction: &tokio_postgres::Transaction<'_>,
    schema: u32,
) -> Result<Vec<(String, String)>, Error> {
    let rows = transaction.query(OBJECTS, &[&schema]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Without checksums a page that the disk has changed is only found when its rows make no sense.
async fn checksums(client: &Client) -> Result<Option<String>, Error> {
    let setting = "SELECT current_setting('data_checksums')";
    let is_on = client.query_one(setting, &[]).await?.get::<_, &str>(0) == "on";
    let text = "the database server keeps no data checksums: `pg_amcheck --heapallindexed` finds damaged pages and \
                indexes, and `pg_checksums --enable` has the server find them by itself";
    Ok((!is_on).then(|| text.to_owned()))
}

/// Everything that is read from the one snapshot.
async fn rows(client: &Client, tell: Tell<'_>, findings: &mut Findings) -> Result<(), Error> {
    tell(Progress::of("foreign keys"));
    for row in client.query(FOREIGN_KEYS, &[]).await? {
        let (table, parent, sql): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let count: i64 = client.query_one(sql, &[]).await?.get(0);
        if count > 0 {
            let detail =
                format!("{count} of its rows refer to rows of {parent} that are not there");
            findings.report("foreign keys", format!("table {table}"), detail);
        }
    }
    for (done, rule) in RULES.iter().enumerate() {
        tell(Progress {
            what: "rules",
            done: done as u64,
            total: RULES.len() as u64,
        });
        let mut found = pin!(client.query_raw(rule.sql, NONE).await?);
        while let Some(row) = found.try_next().await? {
            findings.add(rule.finding(&row)?);
        }
    }
    threads(client, tell, findings).await?;
    tell(Progress::of("stored answers"));
    let mut found = pin!(client.query_raw(ANSWERS, NONE).await?);
    while let Some(row) = found.try_next().await? {
        answer(&row, findings)?;
    }
    Ok(())
}

/// No values for a statement.
const NONE: [&(dyn ToSql + Sync); 0] = [];

/// All threads, some at a time, in the order of their ids.
async fn threads(client: &Client, tell: Tell<'_>, findings: &mut Findings) -> Result<(), Error> {
    let count = "SELECT count(*) FROM threads";
    let total: i64 = client.query_one(count, &[]).await?.get(0);
    let page = format!("{THREADS} WHERE id > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    let first = format!("{THREADS} ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    let (mut done, mut last) = (0, None::<Uuid>);
    loop {
        tell(Progress {
            what: "threads",
            done,
            total: total as u64,
        });
        let found = match &last {
            None => client.query(&first, &[]).await?,
            Some(last) => client.query(&page, &[last]).await?,
        };
        let Some(end) = found.last() else {
            return Ok(());
        };
        last = Some(end.uuid(0)?);
        done += found.len() as u64;
        let mut checks = Vec::with_capacity(found.len());
        for row in &found {
            match ThreadCheck::begin(row) {
                Ok(check) => checks.push(check),
                Err(error) => {
                    findings.report("threads", format!("thread {}", row.uuid(0)?), error.chain());
                }
            }
        }
        some_threads(client, &mut checks).await?;
        for check in checks {
            check.finish(findings);
        }
    }
}

/// Gives some threads, in the order of their ids, what is stored of them.
async fn some_threads(client: &Client, checks: &mut [ThreadCheck]) -> Result<(), Error> {
    let ids: Vec<Uuid> = checks.iter().map(ThreadCheck::id).collect();
    let ids: &(dyn ToSql + Sync) = &ids;
    let find = |checks: &[ThreadCheck], id: Uuid| {
        let place = checks.binary_search_by_key(&id, ThreadCheck::id);
        place.map_err(|_| Error::Corrupt(format!("nobody asked for thread {id}")))
    };
    let people = format!("{PEOPLE} WHERE thread_id = ANY($1)");
    let mut found = pin!(client.query_raw(&people, [ids]).await?);
    while let Some(row) = found.try_next().await? {
        let at = find(checks, row.uuid(0)?)?;
        checks[at].person(&row);
    }
    let positions = format!("{POSITIONS} WHERE thread_id = ANY($1)");
    let mut found = pin!(client.query_raw(&positions, [ids]).await?);
    while let Some(row) = found.try_next().await? {
        let at = find(checks, row.uuid(0)?)?;
        checks[at].position(&row);
    }
    let mut found = pin!(client.query_raw(OF_THREADS, [ids]).await?);
    while let Some(row) = found.try_next().await? {
        let at = find(checks, row.uuid(0)?)?;
        checks[at].line(Line::read(&row))?;
    }
    Ok(())
}
