//! From changes to rows: a batch of changes becomes SQL, within the caller's transaction.
//!
//! Invariant: nothing is read here. Unique constraints are the net under what the core decided.

use rusqlite::{Connection, params};
use semel_core::{
    Changes,
    participants_key::ParticipantsKey,
    row::{AnswerRow, MessageRow, ThreadRow},
    rows::{AnswerKey, Place},
};
use semel_protocol::ThreadId;

use super::{
    codec::{
        Named, encode_fact, encode_ids, encode_periods, encode_reactions, encode_standing,
        encode_subject,
    },
    plain,
};
use crate::{
    Error,
    lines::{log_lines, never_removed},
};

/// Stores what a batch changed.
pub(super) fn store(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    store_threads(connection, &changes.threads)?;
    store_log(connection, changes)?;
    store_client_ids(connection, changes)?;
    store_participants(connection, changes)?;
    store_positions(connection, changes)?;
    store_participants_keys(connection, &changes.participants_keys)?;
    store_people(connection, changes)?;
    store_person_logs(connection, changes)?;
    store_answers(connection, &changes.answers)?;
    plain::store(connection, changes)
}

fn store_threads(
    connection: &Connection,
    threads: &[(ThreadId, Option<ThreadRow>)],
) -> Result<(), Error> {
    if threads.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO threads (id, thread_type, title, title_is_automatic, picture, history, posting,
             participants_key, is_separate, participant_count, epoch, created_by, created_at, description, adding,
             naming)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (id) DO UPDATE SET
             title = excluded.title, title_is_automatic = excluded.title_is_automatic,
             picture = excluded.picture, history = excluded.history, posting = excluded.posting,
             participants_key = excluded.participants_key, is_separate = excluded.is_separate,
             participant_count = excluded.participant_count, epoch = excluded.epoch,
             description = excluded.description, adding = excluded.adding, naming = excluded.naming",
    )?;
    for (id, row) in threads {
        let Some(row) = row else {
            return Err(never_removed("a thread"));
        };
        put.execute(params![
            id.0.as_bytes(),
            row.thread_type.name(),
            row.title,
            row.title_is_automatic,
            row.picture,
            row.settings.history.name(),
            row.settings.posting.name(),
            row.participants_key.map(|key| key.0),
            row.is_separate,
            row.participant_count as i64,
            row.epoch as i64,
            row.created_by.as_str(),
            row.created_at.0,
            row.description,
            row.settings.adding.name(),
            row.settings.naming.name(),
        ])?;
    }
    Ok(())
}

/// New entries are appended, each together with the message that it brought; a message that was there before is updated.
fn store_log(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    let log = log_lines(changes)?;
    if !log.lines.is_empty() {
        let mut append = connection.prepare_cached(
            "INSERT INTO log (thread_id, rev, epoch, seq, type, data, actor_id, created_at, content_hash, chain,
                 last_seq, message_count, message_id, message_rev, client_id, kind, content, reply_to, reactions,
                 edited_at, deleted_at, is_removed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)",
        )?;
        for line in &log.lines {
            let (entry, message) = (line.entry, line.message);
            let (name, data) = encode_fact(&entry.fact)?;
            let reactions = message.map(|message| encode_reactions(&message.reactions));
            append.execute(params![
                entry.thread_id.0.as_bytes(),
                entry.rev as i64,
                entry.epoch as i64,
                entry.seq.map(|seq| seq as i64),
                name,
                data,
                entry.actor_id.as_str(),
                entry.created_at.0,
                entry.content_hash,
                entry.chain.0,
                line.last_seq as i64,
                line.message_count as i64,
                message.map(|message| message.id.0.as_bytes()),
                message.map(|message| message.rev as i64),
                message
                    .and_then(|message| message.client_id.as_ref())
                    .map(|id| id.0.as_bytes()),
                message.map(|message| message.kind.name()),
                message.map(|message| message.content.as_str()),
                message
                    .and_then(|message| message.reply_to.as_ref())
                    .map(|id| id.0.as_bytes()),
                reactions.transpose()?.flatten(),
                message
                    .and_then(|message| message.edited_at)
                    .map(|time| time.0),
                message
                    .and_then(|message| message.deleted_at)
                    .map(|time| time.0),
                message.is_some_and(|message| message.is_removed),
            ])?;
        }
    }
    for (place, row) in log.updates {
        update_message(connection, place, row)?;
    }
    Ok(())
}

fn update_message(connection: &Connection, place: Place, row: &MessageRow) -> Result<(), Error> {
    let mut update = connection.prepare_cached(
        "UPDATE log SET message_rev = ?3, content = ?4, reactions = ?5, edited_at = ?6, deleted_at = ?7, is_removed = ?9
         WHERE thread_id = ?1 AND rev = ?8 AND seq = ?2",
    )?;
    let count = update.execute(params![
        place.0.0.as_bytes(),
        place.1 as i64,
        row.rev as i64,
        row.content,
        encode_reactions(&row.reactions)?,
        row.edited_at.map(|time| time.0),
        row.deleted_at.map(|time| time.0),
        row.first_rev as i64,
        row.is_removed,
    ])?;
    if count == 1 {
        Ok(())
    } else {
        Err(Error::Corrupt(format!(
            "message {} of {} is not in the log",
            place.1, place.0
        )))
    }
}

fn store_client_ids(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    if changes.client_ids.is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(
        "INSERT INTO client_ids (client_id, sender_id, thread_id, seq, content_hash) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((id, who), row) in &changes.client_ids {
        let Some(row) = row else {
            return Err(never_removed("a client id"));
        };
        add.execute(params![
            id.0.as_bytes(),
            who.as_str(),
            row.thread_id.0.as_bytes(),
            row.seq.map(|seq| seq as i64),
            row.content_hash,
        ])?;
    }
    Ok(())
}

fn store_participants(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    if changes.participants.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO participants (thread_id, user_id, role, joined_rev, periods, hidden_seq, is_active, is_removed,
             block, muted_until, pinned_at, is_archived)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (thread_id, user_id) DO UPDATE SET
             role = excluded.role, joined_rev = excluded.joined_rev, periods = excluded.periods,
             hidden_seq = excluded.hidden_seq, is_active = excluded.is_active,
             is_removed = excluded.is_removed, block = excluded.block, muted_until = excluded.muted_until,
             pinned_at = excluded.pinned_at, is_archived = excluded.is_archived",
    )?;
    for ((thread, who), row) in &changes.participants {
        let Some(row) = row else {
            return Err(never_removed("a participant"));
        };
        put.execute(params![
            thread.0.as_bytes(),
            who.as_str(),
            row.role.name(),
            row.joined_rev as i64,
            encode_periods(&row.periods)?,
            row.hidden_seq.map(|seq| seq as i64),
            row.is_active(),
            row.is_removed,
            row.block.map(Named::name),
            row.preferences.muted_until.map(|time| time.0),
            row.preferences.pinned_at.map(|time| time.0),
            row.preferences.is_archived,
        ])?;
    }
    Ok(())
}

fn store_positions(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    if changes.positions.is_empty() {
        return Ok(());
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO positions (thread_id, user_id, read_seq, read_count, delivered_seq)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (thread_id, user_id) DO UPDATE SET
             read_seq = excluded.read_seq, read_count = excluded.read_count,
             delivered_seq = excluded.delivered_seq",
    )?;
    for ((thread, who), row) in &changes.positions {
        let Some(row) = row else {
            return Err(never_removed("a position"));
        };
        put.execute(params![
            thread.0.as_bytes(),
            who.as_str(),
            row.read_seq as i64,
            row.read_count as i64,
            row.delivered_seq as i64,
        ])?;
    }
    Ok(())
}

/// Removes all of them before it adds any: within a batch a key may pass from thread to thread.
fn store_participants_keys(
    connection: &Connection,
    keys: &[(ParticipantsKey, Option<ThreadId>)],
) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut remove =
        connection.prepare_cached("DELETE FROM participants_keys WHERE participants_key = ?1")?;
    for (key, _) in keys {
        remove.execute([key.0])?;
    }
    let mut add = connection.prepare_cached(
        "INSERT INTO participants_keys (participants_key, thread_id) VALUES (?1, ?2)",
    )?;
    for (key, owner) in keys {
        if let Some(owner) = owner {
            add.execute(params![key.0, owner.0.as_bytes()])?;
        }
    }
    Ok(())
}

fn store_people(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    for (who, row) in &changes.users {
        let Some(row) = row else {
            return Err(never_removed("a person"));
        };
        let (standing, standing_at) = encode_standing(row.standing);
        let mut put = connection.prepare_cached(
            "INSERT INTO users (id, display_name, about, picture, created_at, updated_at, handle, standing,
                 standing_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (id) DO UPDATE SET
                 display_name = excluded.display_name, about = excluded.about,
                 picture = excluded.picture, updated_at = excluded.updated_at, handle = excluded.handle,
                 standing = excluded.standing, standing_at = excluded.standing_at",
        )?;
        put.execute(params![
            who.as_str(),
            row.display_name,
            row.about,
            row.picture,
            row.created_at.0,
            row.updated_at.0,
            row.handle,
            standing,
            standing_at,
        ])?;
    }
    for ((of, who), row) in &changes.contacts {
        let Some(row) = row else {
            let mut remove = connection
                .prepare_cached("DELETE FROM contacts WHERE user_id = ?1 AND contact_id = ?2")?;
            remove.execute(params![of.as_str(), who.as_str()])?;
            continue;
        };
        let mut put = connection.prepare_cached(
            "INSERT INTO contacts (user_id, contact_id, since, own_name) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (user_id, contact_id) DO UPDATE SET
                 since = excluded.since, own_name = excluded.own_name",
        )?;
        put.execute(params![
            of.as_str(),
            who.as_str(),
            row.since.0,
            row.own_name
        ])?;
    }
    Ok(())
}

fn store_person_logs(connection: &Connection, changes: &Changes) -> Result<(), Error> {
    for (who, head) in &changes.person_heads {
        let Some(head) = head else {
            return Err(never_removed("a person's head"));
        };
        let mut put = connection.prepare_cached(
            "INSERT INTO person_heads (user_id, user_rev) VALUES (?1, ?2)
             ON CONFLICT (user_id) DO UPDATE SET user_rev = excluded.user_rev",
        )?;
        put.execute(params![who.as_str(), *head as i64])?;
    }
    for ((who, subject), number) in &changes.person_log {
        let (name, id) = encode_subject(subject);
        let Some(number) = number else {
            let mut remove = connection.prepare_cached(
                "DELETE FROM person_log WHERE user_id = ?1 AND subject = ?2 AND subject_id = ?3",
            )?;
            remove.execute(params![who.as_str(), name, id])?;
            continue;
        };
        let mut put = connection.prepare_cached(
            "INSERT INTO person_log (user_id, subject, subject_id, user_rev) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (user_id, subject, subject_id) DO UPDATE SET user_rev = excluded.user_rev",
        )?;
        put.execute(params![who.as_str(), name, id, *number as i64])?;
    }
    Ok(())
}

fn store_answers(
    connection: &Connection,
    answers: &[(AnswerKey, Option<AnswerRow>)],
) -> Result<(), Error> {
    for ((who, key), row) in answers {
        let mut unname = connection
            .prepare_cached("DELETE FROM answer_messages WHERE user_id = ?1 AND key = ?2")?;
        unname.execute(params![who.as_str(), key])?;
        let Some(row) = row else {
            let mut remove =
                connection.prepare_cached("DELETE FROM answers WHERE user_id = ?1 AND key = ?2")?;
            remove.execute(params![who.as_str(), key])?;
            continue;
        };
        let mut put = connection.prepare_cached(
            "INSERT INTO answers (user_id, key, fingerprint, status, body, location, created_at, message_ids)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (user_id, key) DO UPDATE SET
                 fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,
                 location = excluded.location, created_at = excluded.created_at,
                 message_ids = excluded.message_ids",
        )?;
        put.execute(params![
            who.as_str(),
            key,
            row.fingerprint,
            row.status,
            row.body,
            row.location,
            row.created_at.0,
            encode_ids(&row.message_ids),
        ])?;
        let mut name = connection.prepare_cached(
            "INSERT INTO answer_messages (message_id, user_id, key) VALUES (?1, ?2, ?3)",
        )?;
        for id in &row.message_ids {
            name.execute(params![id.0.as_bytes(), who.as_str(), key])?;
        }
    }
    Ok(())
}
