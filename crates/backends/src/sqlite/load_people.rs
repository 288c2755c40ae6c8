//! Keys of people in threads.

use rusqlite::{Connection, Row, params};
use semel_core::{
    Key, Rows,
    row::{ParticipantRow, PositionRow},
    rows::List,
};
use semel_protocol::{Rev, ThreadId, UserId, thread::Role};

use super::{
    codec::{Columns, Named, decode_periods},
    load::{all, bound, one, user},
};
use crate::Error;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT participants.user_id, role, joined_rev, periods, hidden_seq, read_seq, read_count, delivered_seq, ",
            "is_removed, block, muted_until, pinned_at, is_archived ",
            "FROM participants LEFT JOIN positions USING (thread_id, user_id) ",
            $rest
        )
    };
}

type Seated = (UserId, ParticipantRow, Option<PositionRow>);

fn read(row: &Row<'_>) -> Result<Seated, Error> {
    let participant = ParticipantRow {
        role: Role::named(row.text(1)?)?,
        joined_rev: row.number(2)?,
        periods: decode_periods(row.text(3)?)?,
        hidden_seq: row.number_or_none(4)?,
        is_removed: row.flag(8)?,
        block: row.side_or_none(9)?,
        preferences: row.preferences(10)?,
    };
    let position = match row.number_or_none(5)? {
        Some(read_seq) => Some(PositionRow {
            read_seq,
            read_count: row.number(6)?,
            delivered_seq: row.number(7)?,
        }),
        None => None,
    };
    Ok((row.user(0)?, participant, position))
}

pub(super) fn participant(
    connection: &Connection,
    id: ThreadId,
    who: &UserId,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut select = connection.prepare_cached(select!(
        "WHERE participants.thread_id = ?1 AND participants.user_id = ?2"
    ))?;
    let seated = one(&mut select, params![id.0.as_bytes(), who.as_str()], read)?;
    let seat = (id, who.clone());
    let (participant, position) = seated.map(|(_, row, position)| (row, position)).unzip();
    rows.participants.load(seat.clone(), participant);
    rows.positions.load(seat, position.flatten());
    Ok(())
}

pub(super) fn roster(connection: &Connection, id: ThreadId, rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(select!("WHERE participants.thread_id = ?1"))?;
    let seated = all(&mut select, params![id.0.as_bytes()], read)?;
    let people = found(connection, id, seated, rows)?;
    rows.lists.insert(Key::Roster(id), List::People(people));
    Ok(())
}

pub(super) fn standing(
    connection: &Connection,
    id: ThreadId,
    after: Option<&(Rev, UserId)>,
    limit: usize,
    rows: &mut Rows,
) -> Result<(), Error> {
    let seated = match after {
        // As they lie in the table: each is found by one search less.
        None if is_small(id, limit, rows) => {
            let mut select = connection.prepare_cached(select!(
                "WHERE participants.thread_id = ?1 AND +is_active = 1 ORDER BY +joined_rev, +participants.user_id"
            ))?;
            all(&mut select, params![id.0.as_bytes()], read)?
        }
        _ => {
            let mut select = connection.prepare_cached(select!(
                "WHERE participants.thread_id = ?1 AND is_active = 1 AND (joined_rev, participants.user_id) > (?2, ?3)
                 ORDER BY joined_rev, participants.user_id LIMIT ?4"
            ))?;
            let (rev, who) = after.map_or((0, ""), |(rev, who)| (*rev, who.as_str()));
            let parameters = params![id.0.as_bytes(), bound(rev), who, limit as i64];
            all(&mut select, parameters, read)?
        }
    };
    let people = found(connection, id, seated, rows)?;
    rows.lists.insert(
        Key::Standing(id, after.cloned(), limit),
        List::People(people),
    );
    Ok(())
}

/// Whether a page holds everybody who is in a thread.
fn is_small(id: ThreadId, limit: usize, rows: &Rows) -> bool {
    let thread = rows.threads.get(&id).flatten();
    thread.is_some_and(|thread| thread.participant_count <= limit as u64)
}

fn found(
    connection: &Connection,
    id: ThreadId,
    seated: Vec<Seated>,
    rows: &mut Rows,
) -> Result<Vec<UserId>, Error> {
    let mut people = Vec::with_capacity(seated.len());
    for (who, participant, position) in seated {
        let seat = (id, who.clone());
        rows.participants.load(seat.clone(), Some(participant));
        rows.positions.load(seat, position);
        people.push(who);
    }
    for who in &people {
        if !rows.users.knows(who) {
            user(connection, who, rows)?;
        }
    }
    Ok(people)
}
