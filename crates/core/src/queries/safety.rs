//! What is asked to keep people safe. Who may ask is decided by the token, before.

use semel_protocol::{AuditId, Timestamp, UserId};

use crate::{Rows, Stop, plain::PlainKey, safety::AuditRow};

/// Up to `limit` of what operators did, newest first, before the one given.
pub fn audit(
    rows: &Rows,
    before: Option<AuditId>,
    limit: usize,
) -> Result<Vec<(AuditId, AuditRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::AuditBefore(before, limit))?;
    let ids = keys.iter().filter_map(|key| match key {
        PlainKey::Audit(id) => Some(*id),
        _ => None,
    });
    let found = Rows::gather(ids, |id| Ok((id, rows.audited(id)?.cloned())))?;
    Ok(found
        .into_iter()
        .filter_map(|(id, row)| Some((id, row?)))
        .collect())
}

/// Who was suspended after a time, and still is.
pub fn suspended_since(rows: &Rows, time: Timestamp) -> Result<Vec<UserId>, Stop> {
    let keys = rows.plain_list(&PlainKey::StandingSince(time))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Person(who) => Some(who.clone()),
        _ => None,
    });
    Ok(people.collect())
}
