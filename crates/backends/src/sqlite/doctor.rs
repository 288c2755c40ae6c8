//! Checks a database: its pages, its schema, and every rule that its rows must keep.
//!
//! Each check reads a snapshot of its own and lets it go, so that it can run beside the work of a server.

use std::{collections::BTreeSet, fmt, path::Path};

use rusqlite::{Connection, InterruptHandle};
use semel_core::{chain::Chain, participants_key::ParticipantsKey};
use semel_protocol::{ThreadId, UserId, limits::KEYED_PARTICIPANTS_MAX, thread::ThreadType};

use super::{
    codec::{Columns, Named, decode_ids, decode_periods},
    load::{all, one},
    load_log,
    migrate::{self, STEPS},
    open::{Use, connect, database_path},
};
use crate::{Error, line::Line};

/// Findings of one check that are told; more of the same say no more.
const FINDINGS_PER_CHECK_MAX: usize = 100;

const RESTORE: &str =
    "stop the server, keep a copy of the data directory, and restore the newest backup";
const REPORT: &str =
    "keep a copy of the data directory and report it: the rules should make this impossible";

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// On what: a table, a thread, a person.
    pub subject: String,
    /// What is wrong.
    pub detail: String,
    /// What to do.
    pub advice: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}: {} ({})",
            self.check, self.subject, self.detail, self.advice
        )
    }
}

/// Checks the database of a data directory, whether a server is using it or not. Nothing found: it is sound.
pub fn doctor(data_dir: &Path) -> Result<Vec<Finding>, Error> {
    check(data_dir, |_| {}, &|| false)
}

/// The same, stopping when told to; the handle stops a long statement.
pub(super) fn check(
    data_dir: &Path,
    hand_out: impl FnOnce(InterruptHandle),
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
    check_connection(&connection, is_stopped)
}

pub(super) fn check_connection(
    connection: &Connection,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Vec<Finding>, Error> {
    if migrate::check(connection)? != STEPS.len() as i64 {
        return Err(Error::Unusable(
            "the database has another version: start the server once".into(),
        ));
    }
    let mut findings = Vec::new();
    pages(connection, &mut findings)?;
    schema(connection, &mut findings)?;
    foreign_keys(connection, &mut findings)?;
    for (check, advice, sql) in RULES {
        let mut select = connection.prepare(sql)?;
        let mut found = select.query([])?;
        let mut count = 0;
        while let Some(row) = found.next()? {
            count += 1;
            if count > FINDINGS_PER_CHECK_MAX {
                break;
            }
            let (subject, detail) = (row.get(0)?, row.get(1)?);
            findings.push(Finding {
                check,
                subject,
                detail,
                advice,
            });
        }
        if is_stopped() {
            return Err(stopped());
        }
    }
    for id in thread_ids(connection)? {
        if is_stopped() {
            return Err(stopped());
        }
        connection.execute_batch("BEGIN")?;
        let checked = log_of(connection, id, &mut findings)
            .and_then(|()| people_of(connection, id, &mut findings));
        connection.execute_batch("ROLLBACK")?;
        checked?;
    }
    answers(connection, &mut findings)?;
    Ok(findings)
}

fn stopped() -> Error {
    Error::Unusable("the check was stopped".to_owned())
}

/// Rules that one statement can check: each row is a finding, its subject and its detail.
const RULES: &[(&str, &str, &str)] = &[
    (
        "orphans",
        REPORT,
        "SELECT 'thread ' || lower(hex(thread_id)), 'a log without a thread'
         FROM (SELECT DISTINCT thread_id FROM log) WHERE thread_id NOT IN (SELECT id FROM threads)",
    ),
    (
        "orphans",
        REPORT,
        "SELECT 'thread ' || lower(hex(id)), 'a thread without a log'
         FROM threads WHERE NOT EXISTS (SELECT 1 FROM log WHERE thread_id = threads.id)",
    ),
    (
        "orphans",
        REPORT,
        "SELECT 'thread ' || lower(hex(thread_id)), 'a position of ' || user_id || ', who was never in it'
         FROM positions
         WHERE NOT EXISTS (SELECT 1 FROM participants WHERE participants.thread_id = positions.thread_id
             AND participants.user_id = positions.user_id)",
    ),
    (
        "participants keys",
        REPORT,
        "SELECT 'thread ' || lower(hex(id)), 'its participants key belongs to another thread, or to none'
         FROM threads WHERE participants_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM participants_keys
             WHERE participants_keys.participants_key = threads.participants_key AND thread_id = id)",
    ),
    (
        "participants keys",
        REPORT,
        "SELECT 'thread ' || lower(hex(thread_id)), 'it is registered under a key that it does not have'
         FROM participants_keys JOIN threads ON id = thread_id
         WHERE threads.participants_key IS NOT participants_keys.participants_key",
    ),
    (
        "client ids",
        REPORT,
        "SELECT 'thread ' || lower(hex(thread_id)), 'message ' || seq || ' is not found by its client id'
         FROM log WHERE client_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM client_ids
             WHERE client_ids.client_id = log.client_id AND sender_id = actor_id
             AND client_ids.thread_id = log.thread_id AND client_ids.seq = log.seq)",
    ),
    (
        "client ids",
        REPORT,
        // Each message is found by its client id, see above. So if there are as many of both, no client id is left over, and
        // only if not, they are compared.
        "WITH differ (it) AS MATERIALIZED (SELECT (SELECT count(*) FROM client_ids WHERE seq IS NOT NULL)
             <> (SELECT count(*) FROM log WHERE client_id IS NOT NULL))
         SELECT 'client id ' || lower(hex(client_id)), 'it names message ' || seq || ', which is not there'
         FROM (SELECT client_id, sender_id, thread_id, seq FROM client_ids
                 WHERE seq IS NOT NULL AND (SELECT it FROM differ)
             EXCEPT SELECT client_id, actor_id, thread_id, seq FROM log
                 WHERE client_id IS NOT NULL AND (SELECT it FROM differ))",
    ),
    (
        "client ids",
        REPORT,
        "SELECT 'client id ' || lower(hex(client_id)), 'it names a thread that is not there'
         FROM client_ids WHERE thread_id NOT IN (SELECT id FROM threads)",
    ),
    (
        "positions",
        REPORT,
        "SELECT 'thread ' || lower(hex(thread_id)), user_id || ' has read or got more than there is'
         FROM positions WHERE max(read_seq, delivered_seq) >
             coalesce((SELECT last_seq FROM log WHERE log.thread_id = positions.thread_id
                 ORDER BY rev DESC LIMIT 1), 0)",
    ),
    (
        "people's own logs",
        REPORT,
        "SELECT 'person ' || user_id, 'the log goes beyond its end'
         FROM person_log GROUP BY user_id HAVING max(user_rev) >
             coalesce((SELECT user_rev FROM person_heads WHERE person_heads.user_id = person_log.user_id), 0)",
    ),
    (
        "stored answers",
        REPORT,
        "SELECT 'person ' || user_id, 'a message is said to be in an answer that is not there'
         FROM answer_messages WHERE NOT EXISTS (SELECT 1 FROM answers
             WHERE answers.user_id = answer_messages.user_id AND answers.key = answer_messages.key)",
    ),
];

/// Table by table: a check of everything at once would hold one snapshot for very long.
fn pages(connection: &Connection, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    for table in all(&mut select, [], |row| Ok(row.text(0)?.to_owned()))? {
        let mut check = connection.prepare(&format!("PRAGMA integrity_check('{table}')"))?;
        let mut found = check.query([])?;
        while let Some(row) = found.next()? {
            let detail: String = row.get(0)?;
            if detail != "ok" {
                let subject = format!("table {table}");
                findings.push(Finding {
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
fn schema(connection: &Connection, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let wanted = Connection::open_in_memory()?;
    STEPS
        .iter()
        .try_for_each(|step| wanted.execute_batch(step))?;
    let (wanted, found) = (objects(&wanted)?, objects(connection)?);
    let advice = "restore a backup, or make it again as the migration does";
    for (name, sql) in &wanted {
        if !found.contains(&(name.clone(), sql.clone())) {
            let detail = "missing or changed".to_owned();
            findings.push(Finding {
                check: "schema",
                subject: name.clone(),
                detail,
                advice,
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

fn foreign_keys(connection: &Connection, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let mut select = connection.prepare_cached("PRAGMA foreign_key_check")?;
    for (table, parent) in all(&mut select, [], |row| {
        Ok((row.text(0)?.to_owned(), row.text(2)?.to_owned()))
    })? {
        let detail = format!("a row refers to one of {parent} that is not there");
        let subject = format!("table {table}");
        findings.push(Finding {
            check: "foreign keys",
            subject,
            detail,
            advice: REPORT,
        });
    }
    Ok(())
}

fn thread_ids(connection: &Connection) -> Result<Vec<ThreadId>, Error> {
    let mut select = connection.prepare_cached("SELECT id FROM threads")?;
    all(&mut select, [], |row| row.uuid(0).map(ThreadId))
}

/// The log of a thread: dense, in order, its counters right, its chain whole.
fn log_of(connection: &Connection, id: ThreadId, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let mut end: Option<Line> = None;
    let mut wrong: Option<String> = None;
    let walked = load_log::walk(connection, id, |line| {
        if wrong.is_none() {
            wrong = wrong_step(end.as_ref(), &line)
                .map(|what| format!("entry {}: {what}", line.entry.rev));
        }
        end = Some(line);
    });
    match walked {
        Ok(()) => {}
        Err(Error::Corrupt(what)) => wrong = Some(what),
        Err(error) => return Err(error),
    }
    if let Some(detail) = wrong {
        let subject = format!("thread {id}");
        findings.push(Finding {
            check: "log",
            subject,
            detail,
            advice: RESTORE,
        });
    }
    Ok(())
}

fn wrong_step(before: Option<&Line>, line: &Line) -> Option<&'static str> {
    let (rev, chain, last_seq, count) = before.map_or((0, Chain::default(), 0, 0), |before| {
        (
            before.entry.rev,
            before.entry.chain,
            before.last_seq,
            before.message_count,
        )
    });
    let is_counted = line
        .message
        .as_ref()
        .is_some_and(|message| message.kind != semel_protocol::message::MessageKind::System);
    let brings = u64::from(line.message.is_some());
    let cases = [
        (
            line.entry.rev != rev + 1,
            "it does not follow the entry before",
        ),
        (
            line.last_seq != last_seq + brings,
            "messages are not numbered one after another",
        ),
        (
            line.message_count != count + u64::from(is_counted),
            "messages are counted wrongly",
        ),
        (
            line.entry.chain != chain.next(line.entry.rev, &line.entry.content_hash),
            "its chain does not follow from the log before",
        ),
        (
            before.is_some_and(|before| before.entry.created_at > line.entry.created_at),
            "it is older than the entry before",
        ),
    ];
    cases
        .into_iter()
        .find_map(|(is_wrong, what)| is_wrong.then_some(what))
}

/// The people of a thread: their number, and the key that follows from them.
fn people_of(
    connection: &Connection,
    id: ThreadId,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT user_id, periods, is_active FROM participants WHERE thread_id = ?1",
    )?;
    let people = all(&mut select, [id.0.as_bytes()], |row| {
        let periods = decode_periods(row.text(1)?)?;
        let is_in = periods
            .last()
            .is_some_and(|period| period.until_rev.is_none());
        Ok((row.user(0)?, is_in, row.get::<_, bool>(2)?))
    })?;
    let mut select = connection.prepare_cached(
        "SELECT thread_type, participants_key, is_separate, participant_count FROM threads WHERE id = ?1",
    )?;
    let thread = one(&mut select, [id.0.as_bytes()], |row| {
        let key = row.get::<_, Option<[u8; 32]>>(1)?.map(ParticipantsKey);
        let thread_type = ThreadType::named(row.text(0)?)?;
        Ok((thread_type, key, row.get::<_, bool>(2)?, row.number(3)?))
    })?;
    let Some((thread_type, key, is_separate, count)) = thread else {
        return Ok(());
    };
    let mut find = |check, detail: &str| {
        let (subject, detail) = (format!("thread {id}"), detail.to_owned());
        findings.push(Finding {
            check,
            subject,
            detail,
            advice: REPORT,
        });
    };
    if people
        .iter()
        .any(|(_, is_in, is_active)| is_in != is_active)
    {
        find(
            "participants",
            "somebody is marked as in and is out, or the other way round",
        );
    }
    let active: BTreeSet<UserId> = people
        .into_iter()
        .filter(|(_, is_in, _)| *is_in)
        .map(|(who, ..)| who)
        .collect();
    if active.len() as u64 != count {
        find("participants", "participants are counted wrongly");
    }
    let wants_key = !is_separate && (1..=KEYED_PARTICIPANTS_MAX).contains(&active.len());
    match key {
        Some(key) if key != ParticipantsKey::of(thread_type, &active) => {
            find("participants keys", "the key is not that of its people");
        }
        None if wants_key => find("participants keys", "it has none and should own one"),
        _ => {}
    }
    Ok(())
}

/// Stored answers and the messages that they are said to have.
fn answers(connection: &Connection, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let mut named = connection
        .prepare_cached("SELECT count(*) FROM answer_messages WHERE user_id = ?1 AND key = ?2")?;
    let mut select = connection.prepare_cached("SELECT user_id, key, message_ids FROM answers")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let ids: BTreeSet<_> = decode_ids(row.bytes(2)?)?.into_iter().collect();
        let count: i64 = named.query_row([row.text(0)?, row.text(1)?], |row| row.get(0))?;
        if count != ids.len() as i64 {
            let subject = format!("person {}", row.text(0)?);
            let detail = "an answer does not name the messages that it has".to_owned();
            findings.push(Finding {
                check: "stored answers",
                subject,
                detail,
                advice: REPORT,
            });
        }
    }
    Ok(())
}
