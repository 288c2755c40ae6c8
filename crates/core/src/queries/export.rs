//! What is stored about a person, for themselves, page by page. What others have pages for is asked for by those.

use semel_protocol::{
    AuditId, Code, InviteId, MessageId, PictureId, ReportId, Rev, Seq, SessionId, ThreadId,
    Timestamp, UserId, message::MessageKind,
};

use crate::{
    Key, Refusal, Rows, Stop,
    actions::links_into,
    invites::InviteRow,
    people::HandleRow,
    pictures::{PictureBytesRow, PictureRow},
    plain::PlainKey,
    row::{MessageRow, ParticipantRow, PositionRow, Standing, ThreadRow},
    rows::List,
    safety::{AuditRow, ReportRow},
};

/// A person's place in a thread.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The thread.
    pub thread: ThreadRow,
    /// Their place.
    pub seat: ParticipantRow,
    /// How far they are.
    pub position: PositionRow,
    /// When they came in last.
    pub joined_at: Timestamp,
    /// When each of their times in it ended, oldest first; none: they are in.
    pub left_at: Vec<Option<Timestamp>>,
    /// The links into it that they made, newest first.
    pub invites: Vec<(InviteId, InviteRow)>,
}

/// Whether an export goes on: the sign-in that began it was not ended, and its person was neither suspended nor erased.
pub fn goes_on(rows: &Rows, who: &UserId, session_id: Option<SessionId>) -> Result<(), Stop> {
    let session = session_id.map(|id| rows.session(id)).transpose()?;
    let is_ended = |row: &crate::sign_in::SessionRow| row.revoked_at.is_some();
    let code = match rows.user(who)?.map(|row| row.standing) {
        Some(Standing::Suspended(_)) => Some(Code::Suspended),
        Some(Standing::Erased(_)) => Some(Code::Erased),
        _ if session.is_some_and(|row| row.is_none_or(is_ended)) => Some(Code::SessionRevoked),
        _ => None,
    };
    match code {
        Some(code) => Err(Refusal::new(code, "the export ended with the sign-in").into()),
        None => Ok(()),
    }
}

/// The handle that a person has, and those that they had lately.
pub fn handles(rows: &Rows, who: &UserId) -> Result<Vec<(String, HandleRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::HandlesOf(who.clone()))?;
    let names = keys.iter().filter_map(|key| match key {
        PlainKey::Handle(name) => Some(name.clone()),
        _ => None,
    });
    let found = Rows::gather(names, |name| {
        Ok(rows.handle(&name)?.cloned().map(|row| (name, row)))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Since when a person runs this server; none where they do not.
pub fn operator_since(rows: &Rows, who: &UserId) -> Result<Option<Timestamp>, Stop> {
    Ok(rows.operator(who)?.map(|row| row.created_at))
}

/// Up to `limit` of what a person did as an operator, after the one given.
pub fn deeds(
    rows: &Rows,
    who: &UserId,
    after: Option<AuditId>,
    limit: usize,
) -> Result<Vec<(AuditId, AuditRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::AuditBy(who.clone(), after, limit))?;
    let ids = keys.iter().filter_map(|key| match key {
        PlainKey::Audit(id) => Some(*id),
        _ => None,
    });
    let found = Rows::gather(ids, |id| {
        Ok(rows.audited(id)?.cloned().map(|row| (id, row)))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// When an entry was written.
fn time_of(rows: &Rows, id: ThreadId, rev: Rev) -> Result<Timestamp, Stop> {
    let key = Key::Entries(id, rev - 1, 1);
    match rows.list(&key)? {
        List::Entries(entries) => {
            let entry = entries.first().filter(|entry| entry.rev == rev);
            Ok(entry.ok_or_else(Refusal::not_found)?.created_at)
        }
        _ => Err(Stop::NotLoaded(key)),
    }
}

/// Something of a person's own in a thread.
#[derive(Clone, Debug)]
pub enum Own {
    /// They said it.
    Said(Box<MessageRow>),
    /// They put it under a message.
    Reacted(MessageId, String),
}

/// The next picture that a person uploaded, by id, after the one given, and what it shows.
pub fn picture_after(
    rows: &Rows,
    who: &UserId,
    after: Option<PictureId>,
) -> Result<Option<(PictureId, PictureRow, PictureBytesRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::PicturesOf(who.clone(), after, 1))?;
    let Some(PlainKey::Picture(id)) = keys.first() else {
        return Ok(None);
    };
    let (row, bytes) = (rows.picture(*id)?, rows.picture_bytes(*id)?);
    let both = row.zip(bytes);
    Ok(both.map(|(row, bytes)| (*id, row.clone(), bytes.clone())))
}

/// The next thread that a person is or was in, by id, after the one given.
pub fn seat_after(
    rows: &Rows,
    who: &UserId,
    after: Option<ThreadId>,
) -> Result<Option<Seat>, Stop> {
    let threads = rows.seats(&Key::SeatsOf(who.clone(), after, 1))?;
    let Some(id) = threads.first() else {
        return Ok(None);
    };
    let (thread, seat) = (rows.thread(*id)?, rows.participant(*id, who)?);
    let position = rows.position(*id, who)?;
    // Nobody makes a link into a group that they were never in.
    let mut invites = links_into(rows, *id)?;
    invites.retain(|(_, row)| row.created_by == *who);
    let Some((thread, seat)) = thread.zip(seat) else {
        return Ok(None);
    };
    let joined_at = time_of(rows, *id, seat.joined_rev)?;
    let left_at = Rows::gather(&seat.periods, |period| {
        let until = period.until_rev;
        until.map(|rev| time_of(rows, *id, rev)).transpose()
    })?;
    Ok(Some(Seat {
        thread: thread.clone(),
        seat: seat.clone(),
        position,
        joined_at,
        left_at,
        invites,
    }))
}

/// What a person said and put under messages in a thread, among the next `limit` messages after the one given, also when they are out
/// by now; and after which message the next page begins, none at the end.
pub fn own(
    rows: &Rows,
    who: &UserId,
    id: ThreadId,
    after: Seq,
    limit: usize,
) -> Result<(Vec<Own>, Option<Seq>), Stop> {
    let last = rows.head(id)?.last_seq;
    let to = last.min(after + limit as Seq);
    if after >= to {
        return Ok((Vec::new(), None));
    }
    rows.list(&Key::Messages(id, after + 1, to))?;
    let found = Rows::gather(after + 1..=to, |seq| rows.message(id, seq))?;
    let own = found.into_iter().flatten().flat_map(|message| {
        let is_own = message.sender_id == *who && message.kind != MessageKind::System;
        let said = is_own.then(|| Own::Said(Box::new(message.clone())));
        let reactions = message.reactions.iter();
        let reacted = reactions
            .filter(|(_, people)| people.contains(who))
            .map(|(emoji, _)| Own::Reacted(message.id, emoji.clone()));
        said.into_iter().chain(reacted)
    });
    Ok((own.collect(), Some(to)))
}

/// Up to `limit` reports that a person made, after the one given.
pub fn reports(
    rows: &Rows,
    who: &UserId,
    after: Option<ReportId>,
    limit: usize,
) -> Result<Vec<(ReportId, ReportRow)>, Stop> {
    let list = PlainKey::ReportsBy(who.clone(), after, limit);
    let id = |key: &PlainKey| match key {
        PlainKey::Report(id) => Some(*id),
        _ => None,
    };
    rows.listed(&list, id, Rows::report)
}
