//! Plain rows, as both engines store them: their tables have one form, a key and columns, so that each engine needs one
//! statement of each kind for all of them.

mod invites;
mod people;
mod pictures;
mod rows;
mod safety;

use semel_core::{Changes, Rows, plain::PlainKey};

use semel_protocol::{Timestamp, UserId};
use uuid::Uuid;

use crate::{Error, codec::corrupt};
use rows::Stored;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) table: &'static str,
    pub(crate) keys: &'static [(&'static str, Kind)],
    pub(crate) columns: &'static [(&'static str, Kind)],
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&[u8]> for Cell {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Uuid> for Cell {
    fn from(id: Uuid) -> Self {
        id.as_bytes()[..].into()
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a row that was read, one after the other.
pub(crate) struct Cells(std::vec::IntoIter<Cell>);

impl Cells {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    fn integer_or_none(&mut self) -> Result<Option<i64>, Error> {
        match self.0.next() {
            Some(Cell::Integer(value)) => Ok(Some(value)),
            Some(Cell::Null) => Ok(None),
            _ => Err(corrupt("a number", "something else")),
        }
    }

    fn integer(&mut self) -> Result<i64, Error> {
        let value = self.integer_or_none()?;
        value.ok_or_else(|| corrupt("a number", "absent"))
    }

    fn text_or_none(&mut self) -> Result<Option<String>, Error> {
        match self.0.next() {
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Null) => Ok(None),
            _ => Err(corrupt("a text", "something else")),
        }
    }

    fn text(&mut self) -> Result<String, Error> {
        let text = self.text_or_none()?;
        text.ok_or_else(|| corrupt("a text", "absent"))
    }

    fn bytes_or_none(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Cell::Null) => Ok(None),
            _ => Err(corrupt("bytes", "something else")),
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes_or_none()?;
        bytes.ok_or_else(|| corrupt("bytes", "absent"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let bytes = self.bytes()?;
        bytes
            .try_into()
            .map_err(|_| corrupt("bytes", "of another length"))
    }
}

/// Every table.
pub(crate) const FORMS: [&Form; 17] = [
    &rows::IDENTITIES,
    &rows::CHALLENGES,
    &rows::SESSIONS,
    &rows::SIGNING_KEYS,
    &rows::EFFECTS,
    &rows::BUDGETS,
    &rows::OPERATORS,
    &people::HANDLES,
    &people::FINDABILITY,
    &rows::BLOCKS,
    &safety::AUDIT,
    &safety::REPORTS,
    &people::ERASURES,
    &people::TELLINGS,
    &invites::INVITES,
    &pictures::PICTURES,
    &pictures::PICTURE_BYTES,
];

/// A list of keys: of which table, under which condition (`$1`, `$2` …) with which values.
pub(crate) struct ListOf {
    pub(crate) form: &'static Form,
    pub(crate) rest: &'static str,
    pub(crate) values: Vec<Cell>,
}

/// Conditions of lists, each with its table.
const OF_USER: &str = "WHERE user_id = $1 ORDER BY kind, value";
const SESSIONS_OF: &str = "WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id";
const REVOKED: &str = "WHERE revoked_at IS NOT NULL AND revoked_at > $1 ORDER BY id";
const ALL_KEYS: &str = "ORDER BY name";
const DUE: &str = "WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
const BLOCKS_OF: &str = "WHERE user_id = $1 AND blocked_id > $2 ORDER BY blocked_id LIMIT $3";
const BLOCKERS_OF: &str = "WHERE blocked_id = $1 ORDER BY user_id";
const STANDING_SINCE: &str = "WHERE standing_at > $1 ORDER BY standing_at, id";
const AUDIT_BEFORE: &str =
    "WHERE (user_id IS DISTINCT FROM $1 OR actor_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3";
const AUDIT_BY: &str = "WHERE actor_id = $1 AND id > $2 ORDER BY id LIMIT $3";
const REPORT_OF: &str = "WHERE reporter_id = $1 AND subject = $2";
const REPORTS_AFTER: &str =
    "WHERE user_id <> $1 AND (resolved_at, id) > ($2, $3) ORDER BY resolved_at, id LIMIT $4";
const REPORTS_BY: &str = "WHERE reporter_id = $1 AND id > $2 ORDER BY id LIMIT $3";
/// Of people for whom a job does something step by step.
const PEOPLE_DUE: &str = "WHERE due_at <= $1 ORDER BY due_at, user_id LIMIT $2";
const OPERATORS: &str = "ORDER BY user_id LIMIT $1";
const INVITES_OF: &str = "WHERE thread_id = $1 ORDER BY id DESC";
const PICTURES_OF: &str = "WHERE owner_id = $1 AND id > $2 ORDER BY id LIMIT $3";
const HANDLES_OF: &str = "WHERE user_id = $1 ORDER BY handle";
const EXPIRED: &str = "WHERE expires_at < $1 ORDER BY expires_at LIMIT $2";

/// Every list that there is, for an engine that prepares its statements.
pub(crate) const LISTS: [(&Form, &str); 28] = [
    (&rows::IDENTITIES, OF_USER),
    (&rows::SESSIONS, SESSIONS_OF),
    (&rows::SESSIONS, REVOKED),
    (&rows::SIGNING_KEYS, ALL_KEYS),
    (&rows::EFFECTS, DUE),
    (&rows::CHALLENGES, EXPIRED),
    (&rows::SESSIONS, EXPIRED),
    (&rows::SIGNING_KEYS, EXPIRED),
    (&rows::EFFECTS, EXPIRED),
    (&rows::BUDGETS, EXPIRED),
    (&people::HANDLES, EXPIRED),
    (&rows::BLOCKS, BLOCKS_OF),
    (&rows::BLOCKS, BLOCKERS_OF),
    (&safety::PEOPLE, STANDING_SINCE),
    (&safety::AUDIT, AUDIT_BEFORE),
    (&safety::AUDIT, AUDIT_BY),
    (&safety::REPORTS, REPORT_OF),
    (&safety::REPORTS, REPORTS_AFTER),
    (&safety::REPORTS, EXPIRED),
    (&pictures::PICTURES, EXPIRED),
    (&rows::OPERATORS, OPERATORS),
    (&safety::REPORTS, REPORTS_BY),
    (&people::ERASURES, PEOPLE_DUE),
    (&people::TELLINGS, PEOPLE_DUE),
    (&invites::INVITES, INVITES_OF),
    (&invites::INVITES, EXPIRED),
    (&pictures::PICTURES, PICTURES_OF),
    (&people::HANDLES, HANDLES_OF),
];

/// Of what a list is put together.
pub(crate) fn list(key: &PlainKey) -> Vec<ListOf> {
    let one = |form, rest, values| vec![ListOf { form, rest, values }];
    match key {
        PlainKey::IdentitiesOf(who) => one(&rows::IDENTITIES, OF_USER, vec![who.as_str().into()]),
        PlainKey::SessionsOf(who) => one(&rows::SESSIONS, SESSIONS_OF, vec![who.as_str().into()]),
        PlainKey::BlocksOf(who, after, limit) => {
            let after = after.as_ref().map_or("", UserId::as_str);
            one(&rows::BLOCKS, BLOCKS_OF, page(who, after, *limit))
        }
        PlainKey::BlockersOf(who) => one(&rows::BLOCKS, BLOCKERS_OF, vec![who.as_str().into()]),
        PlainKey::RevokedSince(time) => one(&rows::SESSIONS, REVOKED, vec![time.0.into()]),
        PlainKey::StandingSince(time) => one(&safety::PEOPLE, STANDING_SINCE, vec![time.0.into()]),
        PlainKey::AuditBefore(who, before, limit) => {
            let before = before.map_or(Uuid::max(), |id| id.0);
            one(&safety::AUDIT, AUDIT_BEFORE, page(who, before, *limit))
        }
        PlainKey::AuditBy(who, after, limit) => {
            let place = after.map_or(Uuid::nil(), |id| id.0);
            one(&safety::AUDIT, AUDIT_BY, page(who, place, *limit))
        }
        PlainKey::ReportOf(who, subject) => {
            let values = vec![
                who.as_str().into(),
                safety::subject(subject).as_str().into(),
            ];
            one(&safety::REPORTS, REPORT_OF, values)
        }
        PlainKey::ReportsAfter(who, after, limit) => {
            // Nothing has the nil id: it is before all.
            let (time, id) = after.map_or((None, Uuid::nil()), |(time, id)| (time, id.0));
            let values = vec![
                who.as_str().into(),
                time.map_or(0, |time| time.0).into(),
                id.as_bytes()[..].into(),
                (*limit as i64).into(),
            ];
            one(&safety::REPORTS, REPORTS_AFTER, values)
        }
        PlainKey::ReportsBy(who, after, limit) => {
            let place = after.map_or(Uuid::nil(), |id| id.0);
            one(&safety::REPORTS, REPORTS_BY, page(who, place, *limit))
        }
        PlainKey::ErasuresDue(time, limit) => {
            one(&people::ERASURES, PEOPLE_DUE, until(*time, *limit))
        }
        PlainKey::TellingsDue(time, limit) => {
            one(&people::TELLINGS, PEOPLE_DUE, until(*time, *limit))
        }
        PlainKey::Operators(limit) => {
            one(&rows::OPERATORS, OPERATORS, vec![(*limit as i64).into()])
        }
        PlainKey::InvitesOf(id) => one(&invites::INVITES, INVITES_OF, vec![id.0.into()]),
        PlainKey::PicturesOf(who, after, limit) => {
            let after = after.map_or_else(String::new, |id| id.to_string());
            let values = page(who, after.as_str(), *limit);
            one(&pictures::PICTURES, PICTURES_OF, values)
        }
        PlainKey::HandlesOf(who) => one(&people::HANDLES, HANDLES_OF, vec![who.as_str().into()]),
        PlainKey::SigningKeys => one(&rows::SIGNING_KEYS, ALL_KEYS, Vec::new()),
        PlainKey::EffectsDue(time, limit) => one(&rows::EFFECTS, DUE, until(*time, *limit)),
        PlainKey::Expired(time, limit) => {
            let all = LISTS.iter().filter(|(_, rest)| *rest == EXPIRED);
            let of = |(form, rest): &(&'static Form, &'static str)| ListOf {
                form,
                rest,
                values: until(*time, *limit),
            };
            all.map(of).collect()
        }
        _ => Vec::new(),
    }
}

/// The values of a list of what is due at a time: until when, how many.
fn until(time: Timestamp, limit: usize) -> Vec<Cell> {
    vec![time.0.into(), (limit as i64).into()]
}

/// The values of a list that goes on from a place: of whom, from where, how many.
fn page(who: &UserId, place: impl Into<Cell>, limit: usize) -> Vec<Cell> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    vec![who.as_str().into(), place.into(), limit.into()]
}

/// The key of a row whose key columns were read.
pub(crate) fn key_of(form: &Form, cells: Vec<Cell>) -> Result<PlainKey, Error> {
    rows::key_of(form, &mut Cells::new(cells))
}

/// Where a row is: its table and the values of its key.
pub(crate) fn place(key: &PlainKey) -> Option<(&'static Form, Vec<Cell>)> {
    rows::place(key)
}

/// Puts what was found under a key into the rows; none: there is nothing.
pub(crate) fn found(
    key: &PlainKey,
    cells: Option<Vec<Cell>>,
    rows: &mut Rows,
) -> Result<(), Error> {
    rows::found(key, cells.map(Cells::new), rows)
}

/// Whether a key's row was looked for.
pub(crate) fn is_known(key: &PlainKey, rows: &Rows) -> bool {
    match key {
        PlainKey::Identity(kind, value) => rows.identities.knows(&(*kind, value.clone())),
        PlainKey::Challenge(id) => rows.challenges.knows(id),
        PlainKey::Session(id) => rows.sessions.knows(id),
        PlainKey::SigningKey(name) => rows.signing_keys.knows(name),
        PlainKey::Effect(id) => rows.effects.knows(id),
        PlainKey::Budget(name) => rows.budgets.knows(name),
        PlainKey::Operator(who) => rows.operators.knows(who),
        PlainKey::Handle(handle) => rows.handles.knows(handle),
        PlainKey::Findability(who) => rows.findability.knows(who),
        PlainKey::Audit(id) => rows.audit.knows(id),
        PlainKey::Report(id) => rows.reports.knows(id),
        PlainKey::Erasure(who) => rows.erasures.knows(who),
        PlainKey::Telling(who) => rows.tellings.knows(who),
        PlainKey::Invite(id) => rows.invites.knows(id),
        PlainKey::Picture(id) => rows.pictures.knows(id),
        PlainKey::PictureBytes(id) => rows.picture_bytes.knows(id),
        PlainKey::Block(by, who) => rows.blocks.knows(&(by.clone(), who.clone())),
        list => rows
            .lists
            .contains_key(&semel_core::Key::Plain(list.clone())),
    }
}

/// A row that changed: its table, its key, its columns; none: it goes.
pub(crate) type Changed = (&'static Form, Vec<Cell>, Option<Vec<Cell>>);

/// Everything that changed.
pub(crate) fn changed(changes: &Changes) -> Vec<Changed> {
    let mut all = Vec::new();
    add(&mut all, &changes.identities);
    add(&mut all, &changes.challenges);
    add(&mut all, &changes.sessions);
    add(&mut all, &changes.signing_keys);
    add(&mut all, &changes.effects);
    add(&mut all, &changes.budgets);
    add(&mut all, &changes.operators);
    add(&mut all, &changes.handles);
    add(&mut all, &changes.findability);
    add(&mut all, &changes.blocks);
    add(&mut all, &changes.audit);
    add(&mut all, &changes.reports);
    add(&mut all, &changes.erasures);
    add(&mut all, &changes.tellings);
    add(&mut all, &changes.invites);
    add(&mut all, &changes.pictures);
    add(&mut all, &changes.picture_bytes);
    all
}

fn add<V: Stored>(all: &mut Vec<Changed>, rows: &[(V::Key, Option<V>)]) {
    let cells =
        |(key, row): &(V::Key, Option<V>)| (V::FORM, V::key(key), row.as_ref().map(Stored::cells));
    all.extend(rows.iter().map(cells));
}

/// `SELECT` of a row.
pub(crate) fn select(form: &Form) -> String {
    format!(
        "SELECT {} FROM {} WHERE {}",
        names(form.columns).join(", "),
        form.table,
        equal(form)
    )
}

/// `SELECT` of keys.
pub(crate) fn select_keys(form: &Form, rest: &str) -> String {
    let keys = names(form.keys).join(", ");
    format!("SELECT {keys} FROM {} {rest}", form.table)
}

/// Writes a row, there or not.
pub(crate) fn put(form: &Form) -> String {
    let (keys, columns) = (names(form.keys), names(form.columns));
    let all: Vec<&str> = keys.iter().chain(&columns).copied().collect();
    let values: Vec<String> = (1..=all.len()).map(|at| format!("${at}")).collect();
    let changes: Vec<String> = columns
        .iter()
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}",
        form.table,
        all.join(", "),
        values.join(", "),
        keys.join(", "),
        changes.join(", "),
    )
}

/// Removes a row.
pub(crate) fn remove(form: &Form) -> String {
    format!("DELETE FROM {} WHERE {}", form.table, equal(form))
}

fn names(columns: &[(&'static str, Kind)]) -> Vec<&'static str> {
    columns.iter().map(|(name, _)| *name).collect()
}

fn equal(form: &Form) -> String {
    let keys = (1..).zip(form.keys);
    let equal: Vec<String> = keys
        .map(|(at, (name, _))| format!("{name} = ${at}"))
        .collect();
    equal.join(" AND ")
}
