//! Checks a database: its pages, its schema, and every rule that its rows must keep. The rules are in [`crate::doctor`].
//!
//! Each check reads a snapshot of its own and lets it go, so that it can run beside the work of a server.

use std::{collections::BTreeSet, path::Path};

use rusqlite::{CachedStatement, Connection, InterruptHandle};
use uuid::Uuid;

use super::{
    codec::Columns,
    load::{all, one},
    load_log, meta,
    migrate::{self, STEPS},
    open::{Use, connect, database_path},
};
use crate::{
    Error, Progress, Tell,
    doctor::{
        ANSWERS, Finding, Findings, PEOPLE, POSITIONS, RESTORE, RULES, SCHEMA, THREADS,
        ThreadCheck, answer,
    },
};

/// Threads between two words on how far the check is.
const TELL_EVERY: usize = 64;

/// Checks the database of a data directory, whether a server is using it or not. Nothing found: it is sound.
pub fn doctor(data_dir: &Path, tell: Tell<'_>) -> Result<Vec<Finding>, Error> {
    check(data_dir, |_| {}, tell, &|| false)
}

/// The same, stopping when told to; the handle stops a long statement.
pub(super) fn check(
    data_dir: &Path,
    hand_out: impl FnOnce(InterruptHandle),
    tell: Tell<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Finding>, Error> {
    let path = database_path(data_dir);
    if !path.exists() {
        return Err(Error::Unusable(format!(
            "there is no database in {}",
            data_dir.display()
        )));
    }
    let connection = connect(&path, Use::Reader)?;
    hand_out(connection.get_interrupt_handle());
    check_connection(&connection, tell, is_stopped)
}

pub(super) fn check_connection(
    connection: &Connection,
    tell: Tell<'_>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Finding>, Error> {
    if migrate::check(connection)? != STEPS.len() as i64 {
        return Err(Error::Unusable(
            "the database has another version: start the server once".into(),
        ));
    }
    meta::refuse_half_filled(connection)?;
    let mut findings = Findings::default();
    tell(Progress::of("pages and schema"));
    pages(connection, &mut findings)?;
    schema(connection, &mut findings)?;
    foreign_keys(connection, &mut findings)?;
    for (done, rule) in RULES.iter().enumerate() {
        tell(Progress {
            what: "rules",
            done: done as u64,
            total: RULES.len() as u64,
        });
        // Ids are bytes in every table.
        let mut select = connection.prepare(&rule.sql.replace("uuid_send", ""))?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            findings.add(rule.finding(row)?);
        }
        if is_stopped() {
            return Err(stopped());
        }
    }
    let ids = thread_ids(connection)?;
    for (done, id) in ids.iter().enumerate() {
        if is_stopped() {
            return Err(stopped());
        }
        if done % TELL_EVERY == 0 {
            tell(Progress {
                what: "threads",
                done: done as u64,
                total: ids.len() as u64,
            });
        }
        connection.execute_batch("BEGIN")?;
        let checked = thread(connection, *id, &mut findings);
        connection.execute_batch("ROLLBACK")?;
        checked?;
    }
    tell(Progress::of("stored answers"));
    let mut select = connection.prepare(ANSWERS)?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        answer(row, &mut findings)?;
    }
    Ok(findings.into_list())
}

fn stopped() -> Error {
    Error::Unusable("the check was stopped".to_owned())
}

/// Table by table: a check of everything at once would hold one snapshot for very long.
fn pages(connection: &Connection, findings: &mut Findings) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    for table in all(&mut select, [], |row| Ok(row.text(0)?.to_owned()))? {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check('{table}')"))?;
        let mut found = check.query([])?;
        while let Some(row) = found.next()? {
            let detail: String = row.get(0)?;
            if detail != "ok" {
                let subject = format!("table {table}");
                findings.add(Finding {
                    check: "pages",
                    subject,
                    detail,
                    advice: RESTORE,
                });
            }
        }
    }
    Ok(())
}

/// What the steps make is what has to be there.
fn schema(connection: &Connection, findings: &mut Findings) -> Result<(), Error> {
    let wanted = Connection::open_in_memory()?;
    STEPS
        .iter()
        .try_for_each(|step| wanted.execute_batch(step))?;
    let (wanted, found) = (objects(&wanted)?, objects(connection)?);
    for (name, sql) in &wanted {
        if !found.contains(&(name.clone(), sql.clone())) {
            let detail = "missing or changed".to_owned();
            findings.add(Finding {
                check: "schema",
                subject: name.clone(),
                detail,
                advice: SCHEMA,
            });
        }
    }
    Ok(())
}

fn objects(connection: &Connection) -> Result<BTreeSet<(String, String)>, Error> {
    let mut select = connection
        .prepare_cached("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema")?;
    let list = all(&mut select, [], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))
    })?;
    Ok(list.into_iter().collect())
}

fn foreign_keys(connection: &Connection, findings: &mut Findings) -> Result<(), Error> {
    let mut select = connection.prepare_cached("PRAGMA foreign_key_check")?;
    for (table, parent) in all(&mut select, [], |row| {
        Ok((row.text(0)?.to_owned(), row.text(2)?.to_owned()))
    })? {
        let detail = format!("a row refers to one of {parent} that is not there");
        findings.report("foreign keys", format!("table {table}"), detail);
    }
    Ok(())
}

fn thread_ids(connection: &Connection) -> Result<Vec<Uuid>, Error> {
    let mut select = connection.prepare_cached("SELECT id FROM threads")?;
    all(&mut select, [], |row| row.uuid(0))
}

/// One thread, in the caller's snapshot.
fn thread(connection: &Connection, id: Uuid, findings: &mut Findings) -> Result<(), Error> {
    let found = select_of(connection, THREADS, "id")
        .and_then(|mut select| one(&mut select, [id.as_bytes()], |row| ThreadCheck::begin(row)));
    let mut check = match found {
        Ok(Some(check)) => check,
        // A server may be at work beside this.
        Ok(None) => return Ok(()),
        Err(Error::Corrupt(what)) => {
            findings.report("threads", format!("thread {id}"), what);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let mut select = select_of(connection, PEOPLE, "thread_id")?;
    let mut found = select.query([id.as_bytes()])?;
    while let Some(row) = found.next()? {
        check.person(row);
    }
    let mut select = select_of(connection, POSITIONS, "thread_id")?;
    let mut found = select.query([id.as_bytes()])?;
    while let Some(row) = found.next()? {
        check.position(row);
    }
    load_log::walk(connection, id, |line| check.line(line))?;
    check.finish(findings);
    Ok(())
}

fn select_of<'a>(
    connection: &'a Connection,
    select: &str,
    column: &str,
) -> Result<CachedStatement<'a>, Error> {
    Ok(connection.prepare_cached(&format!("{select} WHERE {column} = ?1"))?)
}
