//! What is left of people who are being erased.

use semel_protocol::{PictureId, Seq, Timestamp, UserId, message::MessageKind};

use crate::{
    Key, Rows, Stop, actions::Portion, erasure::ErasePlace, plain::PlainKey, row::Subject,
};

/// Messages that are looked through, and contacts and blocks that are erased, at once.
const AT_ONCE: usize = 100;

/// Who is being erased, and due at a time, those that wait longest first: up to so many.
pub fn due(rows: &Rows, time: Timestamp, limit: usize) -> Result<Vec<UserId>, Stop> {
    let keys = rows.plain_list(&PlainKey::ErasuresDue(time, limit))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Erasure(who) => Some(who.clone()),
        _ => None,
    });
    Ok(people.collect())
}

/// How far the erasure of somebody is; none where nothing is left.
pub fn place(rows: &Rows, who: &UserId) -> Result<Option<ErasePlace>, Stop> {
    Ok(rows.erasure(who)?.map(|row| row.place.clone()))
}

/// What comes after a place, and the place after that; none: nothing is left.
pub fn next(
    rows: &Rows,
    who: &UserId,
    place: &ErasePlace,
) -> Result<(Portion, Option<ErasePlace>), Stop> {
    match place {
        ErasePlace::After(thread) => {
            let threads = rows.seats(&Key::SeatsOf(who.clone(), *thread, 1))?;
            Ok(match threads.first() {
                Some(id) => (Portion::Seat(*id), Some(ErasePlace::In(*id, 0))),
                None => (Portion::Nothing, Some(ErasePlace::Contacts)),
            })
        }
        ErasePlace::In(id, after) => {
            let last = rows.head(*id)?.last_seq;
            let to = last.min(after + AT_ONCE as Seq);
            if *after >= last {
                let next = ErasePlace::After(Some(*id));
                return Ok((Portion::Nothing, Some(next)));
            }
            rows.list(&Key::Messages(*id, after + 1, to))?;
            let found = Rows::gather(after + 1..=to, |seq| rows.message(*id, seq))?;
            let own = found.into_iter().flatten().filter(|message| {
                let is_own = message.sender_id == *who && message.kind != MessageKind::System;
                is_own && message.deleted_at.is_none()
            });
            let own: Vec<Seq> = own.map(|message| message.seq).collect();
            let portion = if own.is_empty() {
                Portion::Nothing
            } else {
                Portion::Messages(*id, own)
            };
            Ok((portion, Some(ErasePlace::In(*id, to))))
        }
        ErasePlace::Contacts => {
            let contacts = rows.people(&Key::ContactsOf(who.clone(), None, AT_ONCE))?;
            let next = Some(ErasePlace::Blocks(None));
            Ok(all_of(contacts.to_vec(), Portion::Contacts, place, next))
        }
        ErasePlace::Blocks(after) => {
            let blocked = rows.blocks_of(who, after.as_ref(), AT_ONCE)?;
            Ok(match blocked.last().cloned() {
                Some(last) => (
                    Portion::Blocks(blocked),
                    Some(ErasePlace::Blocks(Some(last))),
                ),
                None => (Portion::Nothing, Some(ErasePlace::Lines)),
            })
        }
        ErasePlace::Lines => {
            let next = Some(ErasePlace::Answers);
            Ok(all_of(lines(rows, who)?, Portion::Lines, place, next))
        }
        ErasePlace::Answers => {
            let answers = rows.answers_of(who, AT_ONCE)?;
            let keys = answers.iter().map(|(_, key)| key.clone()).collect();
            let next = Some(ErasePlace::Pictures);
            Ok(all_of(keys, Portion::Answers, place, next))
        }
        ErasePlace::Pictures => {
            let unused = unused_pictures(rows, who)?;
            Ok(all_of(unused, Portion::Pictures, place, None))
        }
    }
}

/// A page of what there is at a place, until there is nothing any more.
fn all_of<T>(
    page: Vec<T>,
    portion: fn(Vec<T>) -> Portion,
    place: &ErasePlace,
    next: Option<ErasePlace>,
) -> (Portion, Option<ErasePlace>) {
    if page.is_empty() {
        (Portion::Nothing, next)
    } else {
        (portion(page), Some(place.clone()))
    }
}

/// Lines of somebody's own log, a page of them.
fn lines(rows: &Rows, who: &UserId) -> Result<Vec<Subject>, Stop> {
    let page = rows.person_log(who, 0, AT_ONCE)?.iter();
    Ok(page.map(|(_, subject)| subject.clone()).collect())
}

/// Pictures that somebody uploaded and that nobody and no group has, a page of them.
fn unused_pictures(rows: &Rows, who: &UserId) -> Result<Vec<PictureId>, Stop> {
    let mut after = None;
    loop {
        let list = PlainKey::PicturesOf(who.clone(), after, AT_ONCE);
        let ids = rows.plain_list(&list)?.iter().filter_map(|key| match key {
            PlainKey::Picture(id) => Some(*id),
            _ => None,
        });
        let ids: Vec<PictureId> = ids.collect();
        let found = Rows::gather(&ids, |id| Ok((*id, rows.picture(*id)?.cloned())))?;
        let unused = found.into_iter().filter(|(_, row)| {
            let row = row.as_ref();
            row.is_some_and(|row| row.uses == 0)
        });
        let unused: Vec<PictureId> = unused.map(|(id, _)| id).collect();
        after = ids.last().copied();
        if !unused.is_empty() || ids.len() < AT_ONCE {
            return Ok(unused);
        }
    }
}
