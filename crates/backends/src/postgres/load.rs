//! From keys to rows: one statement for each table, all of them under way at once.
//!
//! Invariant: what `rows` knows already is newer than the database (see `Table::load`) and stays.
//! Invariant: locks are sent before what they protect is read, in the order in which they are named here.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use semel_core::{
    Key, Rows,
    participants_key::ParticipantsKey,
    plain::PlainKey,
    row::{AnswerRow, ClientIdRow, ContactRow, Subject, ThreadRow},
    rows::AnswerKey,
};
use semel_protocol::{
    ClientId, MessageId, Seq, ThreadId, UserId,
    thread::{Allowed, History, ThreadSettings, ThreadType},
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    codec::{Columns, MoreColumns, Named, bound, decode_ids, decode_subject, encode_subject},
    connect::Session,
    load_lists::{self, Fetched},
    load_log, load_people,
    locks::{Locking, Locks},
    plain,
};
use crate::{
    Error,
    keys::is_known,
    line::{Line, found_message},
};

pub(super) const THREADS: &str =
    "SELECT id, thread_type, title, title_is_automatic, picture, history, posting, participants_key, is_separate,
         participant_count, epoch, created_by, created_at, description, adding, naming
     FROM threads WHERE id = ANY($1)";
pub(super) const OWNERS: &str =
    "SELECT participants_key, thread_id FROM participants_keys WHERE participants_key = ANY($1)";
pub(super) const CLIENT_IDS: &str =
    "SELECT c.client_id, c.sender_id, c.thread_id, c.seq, c.content_hash
     FROM unnest($1::uuid[], $2::text[]) AS k (id, who)
     JOIN client_ids c ON c.client_id = k.id AND c.sender_id = k.who COLLATE \"C\"";
/// The version of a row goes with it: see `store::store_users`.
pub(super) const USERS: &str =
    "SELECT display_name, about, picture, created_at, updated_at, handle, standing, standing_at,
         id, xmin::text
     FROM users WHERE id = ANY($1)";
pub(super) const CONTACTS: &str = "SELECT c.user_id, c.contact_id, c.since, c.own_name
     FROM unnest($1::text[], $2::text[]) AS k (one, other)
     JOIN contacts c ON c.user_id = k.one COLLATE \"C\" AND c.contact_id = k.other COLLATE \"C\"";
pub(super) const LINES: &str = "SELECT l.user_id, l.subject, l.subject_id, l.user_rev
     FROM unnest($1::text[], $2::text[], $3::bytea[]) AS k (who, subject, subject_id)
     JOIN person_log l
         ON l.user_id = k.who COLLATE \"C\" AND l.subject = k.subject AND l.subject_id = k.subject_id";

macro_rules! heads {
    ($lock:literal) => {
        concat!(
            "SELECT user_id, user_rev FROM person_heads WHERE user_id = ANY($1) ORDER BY user_id",
            $lock
        )
    };
}
pub(super) const HEADS: &str = heads!("");
pub(super) const HEADS_WAIT: &str = heads!(" FOR NO KEY UPDATE");
pub(super) const HEADS_TRY: &str = heads!(" FOR NO KEY UPDATE NOWAIT");

macro_rules! answers {
    ($lock:literal) => {
        concat!(
            "SELECT a.user_id, a.key, a.fingerprint, a.status, a.body, a.location, a.created_at, a.message_ids
             FROM unnest($1::text[], $2::text[]) AS k (who, key)
             JOIN answers a ON a.user_id = k.who COLLATE \"C\" AND a.key = k.key COLLATE \"C\"
             ORDER BY a.user_id, a.key",
            $lock
        )
    };
}
pub(super) const ANSWERS: &str = answers!("");
pub(super) const ANSWERS_WAIT: &str = answers!(" FOR NO KEY UPDATE OF a");
pub(super) const ANSWERS_TRY: &str = answers!(" FOR NO KEY UPDATE OF a NOWAIT");

/// Rows for columns of values, side by side; no question for no values. On the heap: many of them are under way at once.
macro_rules! ask {
    ($session:expr, $sql:expr, $first:ident $(, $more:ident)*) => {
        Box::pin(async {
            if $first.is_empty() {
                return Ok::<_, Error>(Vec::new());
            }
            let statement = $session.statement($sql);
            Ok($session.client().query(statement, &[&$first $(, &$more)*]).await?)
        })
    };
}
pub(super) use ask;

/// What keys name, table by table.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) threads: BTreeSet<ThreadId>,
    pub(super) seats: BTreeSet<(ThreadId, UserId)>,
    pub(super) rosters: BTreeSet<ThreadId>,
    pub(super) owners: BTreeSet<[u8; 32]>,
    pub(super) client_ids: BTreeSet<(ClientId, UserId)>,
    pub(super) messages: BTreeSet<(ThreadId, Seq)>,
    pub(super) message_ids: BTreeSet<(ThreadId, MessageId)>,
    pub(super) users: BTreeSet<UserId>,
    /// Of these: who acts, and may do so while others read it as well.
    pub(super) actors: BTreeSet<UserId>,
    /// Of these: whose standing changes, while nothing of theirs is under way.
    pub(super) alone: BTreeSet<UserId>,
    pub(super) contacts: BTreeSet<(UserId, UserId)>,
    pub(super) heads: BTreeSet<UserId>,
    pub(super) lines: BTreeSet<(UserId, Subject)>,
    pub(super) answers: BTreeSet<(UserId, String)>,
    pub(super) plain: BTreeSet<PlainKey>,
    pub(super) lists: Vec<Key>,
    /// Threads of lists: their last messages.
    pub(super) last_messages: BTreeSet<ThreadId>,
}

impl Wanted {
    /// What a key names, without what is known.
    pub(super) fn of(key: &Key, rows: &Rows) -> Self {
        let mut wanted = Self::default();
        wanted.add(key, rows);
        wanted
    }

    fn add(&mut self, key: &Key, rows: &Rows) {
        if let Key::Many(keys) = key {
            return keys.iter().for_each(|key| self.add(key, rows));
        }
        if is_known(key, rows) {
            return;
        }
        match key.clone() {
            Key::Thread(id) => drop(self.threads.insert(id)),
            Key::Participant(id, who) => drop(self.seats.insert((id, who))),
            Key::Roster(id) => drop(self.rosters.insert(id)),
            Key::ParticipantsKey(key) => drop(self.owners.insert(key.0)),
            Key::ClientId(id, who) => drop(self.client_ids.insert((id, who))),
            Key::Message(id, seq) => drop(self.messages.insert((id, seq))),
            Key::MessageId(id, message) => drop(self.message_ids.insert((id, message))),
            Key::User(who) => drop(self.users.insert(who)),
            Key::Actor(who) => {
                self.actors.insert(who.clone());
                self.users.insert(who);
            }
            Key::Alone(who) => {
                self.alone.insert(who.clone());
                self.users.insert(who);
            }
            Key::Contact(of, who) => drop(self.contacts.insert((of, who))),
            Key::PersonHead(who) => drop(self.heads.insert(who)),
            Key::PersonLine(who, subject) => drop(self.lines.insert((who, subject))),
            Key::Answer(who, key) => drop(self.answers.insert((who, key))),
            Key::Plain(key) if !key.is_list() => drop(self.plain.insert(key)),
            list => self.lists.push(list),
        }
    }

    fn is_empty(&self) -> bool {
        self.threads.is_empty()
            && self.seats.is_empty()
            && self.rosters.is_empty()
            && self.owners.is_empty()
            && self.client_ids.is_empty()
            && self.messages.is_empty()
            && self.message_ids.is_empty()
            && self.users.is_empty()
            && self.contacts.is_empty()
            && self.heads.is_empty()
            && self.lines.is_empty()
            && self.answers.is_empty()
            && self.plain.is_empty()
            && self.lists.is_empty()
            && self.last_messages.is_empty()
    }
}

/// Loads what a key names, for a question.
pub(super) async fn load(session: &Session, key: &Key, rows: &mut Rows) -> Result<(), Error> {
    load_locked(session, key, rows, &mut Locks::none()).await
}

/// Loads what a key names, for a batch: what may change is locked first, and stays so until the transaction ends.
pub(super) async fn load_locked(
    session: &Session,
    key: &Key,
    rows: &mut Rows,
    locks: &mut Locks,
) -> Result<(), Error> {
    let mut wanted = Wanted::of(key, rows);
    // What lists bring along is asked for in a second round.
    while !wanted.is_empty() {
        let found = Box::pin(fetch_all(session, &wanted, locks)).await?;
        locks.taken(&wanted, &found)?;
        wanted = found.apply(&wanted, rows)?;
    }
    Ok(())
}

/// The answers to one round.
pub(super) struct Found {
    pub(super) tried: Vec<Row>,
    threads: Vec<Row>,
    ends: Vec<Row>,
    last_messages: Vec<Row>,
    seats: Vec<Row>,
    rosters: Vec<Row>,
    owners: Vec<Row>,
    client_ids: Vec<Row>,
    messages: Vec<Row>,
    message_ids: Vec<Row>,
    pub(super) users: Vec<Row>,
    contacts: Vec<Row>,
    heads: Vec<Row>,
    lines: Vec<Row>,
    pub(super) answers: Vec<Row>,
    plain: Vec<plain::FoundRow>,
    lists: Vec<Fetched>,
}

/// People, subjects' names and subjects' ids.
type LineColumns<'a> = (Vec<&'a str>, Vec<&'static str>, Vec<&'a [u8]>);

/// Columns of keys.
struct KeyColumns<'a> {
    threads: Vec<Uuid>,
    last: Vec<Uuid>,
    rosters: Vec<Uuid>,
    owners: Vec<&'a [u8]>,
    users: Vec<&'a str>,
    heads: Vec<&'a str>,
    lines: LineColumns<'a>,
    seats: (Vec<Uuid>, Vec<&'a str>),
    client_ids: (Vec<Uuid>, Vec<&'a str>),
    messages: (Vec<Uuid>, Vec<i64>),
    message_ids: (Vec<Uuid>, Vec<Uuid>),
    contacts: (Vec<&'a str>, Vec<&'a str>),
    answers: (Vec<&'a str>, Vec<&'a str>),
}

impl<'a> KeyColumns<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        Self {
            threads: wanted.threads.iter().map(|id| id.0).collect(),
            last: wanted.last_messages.iter().map(|id| id.0).collect(),
            rosters: wanted.rosters.iter().map(|id| id.0).collect(),
            owners: wanted.owners.iter().map(|key| &key[..]).collect(),
            users: wanted.users.iter().map(UserId::as_str).collect(),
            heads: wanted.heads.iter().map(UserId::as_str).collect(),
            lines: lines(&wanted.lines),
            seats: pairs(&wanted.seats, |(id, who)| (id.0, who.as_str())),
            client_ids: pairs(&wanted.client_ids, |(id, who)| (id.0, who.as_str())),
            messages: pairs(&wanted.messages, |(id, seq)| (id.0, bound(*seq))),
            message_ids: pairs(&wanted.message_ids, |(id, message)| (id.0, message.0)),
            contacts: pairs(&wanted.contacts, |(one, other)| {
                (one.as_str(), other.as_str())
            }),
            answers: pairs(&wanted.answers, |(who, key)| (who.as_str(), key.as_str())),
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one line for each table")]
async fn fetch_all(session: &Session, wanted: &Wanted, locks: &Locks) -> Result<Found, Error> {
    let (heads_sql, answers_sql) = match locks.locking() {
        Locking::None => (HEADS, ANSWERS),
        Locking::Wait => (HEADS_WAIT, ANSWERS_WAIT),
        Locking::Try => (HEADS_TRY, ANSWERS_TRY),
    };
    let KeyColumns {
        threads,
        last,
        rosters,
        owners,
        users,
        heads,
        lines: (whose, subjects, subject_ids),
        seats: (seat_ids, seat_users),
        client_ids: (client_ids, senders),
        messages: (ids, seqs),
        message_ids: (of, message_ids),
        contacts: (ones, others),
        answers: (actors, keys),
    } = KeyColumns::of(wanted);
    let lists = wanted
        .lists
        .iter()
        .map(|key| load_lists::fetch(session, key));
    // Polled in this order, so that the server gets them in this order.
    let (
        tried,
        heads,
        threads,
        ends,
        last_messages,
        seats,
        rosters,
        owners,
        client_ids,
        messages,
        message_ids,
        users,
        contacts,
        lines,
        answers,
        plain,
        lists,
    ) = tokio::try_join!(biased;
        Box::pin(locks.take(session, wanted)),
        ask!(session, heads_sql, heads),
        ask!(session, THREADS, threads),
        ask!(session, load_log::ENDS, threads),
        ask!(session, load_log::LAST_MESSAGES, last),
        ask!(session, load_people::SEATS, seat_ids, seat_users),
        ask!(session, load_people::ROSTERS, rosters),
        ask!(session, OWNERS, owners),
        ask!(session, CLIENT_IDS, client_ids, senders),
        ask!(session, load_log::MESSAGES, ids, seqs),
        ask!(session, load_log::MESSAGE_IDS, of, message_ids),
        ask!(session, USERS, users),
        ask!(session, CONTACTS, ones, others),
        ask!(session, LINES, whose, subjects, subject_ids),
        ask!(session, answers_sql, actors, keys),
        Box::pin(plain::fetch(session, wanted.plain.iter())),
        try_join_all(lists),
    )?;
    Ok(Found {
        tried,
        threads,
        ends,
        last_messages,
        seats,
        rosters,
        owners,
        client_ids,
        messages,
        message_ids,
        users,
        contacts,
        heads,
        lines,
        answers,
        plain,
        lists,
    })
}

/// Two columns of a set.
fn pairs<'a, T, A, B>(set: &'a BTreeSet<T>, split: impl Fn(&'a T) -> (A, B)) -> (Vec<A>, Vec<B>) {
    set.iter().map(split).unzip()
}

fn lines(set: &BTreeSet<(UserId, Subject)>) -> LineColumns<'_> {
    let columns = set.iter().map(|(who, subject)| {
        let (name, id) = encode_subject(subject);
        (who.as_str(), name, id)
    });
    columns.collect()
}

impl Found {
    /// Puts what was found into the rows, and what was not. Returns what lists bring along.
    fn apply(self, wanted: &Wanted, rows: &mut Rows) -> Result<Wanted, Error> {
        self.apply_threads(wanted, rows)?;
        self.apply_people(wanted, rows)?;
        for row in &self.owners {
            let key = ParticipantsKey(row.array(0)?);
            rows.participants_keys
                .load(key, Some(ThreadId(row.uuid(1)?)));
        }
        for key in &wanted.owners {
            rows.participants_keys.load(ParticipantsKey(*key), None);
        }
        for row in &self.client_ids {
            let key = (ClientId(row.uuid(0)?), row.user(1)?);
            let used = ClientIdRow {
                thread_id: ThreadId(row.uuid(2)?),
                seq: row.number_or_none(3)?,
                content_hash: row.array(4)?,
            };
            rows.client_ids.load(key, Some(used));
        }
        for key in &wanted.client_ids {
            rows.client_ids.load(key.clone(), None);
        }
        for row in &self.answers {
            let (key, row) = answer_row(row)?;
            rows.answers.load(key, Some(row));
        }
        for key in &wanted.answers {
            rows.answers.load(key.clone(), None);
        }
        for (key, cells) in self.plain {
            crate::plain::found(&key, cells, rows)?;
        }
        let mut next = Wanted::default();
        for list in self.lists {
            list.apply(rows, &mut next)?;
        }
        Ok(next)
    }

    fn apply_threads(&self, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
        for row in &self.threads {
            let thread = thread_row(row)?;
            rows.threads.load(thread.id, Some(thread));
        }
        for row in &self.ends {
            let line = Line::read(row)?;
            rows.heads.load(line.entry.thread_id, Some(line.head()));
            found_message(line.message, rows);
        }
        for id in &wanted.threads {
            rows.threads.load(*id, None);
            rows.heads.load(*id, None);
        }
        for row in self
            .messages
            .iter()
            .chain(&self.message_ids)
            .chain(&self.last_messages)
        {
            found_message(Line::read(row)?.message, rows);
        }
        for place in &wanted.messages {
            rows.messages.load(*place, None);
        }
        for key in &wanted.message_ids {
            rows.message_seqs.load(*key, None);
        }
        Ok(())
    }

    fn apply_people(&self, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
        for row in &self.seats {
            load_people::seated(row, rows)?;
        }
        for seat in &wanted.seats {
            rows.participants.load(seat.clone(), None);
            rows.positions.load(seat.clone(), None);
        }
        load_people::rosters(&self.rosters, &wanted.rosters, rows)?;
        for row in &self.users {
            rows.users.load(row.user(8)?, row.user_row(0)?);
        }
        for who in &wanted.users {
            rows.users.load(who.clone(), None);
        }
        for row in &self.contacts {
            let (since, own_name) = (row.time(2)?, row.string_or_none(3)?);
            let contact = ContactRow { since, own_name };
            rows.contacts
                .load((row.user(0)?, row.user(1)?), Some(contact));
        }
        for pair in &wanted.contacts {
            rows.contacts.load(pair.clone(), None);
        }
        for row in &self.heads {
            rows.person_heads.load(row.user(0)?, Some(row.number(1)?));
        }
        for who in &wanted.heads {
            rows.person_heads.load(who.clone(), None);
        }
        for row in &self.lines {
            let subject = decode_subject(row.text(1)?, row.bytes(2)?)?;
            let line = (row.user(0)?, subject);
            rows.person_log.load(line, Some(row.number(3)?));
        }
        for line in &wanted.lines {
            rows.person_log.load(line.clone(), None);
        }
        Ok(())
    }
}

fn thread_row(row: &Row) -> Result<ThreadRow, Error> {
    let key: Option<&[u8]> = row.get_as(7)?;
    let key = key.map(|_| row.array(7)).transpose()?;
    Ok(ThreadRow {
        id: ThreadId(row.uuid(0)?),
        thread_type: ThreadType::named(row.text(1)?)?,
        title: row.string_or_none(2)?,
        title_is_automatic: row.get_as(3)?,
        description: row.string_or_none(13)?,
        picture: row.string_or_none(4)?,
        settings: ThreadSettings {
            history: History::named(row.text(5)?)?,
            posting: Allowed::named(row.text(6)?)?,
            adding: Allowed::named(row.text(14)?)?,
            naming: Allowed::named(row.text(15)?)?,
        },
        participants_key: key.map(ParticipantsKey),
        is_separate: row.get_as(8)?,
        participant_count: row.number(9)?,
        epoch: row.number(10)?,
        created_by: row.user(11)?,
        created_at: row.time(12)?,
    })
}

fn answer_row(row: &Row) -> Result<(AnswerKey, AnswerRow), Error> {
    let answer = AnswerRow {
        fingerprint: row.array(2)?,
        status: row.number(3)? as u16,
        body: row.bytes(4)?.to_vec(),
        location: row.string_or_none(5)?,
        created_at: row.time(6)?,
        message_ids: decode_ids(row.bytes(7)?)?,
    };
    Ok(((row.user(0)?, row.text(1)?.to_owned()), answer))
}
