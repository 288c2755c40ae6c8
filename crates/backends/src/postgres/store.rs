//! From changes to rows: a batch of changes becomes one statement for each table, within the caller's transaction.
//!
//! Invariant: nothing is read here. Unique constraints decide between two who add the same; who changes a row has locked
//! it, or names the version that was read.

use futures_util::future::{BoxFuture, try_join_all};
use semel_core::{
    Changes,
    participants_key::ParticipantsKey,
    row::{AnswerRow, EntryRow, Fact, MessageRow, ThreadRow, UserRow},
    rows::{AnswerKey, Place},
};
use semel_protocol::{ThreadId, UserId, message::MessageKind};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    codec::{
        Named, encode_fact, encode_ids, encode_periods, encode_reactions, encode_standing,
        encode_subject,
    },
    connect::Session,
    locks::Locks,
    plain,
    store_sql::{
        ADD_ANSWERS, ADD_CLIENT_IDS, ADD_OWNERS, ADD_USERS, APPEND, APPEND_PLAIN, CHANGE_USERS,
        NAME_ANSWERS, PUT_CONTACTS, PUT_HEADS, PUT_PARTICIPANTS, PUT_PERSON_LOG, PUT_POSITIONS,
        PUT_THREADS, REMOVE_ANSWERS, REMOVE_CONTACTS, REMOVE_LINES, REMOVE_OWNERS, UNNAME_ANSWERS,
        UPDATE_MESSAGES,
    },
};
use crate::{
    Error,
    lines::{NewLine, log_lines, never_removed},
};

/// A statement under way.
type Writing<'a> = BoxFuture<'a, Result<(), Error>>;
/// What a statement must do for each of its values.
#[derive(Clone, Copy)]
enum Each {
    /// Anything.
    Any,
    /// Change or add one row, or somebody else has changed it: everything is decided anew.
    OrConflict(&'static str),
    /// Change one row, or the database breaks its own rules.
    OrCorrupt(&'static str),
}

/// A statement over columns of values, side by side; nothing for no values.
macro_rules! write {
    ($to:ident, $each:expr, $sql:expr; $first:ident $(, $more:ident)*) => {
        if !$first.is_empty() {
            let session = $to.session;
            $to.writing.push(Box::pin(async move {
                let count = $first.len();
                let values: &[&(dyn ToSql + Sync)] = &[&$first $(, &$more)*];
                execute(session, $sql, values, count, $each).await
            }));
        }
    };
}

/// The statements of a batch.
struct Writer<'a> {
    session: &'a Session,
    writing: Vec<Writing<'a>>,
}

/// Stores what a batch changed: all statements are under way at once, in this order.
pub(super) async fn store(
    session: &Session,
    changes: &Changes,
    locks: &mut Locks,
) -> Result<(), Error> {
    let mut writer = Writer {
        session,
        writing: Vec::new(),
    };
    writer.threads(&changes.threads)?;
    let log = log_lines(changes)?;
    let (plain, others) = log.lines.into_iter().partition::<Vec<_>, _>(is_plain);
    writer.plain_lines(&plain)?;
    writer.lines(&others)?;
    writer.messages(&log.updates)?;
    writer.client_ids(changes)?;
    writer.participants(changes)?;
    writer.positions(changes)?;
    writer.participants_keys(&changes.participants_keys);
    writer.users(&changes.users, locks)?;
    writer.contacts(changes);
    writer.person_logs(changes)?;
    writer.answers(&changes.answers, locks);
    plain::store(session, changes, &mut writer.writing);
    try_join_all(writer.writing).await?;
    for (who, _) in &changes.users {
        // It is this transaction's own now.
        locks.users.remove(who);
    }
    for (key, row) in &changes.answers {
        match row {
            Some(_) => locks.answers.insert(key.clone()),
            None => locks.answers.remove(key),
        };
    }
    Ok(())
}

async fn execute(
    session: &Session,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
    count: usize,
    each: Each,
) -> Result<(), Error> {
    let statement = session.statement(sql);
    let changed = session.client().execute(statement, values).await?;
    match each {
        Each::OrConflict(what) if changed != count as u64 => Err(Error::Conflict(what)),
        Each::OrCorrupt(what) if changed != count as u64 => {
            Err(Error::Corrupt(format!("{what} is not there")))
        }
        _ => Ok(()),
    }
}

/// Whether a line is a message as it was sent, which nothing has happened to.
fn is_plain(line: &NewLine<'_>) -> bool {
    let is_as_sent = |message: &MessageRow| {
        message.kind == MessageKind::Text
            && message.rev == line.entry.rev
            && message.reply_to.is_none()
            && message.reactions.is_empty()
            && message.edited_at.is_none()
            && message.deleted_at.is_none()
    };
    line.entry.fact == Fact::Message
        && line.entry.seq == Some(line.last_seq)
        && line.message.is_some_and(is_as_sent)
}

/// The rows, none of which may go.
fn present<'a, K, V>(rows: &'a [(K, Option<V>)], what: &str) -> Result<Vec<(&'a K, &'a V)>, Error> {
    let present = rows.iter().map(|(key, row)| Some((key, row.as_ref()?)));
    present
        .collect::<Option<_>>()
        .ok_or_else(|| never_removed(what))
}

/// The rows that are not removed.
fn those_there<K, V>(rows: &[(K, Option<V>)]) -> Vec<(&K, &V)> {
    let there = rows.iter().map(|(key, row)| Some((key, row.as_ref()?)));
    there.flatten().collect()
}

/// One column.
fn column<R, T>(rows: &[R], value: impl FnMut(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// How people stand, and since when.
fn standings(rows: &[(&UserId, &UserRow)]) -> (Vec<Option<&'static str>>, Vec<Option<i64>>) {
    rows.iter()
        .map(|(_, row)| encode_standing(row.standing))
        .unzip()
}

/// One column of values that have to be put into words.
fn worded<R, T>(rows: &[R], value: impl FnMut(&R) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    rows.iter().map(value).collect()
}

impl<'a> Writer<'a> {
    fn threads(&mut self, threads: &'a [(ThreadId, Option<ThreadRow>)]) -> Result<(), Error> {
        let rows = present(threads, "a thread")?;
        let id = column(&rows, |(id, _)| id.0);
        let thread_type = column(&rows, |(_, row)| row.thread_type.name());
        let title = column(&rows, |(_, row)| row.title.as_deref());
        let is_automatic = column(&rows, |(_, row)| row.title_is_automatic);
        let picture = column(&rows, |(_, row)| row.picture.as_deref());
        let history = column(&rows, |(_, row)| row.settings.history.name());
        let posting = column(&rows, |(_, row)| row.settings.posting.name());
        let key = column(&rows, |(_, row)| {
            row.participants_key.as_ref().map(|key| &key.0[..])
        });
        let is_separate = column(&rows, |(_, row)| row.is_separate);
        let people = column(&rows, |(_, row)| row.participant_count as i64);
        let epoch = column(&rows, |(_, row)| row.epoch as i64);
        let created_by = column(&rows, |(_, row)| row.created_by.as_str());
        let created_at = column(&rows, |(_, row)| row.created_at.0);
        let description = column(&rows, |(_, row)| row.description.as_deref());
        let adding = column(&rows, |(_, row)| row.settings.adding.name());
        let naming = column(&rows, |(_, row)| row.settings.naming.name());
        write!(self, Each::Any, PUT_THREADS; id, thread_type, title, is_automatic, picture, history, posting, key,
            is_separate, people, epoch, created_by, created_at, description, adding, naming);
        Ok(())
    }

    /// Most lines by far: half of the columns say nothing of their own, and every column that is sent costs.
    fn plain_lines(&mut self, lines: &[NewLine<'a>]) -> Result<(), Error> {
        let rows: Vec<(&EntryRow, &MessageRow)> = lines
            .iter()
            .filter_map(|line| Some((line.entry, line.message?)))
            .collect();
        let thread_id = column(&rows, |(entry, _)| entry.thread_id.0);
        let rev = column(&rows, |(entry, _)| entry.rev as i64);
        let epoch = column(&rows, |(entry, _)| entry.epoch as i64);
        let seq = column(&rows, |(entry, _)| entry.seq.map(|seq| seq as i64));
        let actor_id = column(&rows, |(entry, _)| entry.actor_id.as_str());
        let created_at = column(&rows, |(entry, _)| entry.created_at.0);
        let content_hash = column(&rows, |(entry, _)| &entry.content_hash[..]);
        let chain = column(&rows, |(entry, _)| &entry.chain.0[..]);
        let message_count = column(lines, |line| line.message_count as i64);
        let message_id = column(&rows, |(_, message)| message.id.0);
        let client_id = column(&rows, |(_, message)| message.client_id.map(|id| id.0));
        let content = column(&rows, |(_, message)| message.content.as_str());
        let (name, _) = encode_fact(&Fact::Message)?;
        let kind = MessageKind::Text.name();
        write!(self, Each::Any, APPEND_PLAIN; thread_id, rev, epoch, seq, actor_id, created_at, content_hash, chain,
            message_count, message_id, client_id, content, name, kind);
        Ok(())
    }

    fn lines(&mut self, lines: &[NewLine<'a>]) -> Result<(), Error> {
        let message = |line: &NewLine<'a>| line.message;
        let thread_id = column(lines, |line| line.entry.thread_id.0);
        let rev = column(lines, |line| line.entry.rev as i64);
        let epoch = column(lines, |line| line.entry.epoch as i64);
        let seq = column(lines, |line| line.entry.seq.map(|seq| seq as i64));
        let facts = worded(lines, |line| encode_fact(&line.entry.fact))?;
        let (name, data): (Vec<_>, Vec<_>) = facts.into_iter().unzip();
        let actor_id = column(lines, |line| line.entry.actor_id.as_str());
        let created_at = column(lines, |line| line.entry.created_at.0);
        let content_hash = column(lines, |line| &line.entry.content_hash[..]);
        let chain = column(lines, |line| &line.entry.chain.0[..]);
        let last_seq = column(lines, |line| line.last_seq as i64);
        let message_count = column(lines, |line| line.message_count as i64);
        let message_id = column(lines, |line| message(line).map(|row| row.id.0));
        let message_rev = column(lines, |line| message(line).map(|row| row.rev as i64));
        let client_id = column(lines, |line| message(line)?.client_id.map(|id| id.0));
        let kind = column(lines, |line| message(line).map(|row| row.kind.name()));
        let content = column(lines, |line| message(line).map(|row| row.content.as_str()));
        let reply_to = column(lines, |line| message(line)?.reply_to.map(|id| id.0));
        let reactions = worded(lines, |line| {
            let reactions = message(line).map(|row| encode_reactions(&row.reactions));
            Ok(reactions.transpose()?.flatten())
        })?;
        let edited_at = column(lines, |line| message(line)?.edited_at.map(|time| time.0));
        let deleted_at = column(lines, |line| message(line)?.deleted_at.map(|time| time.0));
        let is_removed = column(lines, |line| {
            message(line).is_some_and(|row| row.is_removed)
        });
        write!(self, Each::Any, APPEND; thread_id, rev, epoch, seq, name, data, actor_id, created_at, content_hash,
            chain, last_seq, message_count, message_id, message_rev, client_id, kind, content, reply_to, reactions,
            edited_at, deleted_at, is_removed);
        Ok(())
    }

    fn messages(&mut self, rows: &[(Place, &'a MessageRow)]) -> Result<(), Error> {
        let thread_id = column(rows, |((id, _), _)| id.0);
        let rev = column(rows, |(_, row)| row.first_rev as i64);
        let seq = column(rows, |((_, seq), _)| *seq as i64);
        let message_rev = column(rows, |(_, row)| row.rev as i64);
        let content = column(rows, |(_, row)| row.content.as_str());
        let reactions = worded(rows, |(_, row)| encode_reactions(&row.reactions))?;
        let edited_at = column(rows, |(_, row)| row.edited_at.map(|time| time.0));
        let deleted_at = column(rows, |(_, row)| row.deleted_at.map(|time| time.0));
        let is_removed = column(rows, |(_, row)| row.is_removed);
        write!(self, Each::OrCorrupt("a message of the log"), UPDATE_MESSAGES; thread_id, rev, seq, message_rev,
            content, reactions, edited_at, deleted_at, is_removed);
        Ok(())
    }

    fn client_ids(&mut self, changes: &'a Changes) -> Result<(), Error> {
        let rows = present(&changes.client_ids, "a client id")?;
        let client_id = column(&rows, |((id, _), _)| id.0);
        let sender_id = column(&rows, |((_, who), _)| who.as_str());
        let thread_id = column(&rows, |(_, row)| row.thread_id.0);
        let seq = column(&rows, |(_, row)| row.seq.map(|seq| seq as i64));
        let content_hash = column(&rows, |(_, row)| &row.content_hash[..]);
        write!(self, Each::Any, ADD_CLIENT_IDS; client_id, sender_id, thread_id, seq, content_hash);
        Ok(())
    }

    fn participants(&mut self, changes: &'a Changes) -> Result<(), Error> {
        let rows = present(&changes.participants, "a participant")?;
        let thread_id = column(&rows, |((id, _), _)| id.0);
        let user_id = column(&rows, |((_, who), _)| who.as_str());
        let role = column(&rows, |(_, row)| row.role.name());
        let joined_rev = column(&rows, |(_, row)| row.joined_rev as i64);
        let periods = worded(&rows, |(_, row)| encode_periods(&row.periods))?;
        let hidden_seq = column(&rows, |(_, row)| row.hidden_seq.map(|seq| seq as i64));
        let is_active = column(&rows, |(_, row)| row.is_active());
        let is_removed = column(&rows, |(_, row)| row.is_removed);
        let block = column(&rows, |(_, row)| row.block.map(Named::name));
        let muted_until = column(&rows, |(_, row)| row.preferences.muted_until.map(|at| at.0));
        let pinned_at = column(&rows, |(_, row)| row.preferences.pinned_at.map(|at| at.0));
        let is_archived = column(&rows, |(_, row)| row.preferences.is_archived);
        write!(self, Each::Any, PUT_PARTICIPANTS; thread_id, user_id, role, joined_rev, periods, hidden_seq, is_active,
            is_removed, block, muted_until, pinned_at, is_archived);
        Ok(())
    }

    fn positions(&mut self, changes: &'a Changes) -> Result<(), Error> {
        let rows = present(&changes.positions, "a position")?;
        let thread_id = column(&rows, |((id, _), _)| id.0);
        let user_id = column(&rows, |((_, who), _)| who.as_str());
        let read_seq = column(&rows, |(_, row)| row.read_seq as i64);
        let read_count = column(&rows, |(_, row)| row.read_count as i64);
        let delivered_seq = column(&rows, |(_, row)| row.delivered_seq as i64);
        write!(self, Each::Any, PUT_POSITIONS; thread_id, user_id, read_seq, read_count, delivered_seq);
        Ok(())
    }

    /// Removes all of them before it adds any: within a batch a key may pass from thread to thread.
    fn participants_keys(&mut self, keys: &'a [(ParticipantsKey, Option<ThreadId>)]) {
        let removed: Vec<&[u8]> = keys.iter().map(|(key, _)| &key.0[..]).collect();
        write!(self, Each::Any, REMOVE_OWNERS; removed);
        let owned = || {
            keys.iter()
                .filter_map(|(key, owner)| Some((key, (*owner)?)))
        };
        let key: Vec<&[u8]> = owned().map(|(key, _)| &key.0[..]).collect();
        let thread_id: Vec<Uuid> = owned().map(|(_, owner)| owner.0).collect();
        write!(self, Each::Any, ADD_OWNERS; key, thread_id);
    }

    /// Adds people who were looked for and absent, and changes the others, if they are still as they were read.
    fn users(
        &mut self,
        users: &'a [(UserId, Option<UserRow>)],
        locks: &Locks,
    ) -> Result<(), Error> {
        let rows = present(users, "a person")?;
        let is_absent = |who: &UserId| matches!(locks.users.get(who), Some(None));
        let (new, old): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(who, _)| is_absent(who));
        let id = column(&new, |(who, _)| who.as_str());
        let display_name = column(&new, |(_, row)| row.display_name.as_deref());
        let about = column(&new, |(_, row)| row.about.as_deref());
        let picture = column(&new, |(_, row)| row.picture.as_deref());
        let created_at = column(&new, |(_, row)| row.created_at.0);
        let updated_at = column(&new, |(_, row)| row.updated_at.0);
        let handle = column(&new, |(_, row)| row.handle.as_deref());
        let (standing, standing_at) = standings(&new);
        write!(self, Each::Any, ADD_USERS; id, display_name, about, picture, created_at, updated_at, handle,
            standing, standing_at);
        let id = column(&old, |(who, _)| who.as_str());
        let display_name = column(&old, |(_, row)| row.display_name.as_deref());
        let about = column(&old, |(_, row)| row.about.as_deref());
        let picture = column(&old, |(_, row)| row.picture.as_deref());
        let updated_at = column(&old, |(_, row)| row.updated_at.0);
        let handle = column(&old, |(_, row)| row.handle.as_deref());
        let (standing, standing_at) = standings(&old);
        let version = column(&old, |(who, _)| locks.users.get(*who).cloned().flatten());
        write!(self, Each::OrConflict("a person was changed"), CHANGE_USERS; id, display_name, about, picture,
            updated_at, handle, version, standing, standing_at);
        Ok(())
    }

    fn contacts(&mut self, changes: &'a Changes) {
        let gone: Vec<_> = changes
            .contacts
            .iter()
            .filter(|(_, row)| row.is_none())
            .collect();
        let user_id = column(&gone, |((of, _), _)| of.as_str());
        let contact_id = column(&gone, |((_, who), _)| who.as_str());
        write!(self, Each::Any, REMOVE_CONTACTS; user_id, contact_id);
        let rows = those_there(&changes.contacts);
        let user_id = column(&rows, |((of, _), _)| of.as_str());
        let contact_id = column(&rows, |((_, who), _)| who.as_str());
        let since = column(&rows, |(_, row)| row.since.0);
        let own_name = column(&rows, |(_, row)| row.own_name.as_deref());
        write!(self, Each::OrConflict("a contact was added"), PUT_CONTACTS; user_id, contact_id, since, own_name);
    }

    fn person_logs(&mut self, changes: &'a Changes) -> Result<(), Error> {
        let rows = present(&changes.person_heads, "a person's head")?;
        let user_id = column(&rows, |(who, _)| who.as_str());
        let user_rev = column(&rows, |(_, head)| **head as i64);
        write!(self, Each::OrConflict("a person's log went on"), PUT_HEADS; user_id, user_rev);
        let gone: Vec<_> = changes
            .person_log
            .iter()
            .filter(|(_, row)| row.is_none())
            .collect();
        let user_id = column(&gone, |((who, _), _)| who.as_str());
        let subject = column(&gone, |((_, subject), _)| encode_subject(subject).0);
        let subject_id = column(&gone, |((_, subject), _)| encode_subject(subject).1);
        write!(self, Each::Any, REMOVE_LINES; user_id, subject, subject_id);
        let rows = those_there(&changes.person_log);
        let user_id = column(&rows, |((who, _), _)| who.as_str());
        let subject = column(&rows, |((_, subject), _)| encode_subject(subject).0);
        let subject_id = column(&rows, |((_, subject), _)| encode_subject(subject).1);
        let user_rev = column(&rows, |(_, number)| **number as i64);
        write!(self, Each::Any, PUT_PERSON_LOG; user_id, subject, subject_id, user_rev);
        Ok(())
    }

    /// Those that are there are locked, and are replaced; of the others there must be none.
    fn answers(&mut self, answers: &'a [(AnswerKey, Option<AnswerRow>)], locks: &Locks) {
        let is_old = |key: &AnswerKey| locks.answers.contains(key);
        let old: Vec<&AnswerKey> = answers
            .iter()
            .map(|(key, _)| key)
            .filter(|key| is_old(key))
            .collect();
        let who = column(&old, |(who, _)| who.as_str());
        let key = column(&old, |(_, key)| key.as_str());
        let (who_again, key_again) = (who.clone(), key.clone());
        write!(self, Each::Any, REMOVE_ANSWERS; who, key);
        write!(self, Each::Any, UNNAME_ANSWERS; who_again, key_again);
        let rows: Vec<(&AnswerKey, &AnswerRow)> = answers
            .iter()
            .filter_map(|(key, row)| Some((key, row.as_ref()?)))
            .collect();
        let who = column(&rows, |((who, _), _)| who.as_str());
        let key = column(&rows, |((_, key), _)| key.as_str());
        let fingerprint = column(&rows, |(_, row)| &row.fingerprint[..]);
        let status = column(&rows, |(_, row)| i64::from(row.status));
        let body = column(&rows, |(_, row)| &row.body[..]);
        let location = column(&rows, |(_, row)| row.location.as_deref());
        let created_at = column(&rows, |(_, row)| row.created_at.0);
        let message_ids = column(&rows, |(_, row)| encode_ids(&row.message_ids));
        write!(self, Each::Any, ADD_ANSWERS; who, key, fingerprint, status, body, location, created_at, message_ids);
        let named = || {
            let ids = |row: &'a AnswerRow| row.message_ids.iter();
            rows.iter()
                .flat_map(move |(key, row)| ids(row).map(move |id| (id.0, *key)))
        };
        let id: Vec<Uuid> = named().map(|(id, _)| id).collect();
        let who: Vec<&str> = named().map(|(_, (who, _))| who.as_str()).collect();
        let key: Vec<&str> = named().map(|(_, (_, key))| key.as_str()).collect();
        write!(self, Each::Any, NAME_ANSWERS; id, who, key);
    }
}
