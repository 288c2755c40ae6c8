//! Whose profile is to be told, and to whom.

use semel_protocol::{ThreadId, ThreadType, Timestamp, UserId};

use crate::{Key, Rows, Stop, plain::PlainKey, row::ParticipantRow, telling::TellPlace};

/// People who are told, or looked at, at once.
const AT_ONCE: usize = 100;

/// Whose profile is to be told at a time, those that wait longest first: up to so many.
pub fn due(rows: &Rows, time: Timestamp, limit: usize) -> Result<Vec<UserId>, Stop> {
    let keys = rows.plain_list(&PlainKey::TellingsDue(time, limit))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Telling(who) => Some(who.clone()),
        _ => None,
    });
    Ok(people.collect())
}

/// How far the telling of somebody's profile is; none where everybody knows.
pub fn place(rows: &Rows, who: &UserId) -> Result<Option<TellPlace>, Stop> {
    Ok(rows.telling(who)?.map(|row| row.place.clone()))
}

/// Who comes after a place, and the place after them; none: nobody is left.
///
/// Contacts are told first: nearly everybody in direct threads and small groups is one. Of those in threads only who is no contact is
/// told after them, so that hardly anybody hears it twice.
pub fn next(
    rows: &Rows,
    who: &UserId,
    place: &TellPlace,
) -> Result<(Vec<UserId>, Option<TellPlace>), Stop> {
    match place {
        TellPlace::Contacts(after) => {
            let page = rows.people(&Key::ContactsOf(who.clone(), after.clone(), AT_ONCE))?;
            let to = match page.last() {
                Some(last) if page.len() == AT_ONCE => TellPlace::Contacts(Some(last.clone())),
                _ => TellPlace::Threads(None),
            };
            // Whose contact they are not any more was erased.
            let told = Rows::gather(page, |other| {
                Ok(rows.contact(other, who)?.map(|_| other.clone()))
            })?;
            Ok((told.into_iter().flatten().collect(), Some(to)))
        }
        TellPlace::Threads(after) => {
            let seats = rows.seats(&Key::SeatsOf(who.clone(), *after, AT_ONCE))?;
            let types = Rows::gather(seats, |id| thread_type(rows, *id, who))?;
            let is_group = |kind: &Option<ThreadType>| *kind == Some(ThreadType::Group);
            let first_group = types.iter().position(is_group);
            let before = &seats[..first_group.unwrap_or(seats.len())];
            let told = partners(rows, who, before, &types)?;
            let last = before.last().copied();
            match first_group {
                Some(at) if told.is_empty() => within(rows, who, seats[at], None),
                Some(_) => Ok((told, Some(TellPlace::Threads(last)))),
                None if seats.len() == AT_ONCE => Ok((told, Some(TellPlace::Threads(last)))),
                None => Ok((told, None)),
            }
        }
        TellPlace::In(id, rev, last) => within(rows, who, *id, Some((*rev, last.clone()))),
    }
}

/// Of which kind a thread is, as long as somebody is in it.
fn thread_type(rows: &Rows, id: ThreadId, who: &UserId) -> Result<Option<ThreadType>, Stop> {
    let is_in = rows
        .participant(id, who)?
        .is_some_and(ParticipantRow::is_active);
    let thread = rows.thread(id)?.filter(|_| is_in);
    Ok(thread.map(|thread| thread.thread_type))
}

/// With whom somebody has a direct thread in which nothing was said yet: they are no contacts.
fn partners(
    rows: &Rows,
    who: &UserId,
    ids: &[ThreadId],
    types: &[Option<ThreadType>],
) -> Result<Vec<UserId>, Stop> {
    let both = ids.iter().zip(types);
    let direct = both.filter(|(_, kind)| **kind == Some(ThreadType::Direct));
    let pairs = Rows::gather(direct, |(id, _)| rows.people(&Key::Standing(*id, None, 2)))?;
    let others = pairs.into_iter().flatten().filter(|other| *other != who);
    strangers(rows, who, others)
}

/// Those of some people who are no contacts of somebody's. Who was erased is told nothing more: nothing is to be left of them.
fn strangers<'a>(
    rows: &Rows,
    who: &UserId,
    people: impl Iterator<Item = &'a UserId>,
) -> Result<Vec<UserId>, Stop> {
    let found = Rows::gather(people, |other| {
        let is_stranger = rows.contact(who, other)?.is_none();
        let is_here = rows.user(other)?.is_none_or(|row| !row.is_erased());
        Ok((is_stranger && is_here).then(|| other.clone()))
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn within(
    rows: &Rows,
    who: &UserId,
    id: ThreadId,
    after: Option<(u64, UserId)>,
) -> Result<(Vec<UserId>, Option<TellPlace>), Stop> {
    let page = rows.people(&Key::Standing(id, after, AT_ONCE))?;
    let told = strangers(rows, who, page.iter().filter(|other| *other != who))?;
    let to = match page.last() {
        Some(last) if page.len() == AT_ONCE => {
            let seat = rows.participant(id, last)?.expect("they are in the thread");
            TellPlace::In(id, seat.joined_rev, last.clone())
        }
        _ => TellPlace::Threads(Some(id)),
    };
    Ok((told, Some(to)))
}
