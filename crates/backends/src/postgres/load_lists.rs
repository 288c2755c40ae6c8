//! Keys of lists.

use semel_core::{Key, Rows, plain::PlainKey, row::ContactRow, rows::List};
use semel_protocol::{ThreadId, UserId, limits::THREAD_PARTICIPANTS_SHOWN_MAX};
use tokio_postgres::{Row, types::ToSql};

use uuid::Uuid;

use super::{
    codec::{Columns, MoreColumns, bound, decode_subject},
    connect::Session,
    load::Wanted,
    load_log,
    load_people::{self, STANDING},
    plain,
};
use crate::{
    Error,
    line::{Line, found_message},
};

pub(super) const CHAIN_AT: &str = "SELECT chain FROM log WHERE thread_id = $1 AND rev = $2";
pub(super) const ANSWERS_NAMING: &str =
    "SELECT user_id, key FROM answer_messages WHERE message_id = $1 ORDER BY user_id, key";
pub(super) const ANSWERS_BEFORE: &str = "SELECT user_id, key FROM answers WHERE created_at < $1 ORDER BY created_at, user_id, key LIMIT $2";
pub(super) const ANSWERS_OF: &str =
    "SELECT user_id, key FROM answers WHERE user_id = $1 ORDER BY key LIMIT $2";
pub(super) const PERSON_LOG: &str = "SELECT user_rev, subject, subject_id FROM person_log WHERE user_id = $1 AND user_rev > $2 ORDER BY user_rev LIMIT $3";
pub(super) const CONTACTS_OF: &str =
    "SELECT u.display_name, u.about, u.picture, u.created_at, u.updated_at, u.handle, u.standing, u.standing_at,
         c.contact_id, c.since, c.own_name
     FROM contacts c LEFT JOIN users u ON u.id = c.contact_id
     WHERE c.user_id = $1 AND c.contact_id > $2 ORDER BY c.contact_id LIMIT $3";
pub(super) const THREADS_OF: &str = "SELECT l.created_at, p.thread_id
     FROM participants p
     CROSS JOIN LATERAL (
         SELECT created_at, last_seq FROM log WHERE thread_id = p.thread_id ORDER BY rev DESC LIMIT 1
     ) l
     WHERE p.user_id = $1 AND p.is_active
         AND (p.hidden_seq IS NULL OR l.last_seq > p.hidden_seq)
         AND ($2::bigint IS NULL OR (l.created_at, p.thread_id) < ($2, $3::uuid))
     ORDER BY l.created_at DESC, p.thread_id DESC LIMIT $4";

pub(super) const SEATS_OF: &str = "SELECT thread_id FROM participants WHERE user_id = $1 AND thread_id > $2 ORDER BY thread_id LIMIT $3";

pub(super) const TOGETHER: &str = "SELECT o.thread_id FROM participants o
     WHERE o.user_id = $2 AND o.is_active AND EXISTS (
         SELECT 1 FROM participants p WHERE p.thread_id = o.thread_id AND p.user_id = $1 AND p.is_active
     ) LIMIT 1";

/// The answer to a key of a list.
pub(super) struct Fetched {
    key: Key,
    found: Vec<Row>,
    /// Of a list of plain rows.
    keys: Vec<PlainKey>,
}

/// Asks for a list.
pub(super) async fn fetch(session: &Session, key: &Key) -> Result<Fetched, Error> {
    if let Key::Plain(list) = key {
        return Ok(Fetched {
            key: key.clone(),
            found: Vec::new(),
            keys: plain::fetch_list(session, list).await?,
        });
    }
    let found = match key {
        Key::Standing(id, after, limit) => {
            let (rev, who) = after
                .as_ref()
                .map_or((0, ""), |(rev, who)| (*rev, who.as_str()));
            let limit = bound(*limit as u64);
            query(session, STANDING, &[&id.0, &bound(rev), &who, &limit]).await?
        }
        Key::Messages(id, from, to) => {
            query(
                session,
                load_log::INTERVAL,
                &[&id.0, &bound(*from), &bound(*to)],
            )
            .await?
        }
        Key::Entries(id, after, limit) => {
            let limit = bound(*limit as u64);
            query(session, load_log::ENTRIES, &[&id.0, &bound(*after), &limit]).await?
        }
        Key::ChainAt(id, rev) => query(session, CHAIN_AT, &[&id.0, &bound(*rev)]).await?,
        Key::AnswersNaming(id) => query(session, ANSWERS_NAMING, &[&id.0]).await?,
        Key::AnswersBefore(time, limit) => {
            query(session, ANSWERS_BEFORE, &[&time.0, &bound(*limit as u64)]).await?
        }
        Key::AnswersOf(who, limit) => {
            query(session, ANSWERS_OF, &[&who.as_str(), &bound(*limit as u64)]).await?
        }
        Key::ThreadsOf(who, after, limit) => {
            let (time, id) = after.map(|(time, id)| (time.0, id.0)).unzip();
            let limit = bound(*limit as u64);
            query(session, THREADS_OF, &[&who.as_str(), &time, &id, &limit]).await?
        }
        Key::SeatsOf(who, after, limit) => {
            // Nothing has the nil id: it is before all.
            let place = after.map_or(Uuid::nil(), |id| id.0);
            let limit = bound(*limit as u64);
            query(session, SEATS_OF, &[&who.as_str(), &place, &limit]).await?
        }
        Key::Together(one, other) => {
            query(session, TOGETHER, &[&one.as_str(), &other.as_str()]).await?
        }
        Key::ContactsOf(of, after, limit) => {
            let after = after.as_ref().map_or("", |who| who.as_str());
            let limit = bound(*limit as u64);
            query(session, CONTACTS_OF, &[&of.as_str(), &after, &limit]).await?
        }
        Key::PersonLog(who, after, limit) => {
            let (after, limit) = (bound(*after), bound(*limit as u64));
            query(session, PERSON_LOG, &[&who.as_str(), &after, &limit]).await?
        }
        other => return Err(Error::Corrupt(format!("{other:?} is no list"))),
    };
    Ok(Fetched {
        key: key.clone(),
        found,
        keys: Vec::new(),
    })
}

async fn query(
    session: &Session,
    sql: &'static str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    let statement = session.statement(sql);
    Ok(session.client().query(statement, parameters).await?)
}

impl Fetched {
    /// Puts a list into the rows. What it brings along and is not there yet goes to `next`.
    pub(super) fn apply(self, rows: &mut Rows, next: &mut Wanted) -> Result<(), Error> {
        let Self { key, found, keys } = self;
        let list = match &key {
            Key::Standing(..) => {
                let seated = found.iter().map(|row| load_people::seated(row, rows));
                let people = seated
                    .map(|seat| Ok(seat?.1))
                    .collect::<Result<_, Error>>()?;
                List::People(people)
            }
            Key::Messages(id, from, to) => {
                for row in &found {
                    found_message(Line::read(row)?.message, rows);
                }
                for seq in *from..=*to {
                    rows.messages.load((*id, seq), None);
                }
                List::Messages
            }
            Key::Entries(id, ..) => entries(*id, &found, rows, next)?,
            Key::Plain(_) => List::Plain(keys),
            Key::ChainAt(..) => {
                let chain = found.first().map(|row| row.array(0)).transpose()?;
                List::Chain(chain.map(semel_core::chain::Chain))
            }
            Key::AnswersNaming(_) | Key::AnswersBefore(..) | Key::AnswersOf(..) => {
                let keys = found
                    .iter()
                    .map(|row| Ok((row.user(0)?, row.text(1)?.to_owned())))
                    .collect::<Result<Vec<_>, Error>>()?;
                // Who asks for a message's wants to change them.
                if matches!(key, Key::AnswersNaming(_)) {
                    let unknown = keys.iter().filter(|key| !rows.answers.knows(key));
                    next.answers.extend(unknown.cloned());
                }
                List::Answers(keys)
            }
            Key::ThreadsOf(who, ..) => threads(who, &found, next)?,
            Key::ContactsOf(of, ..) => {
                let mut people = Vec::with_capacity(found.len());
                for row in &found {
                    let (who, since) = (row.user(8)?, row.time(9)?);
                    let own_name = row.string_or_none(10)?;
                    rows.contacts.load(
                        (of.clone(), who.clone()),
                        Some(ContactRow { since, own_name }),
                    );
                    rows.users.load(who.clone(), row.user_row(0)?);
                    people.push(who);
                }
                List::People(people)
            }
            Key::SeatsOf(..) | Key::Together(..) => {
                let ids = found.iter().map(|row| row.uuid(0).map(ThreadId));
                List::Seats(ids.collect::<Result<_, _>>()?)
            }
            Key::PersonLog(who, ..) => subjects(who, &found, rows)?,
            other => return Err(Error::Corrupt(format!("{other:?} is no list"))),
        };
        rows.lists.insert(key, list);
        Ok(())
    }
}

/// Entries with the messages that they came with; those that they are about come in the next round.
fn entries(id: ThreadId, found: &[Row], rows: &mut Rows, next: &mut Wanted) -> Result<List, Error> {
    let mut entries = Vec::with_capacity(found.len());
    for row in found {
        let line = Line::read(row)?;
        found_message(line.message, rows);
        entries.push(line.entry);
    }
    for seq in entries.iter().filter_map(|entry| entry.fact.message_seq()) {
        if !rows.messages.knows(&(id, seq)) {
            next.messages.insert((id, seq));
        }
    }
    Ok(List::Entries(entries))
}

/// Threads, with what a list of them shows of each: the thread, its first people, its last message, the own seat.
fn threads(who: &UserId, found: &[Row], next: &mut Wanted) -> Result<List, Error> {
    let page = found
        .iter()
        .map(|row| Ok((row.time(0)?, ThreadId(row.uuid(1)?))))
        .collect::<Result<Vec<_>, Error>>()?;
    for (_, id) in &page {
        next.threads.insert(*id);
        next.last_messages.insert(*id);
        next.seats.insert((*id, who.clone()));
        next.lists
            .push(Key::Standing(*id, None, THREAD_PARTICIPANTS_SHOWN_MAX));
    }
    Ok(List::Threads(page))
}

fn subjects(who: &UserId, found: &[Row], rows: &mut Rows) -> Result<List, Error> {
    let mut lines = Vec::with_capacity(found.len());
    for row in found {
        let subject = decode_subject(row.text(1)?, row.bytes(2)?)?;
        let number = row.number(0)?;
        rows.person_log
            .load((who.clone(), subject.clone()), Some(number));
        lines.push((number, subject));
    }
    Ok(List::Subjects(lines))
}
