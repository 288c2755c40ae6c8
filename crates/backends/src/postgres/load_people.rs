//! Keys of people in threads.

use std::collections::{BTreeMap, BTreeSet};

use semel_core::{
    Key, Rows,
    row::{ParticipantRow, PositionRow},
    rows::List,
};
use semel_protocol::{ThreadId, UserId, thread::Role};
use tokio_postgres::Row;

use super::codec::{Columns, MoreColumns, Named, decode_periods};
use crate::Error;

macro_rules! select {
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT p.thread_id, p.user_id, p.role, p.joined_rev, p.periods, p.hidden_seq,
                 o.read_seq, o.read_count, o.delivered_seq,
                 u.display_name, u.about, u.picture, u.created_at, u.updated_at, u.handle,
                 u.standing, u.standing_at,
                 p.is_removed, p.block, p.muted_until, p.pinned_at, p.is_archived
             FROM ",
            $from,
            " LEFT JOIN positions o ON o.thread_id = p.thread_id AND o.user_id = p.user_id
              LEFT JOIN users u ON u.id = p.user_id ",
            $rest
        )
    };
}
pub(super) const SEATS: &str = select!(
    "unnest($1::uuid[], $2::text[]) AS k (id, who)
     JOIN participants p ON p.thread_id = k.id AND p.user_id = k.who COLLATE \"C\"",
    ""
);
pub(super) const ROSTERS: &str = select!("participants p", "WHERE p.thread_id = ANY($1)");
pub(super) const STANDING: &str = select!(
    "participants p",
    "WHERE p.thread_id = $1 AND p.is_active AND (p.joined_rev, p.user_id) > ($2, $3)
     ORDER BY p.joined_rev, p.user_id LIMIT $4"
);

/// Puts one person's rows where they belong: their seat, their position and themselves.
pub(super) fn seated(row: &Row, rows: &mut Rows) -> Result<(ThreadId, UserId), Error> {
    let seat = (ThreadId(row.uuid(0)?), row.user(1)?);
    let participant = ParticipantRow {
        role: Role::named(row.text(2)?)?,
        joined_rev: row.number(3)?,
        periods: decode_periods(row.text(4)?)?,
        hidden_seq: row.number_or_none(5)?,
        is_removed: row.flag(17)?,
        block: row.side_or_none(18)?,
        preferences: row.preferences(19)?,
    };
    let position = match row.number_or_none(6)? {
        Some(read_seq) => Some(PositionRow {
            read_seq,
            read_count: row.number(7)?,
            delivered_seq: row.number(8)?,
        }),
        None => None,
    };
    rows.participants.load(seat.clone(), Some(participant));
    rows.positions.load(seat.clone(), position);
    rows.users.load(seat.1.clone(), row.user_row(9)?);
    Ok(seat)
}

/// Puts everybody who is or was in threads where they belong.
pub(super) fn rosters(
    found: &[Row],
    wanted: &BTreeSet<ThreadId>,
    rows: &mut Rows,
) -> Result<(), Error> {
    let mut people: BTreeMap<ThreadId, Vec<UserId>> = BTreeMap::new();
    for row in found {
        let (id, who) = seated(row, rows)?;
        people.entry(id).or_default().push(who);
    }
    for id in wanted {
        let people = people.remove(id).unwrap_or_default();
        rows.lists.insert(Key::Roster(*id), List::People(people));
    }
    Ok(())
}
