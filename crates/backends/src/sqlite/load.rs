//! From keys to rows. Some keys bring neighbours along that are asked for next; more than was asked for does no harm.
//!
//! Invariant: what `rows` knows already is newer than the database (see `Table::load`) and stays.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use semel_core::{
    Key, Rows,
    participants_key::ParticipantsKey,
    row::{ClientIdRow, ContactRow, Subject, ThreadRow, UserRow},
    rows::List,
};
use semel_protocol::{
    ClientId, ThreadId, Timestamp, UserId,
    limits::THREAD_PARTICIPANTS_SHOWN_MAX,
    thread::{Allowed, History, ThreadSettings, ThreadType},
};

use uuid::Uuid;

use super::{
    codec::{Columns, Named, decode_subject, encode_subject},
    load_answers, load_log, load_people, plain,
};
use crate::{Error, keys::is_known};

/// Loads what a key names.
pub(super) fn load(connection: &Connection, key: &Key, rows: &mut Rows) -> Result<(), Error> {
    match key {
        Key::Many(keys) => keys.iter().try_for_each(|key| {
            if is_known(key, rows) {
                Ok(())
            } else {
                load(connection, key, rows)
            }
        }),
        Key::Thread(id) => thread(connection, *id, rows),
        Key::Participant(id, who) => load_people::participant(connection, *id, who, rows),
        Key::Roster(id) => load_people::roster(connection, *id, rows),
        Key::Standing(id, after, limit) => {
            load_people::standing(connection, *id, after.as_ref(), *limit, rows)
        }
        Key::ParticipantsKey(key) => participants_key(connection, *key, rows),
        Key::ClientId(id, who) => client_id(connection, *id, who, rows),
        Key::Message(id, seq) => load_log::message(connection, *id, *seq, rows),
        Key::MessageId(id, message) => load_log::message_by_id(connection, *id, *message, rows),
        Key::Messages(id, from, to) => load_log::messages(connection, *id, *from, *to, rows),
        Key::Entries(id, after, limit) => load_log::entries(connection, *id, *after, *limit, rows),
        Key::ChainAt(id, rev) => load_log::chain_at(connection, *id, *rev, rows),
        Key::User(who) | Key::Actor(who) | Key::Alone(who) => user(connection, who, rows),
        Key::Contact(of, who) => contact(connection, of, who, rows),
        Key::ContactsOf(of, after, limit) => {
            contacts_of(connection, of, after.as_ref(), *limit, rows)
        }
        Key::PersonHead(who) => person_head(connection, who, rows),
        Key::PersonLine(who, subject) => person_line(connection, who, subject, rows),
        Key::PersonLog(who, after, limit) => person_log(connection, who, *after, *limit, rows),
        Key::ThreadsOf(who, after, limit) => threads_of(connection, who, *after, *limit, rows),
        Key::SeatsOf(who, after, limit) => seats_of(connection, who, *after, *limit, rows),
        Key::Together(one, other) => together(connection, one, other, rows),
        Key::Answer(who, key) => load_answers::answer(connection, who, key, rows),
        Key::AnswersNaming(id) => load_answers::naming(connection, *id, rows),
        Key::AnswersBefore(time, limit) => load_answers::before(connection, *time, *limit, rows),
        Key::AnswersOf(who, limit) => load_answers::of(connection, who, *limit, rows),
        Key::Plain(key) => plain::load(connection, key, rows),
    }
}

pub(super) fn thread(connection: &Connection, id: ThreadId, rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT thread_type, title, title_is_automatic, picture, history, posting, participants_key, is_separate,
             participant_count, epoch, created_by, created_at, description, adding, naming
         FROM threads WHERE id = ?1",
    )?;
    let row = one(&mut select, params![id.0.as_bytes()], |row| {
        let key = row.get::<_, Option<[u8; 32]>>(6)?.map(ParticipantsKey);
        Ok(ThreadRow {
            id,
            thread_type: ThreadType::named(row.text(0)?)?,
            title: row.get(1)?,
            title_is_automatic: row.get(2)?,
            description: row.get(12)?,
            picture: row.get(3)?,
            settings: ThreadSettings {
                history: History::named(row.text(4)?)?,
                posting: Allowed::named(row.text(5)?)?,
                adding: Allowed::named(row.text(13)?)?,
                naming: Allowed::named(row.text(14)?)?,
            },
            participants_key: key,
            is_separate: row.get(7)?,
            participant_count: row.number(8)?,
            epoch: row.number(9)?,
            created_by: row.user(10)?,
            created_at: Timestamp(row.get(11)?),
        })
    })?;
    rows.threads.load(id, row);
    load_log::head(connection, id, rows)
}

fn participants_key(
    connection: &Connection,
    key: ParticipantsKey,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached("SELECT thread_id FROM participants_keys WHERE participants_key = ?1")?;
    let owner = one(&mut select, params![key.0], |row| row.uuid(0).map(ThreadId))?;
    rows.participants_keys.load(key, owner);
    Ok(())
}

fn client_id(
    connection: &Connection,
    id: ClientId,
    who: &UserId,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT thread_id, seq, content_hash FROM client_ids WHERE client_id = ?1 AND sender_id = ?2",
    )?;
    let row = one(&mut select, params![id.0.as_bytes(), who.as_str()], |row| {
        Ok(ClientIdRow {
            thread_id: ThreadId(row.uuid(0)?),
            seq: row.number_or_none(1)?,
            content_hash: row.array(2)?,
        })
    })?;
    rows.client_ids.load((id, who.clone()), row);
    Ok(())
}

pub(super) fn user(connection: &Connection, who: &UserId, rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT display_name, about, picture, created_at, updated_at, handle, standing, standing_at
         FROM users WHERE id = ?1",
    )?;
    let row = one(&mut select, params![who.as_str()], |row| {
        Ok(UserRow {
            display_name: row.get(0)?,
            about: row.get(1)?,
            picture: row.get(2)?,
            created_at: Timestamp(row.get(3)?),
            updated_at: Timestamp(row.get(4)?),
            handle: row.get(5)?,
            standing: row.standing(6)?,
        })
    })?;
    rows.users.load(who.clone(), row);
    Ok(())
}

fn contact(
    connection: &Connection,
    of: &UserId,
    who: &UserId,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT since, own_name FROM contacts WHERE user_id = ?1 AND contact_id = ?2",
    )?;
    let row = one(&mut select, params![of.as_str(), who.as_str()], |row| {
        Ok(ContactRow {
            since: Timestamp(row.get(0)?),
            own_name: row.get(1)?,
        })
    })?;
    rows.contacts.load((of.clone(), who.clone()), row);
    Ok(())
}

fn contacts_of(
    connection: &Connection,
    of: &UserId,
    after: Option<&UserId>,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT contact_id, since, own_name FROM contacts WHERE user_id = ?1 AND contact_id > ?2
         ORDER BY contact_id LIMIT ?3",
    )?;
    let after_text = after.map_or("", UserId::as_str);
    let page = all(
        &mut select,
        params![of.as_str(), after_text, limit as i64],
        |row| {
            let (since, own_name) = (Timestamp(row.get(1)?), row.get(2)?);
            Ok((row.user(0)?, ContactRow { since, own_name }))
        },
    )?;
    let mut people = Vec::with_capacity(page.len());
    for (who, contact) in page {
        rows.contacts.load((of.clone(), who.clone()), Some(contact));
        user(connection, &who, rows)?;
        people.push(who);
    }
    rows.lists.insert(
        Key::ContactsOf(of.clone(), after.cloned(), limit),
        List::People(people),
    );
    Ok(())
}

fn person_head(connection: &Connection, who: &UserId, rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT user_rev FROM person_heads WHERE user_id = ?1")?;
    let head = one(&mut select, params![who.as_str()], |row| row.number(0))?;
    rows.person_heads.load(who.clone(), head);
    Ok(())
}

fn person_line(
    connection: &Connection,
    who: &UserId,
    subject: &Subject,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT user_rev FROM person_log WHERE user_id = ?1 AND subject = ?2 AND subject_id = ?3",
    )?;
    let (name, id) = encode_subject(subject);
    let number = one(&mut select, params![who.as_str(), name, id], |row| {
        row.number(0)
    })?;
    rows.person_log.load((who.clone(), subject.clone()), number);
    Ok(())
}

fn person_log(
    connection: &Connection,
    who: &UserId,
    after: u64,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT user_rev, subject, subject_id FROM person_log WHERE user_id = ?1 AND user_rev > ?2
         ORDER BY user_rev LIMIT ?3",
    )?;
    let place = params![who.as_str(), bound(after), limit as i64];
    let lines = all(&mut select, place, |row| {
        Ok((row.number(0)?, decode_subject(row.text(1)?, row.bytes(2)?)?))
    })?;
    for (number, subject) in &lines {
        rows.person_log
            .load((who.clone(), subject.clone()), Some(*number));
    }
    rows.lists.insert(
        Key::PersonLog(who.clone(), after, limit),
        List::Subjects(lines),
    );
    Ok(())
}

/// Brings along what a list of threads shows of each: the thread, its first people, its last message, the own seat.
fn threads_of(
    connection: &Connection,
    who: &UserId,
    after: Option<(Timestamp, ThreadId)>,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT log.created_at, log.thread_id
         FROM participants
         JOIN log ON log.thread_id = participants.thread_id
             AND log.rev = (SELECT max(rev) FROM log WHERE thread_id = participants.thread_id)
         WHERE participants.user_id = ?1 AND participants.is_active = 1
             AND (participants.hidden_seq IS NULL OR log.last_seq > participants.hidden_seq)
             AND (?2 IS NULL OR (log.created_at, log.thread_id) < (?2, ?3))
         ORDER BY log.created_at DESC, log.thread_id DESC LIMIT ?4",
    )?;
    let (time, id) = after.unzip();
    let page = all(
        &mut select,
        params![
            who.as_str(),
            time.map(|time| time.0),
            id.as_ref().map(|id| id.0.as_bytes()),
            limit as i64
        ],
        |row| Ok((Timestamp(row.get(0)?), ThreadId(row.uuid(1)?))),
    )?;
    for (_, id) in &page {
        thread(connection, *id, rows)?;
        load_people::standing(connection, *id, None, THREAD_PARTICIPANTS_SHOWN_MAX, rows)?;
        // In most threads they are among those.
        let own_seat = Key::Participant(*id, who.clone());
        if !is_known(&own_seat, rows) {
            load(connection, &own_seat, rows)?;
        }
        load_log::last_message(connection, *id, rows)?;
    }
    rows.lists.insert(
        Key::ThreadsOf(who.clone(), after, limit),
        List::Threads(page),
    );
    Ok(())
}

fn seats_of(
    connection: &Connection,
    who: &UserId,
    after: Option<ThreadId>,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT thread_id FROM participants WHERE user_id = ?1 AND thread_id > ?2
         ORDER BY thread_id LIMIT ?3",
    )?;
    // Nothing has the nil id: it is before all.
    let place = after.map_or(Uuid::nil(), |id| id.0);
    let found = all(
        &mut select,
        params![who.as_str(), place.as_bytes(), limit as i64],
        |row| row.uuid(0).map(ThreadId),
    )?;
    rows.lists
        .insert(Key::SeatsOf(who.clone(), after, limit), List::Seats(found));
    Ok(())
}

fn together(
    connection: &Connection,
    one: &UserId,
    other: &UserId,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT o.thread_id FROM participants o
         CROSS JOIN participants p ON p.thread_id = o.thread_id AND p.user_id = ?1 AND p.is_active = 1
         WHERE o.user_id = ?2 AND o.is_active = 1 LIMIT 1",
    )?;
    let found = all(&mut select, params![one.as_str(), other.as_str()], |row| {
        row.uuid(0).map(ThreadId)
    })?;
    rows.lists.insert(
        Key::Together(one.clone(), other.clone()),
        List::Seats(found),
    );
    Ok(())
}

/// A number that `SQLite` can compare: callers may name any.
pub(super) fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The row, if there is one.
pub(super) fn one<T>(
    select: &mut CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    select
        .query_row(parameters, |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// All rows.
pub(super) fn all<T>(
    select: &mut CachedStatement<'_>,
    parameters: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut found = select.query(parameters)?;
    let mut list = Vec::new();
    while let Some(row) = found.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}
