//! What is asked to keep people safe. Who may ask is decided by the token, before.

use semel_protocol::{AuditId, ReportId, Timestamp, UserId, limits::OPERATORS_MAX};

use crate::{
    Rows, Stop,
    plain::PlainKey,
    row::Standing,
    safety::{AuditRow, ReportPlace, ReportRow},
};

/// Up to `limit` of what operators did, newest first, before the one given. What others did to the one who asks is left out: how a
/// report about them was resolved could be read off it.
pub fn audit(
    rows: &Rows,
    operator: &UserId,
    before: Option<AuditId>,
    limit: usize,
) -> Result<Vec<(AuditId, AuditRow)>, Stop> {
    let list = PlainKey::AuditBefore(operator.clone(), before, limit);
    let id = |key: &PlainKey| match key {
        PlainKey::Audit(id) => Some(*id),
        _ => None,
    };
    rows.listed(&list, id, Rows::audited)
}

/// Up to `limit` reports that an operator may see, which are those about others: open ones first, after the place given.
pub fn reports(
    rows: &Rows,
    operator: &UserId,
    after: Option<ReportPlace>,
    limit: usize,
) -> Result<Vec<(ReportId, ReportRow)>, Stop> {
    let list = PlainKey::ReportsAfter(operator.clone(), after, limit);
    let id = |key: &PlainKey| match key {
        PlainKey::Report(id) => Some(*id),
        _ => None,
    };
    rows.listed(&list, id, Rows::report)
}

/// Who runs this server, by id, each with since when.
pub fn operators(rows: &Rows) -> Result<Vec<(UserId, Timestamp)>, Stop> {
    let keys = rows.plain_list(&PlainKey::Operators(OPERATORS_MAX))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Operator(who) => Some(who.clone()),
        _ => None,
    });
    let found = Rows::gather(people, |who| {
        let row = rows.operator(&who)?;
        Ok(row.map(|row| (who.clone(), row.created_at)))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Who may not use the server since a time, and how they stand.
pub fn standing_since(rows: &Rows, time: Timestamp) -> Result<Vec<(UserId, Standing)>, Stop> {
    let keys = rows.plain_list(&PlainKey::StandingSince(time))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Person(who) => Some(who.clone()),
        _ => None,
    });
    let found = Rows::gather(people, |who| {
        let row = rows.user(&who)?;
        Ok(row.map(|row| (who.clone(), row.standing)))
    })?;
    Ok(found.into_iter().flatten().collect())
}
