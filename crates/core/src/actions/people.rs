//! Sets of people, as named in a call.

use std::collections::BTreeSet;

use semel_protocol::{
    Code, ThreadType, UserId,
    limits::{CONTACTS_FROM_GROUP_MAX, PARTICIPANTS_PER_CALL_MAX},
};

use super::{
    Scope,
    sign_in::{Budget, spend_whatever_comes},
};
use crate::{
    Key, Refusal, Rows, Stop, queries,
    row::{ContactRow, Subject},
};

const DAY_MS: i64 = 86_400_000;

/// The people of a call, once each, with the caller.
pub(super) fn set(actor: &UserId, named: &[UserId]) -> Result<BTreeSet<UserId>, Refusal> {
    if named.len() > PARTICIPANTS_PER_CALL_MAX {
        let detail = format!("at most {PARTICIPANTS_PER_CALL_MAX} people in one call");
        return Err(Refusal::invalid("/participants", detail));
    }
    Ok(named.iter().chain([actor]).cloned().collect())
}

/// The thread type of a set: as asked for, or by the number of people. Direct is two, self is one, group is two or more.
pub(super) fn thread_type(
    asked: Option<ThreadType>,
    people: &BTreeSet<UserId>,
    distinct: bool,
) -> Result<ThreadType, Refusal> {
    let thread_type = asked.unwrap_or(match people.len() {
        1 => ThreadType::SelfNote,
        2 if distinct => ThreadType::Direct,
        _ => ThreadType::Group,
    });
    let detail = match (thread_type, people.len()) {
        (ThreadType::Direct, 2) | (ThreadType::SelfNote, 1) | (ThreadType::Group, 2..) => None,
        (ThreadType::Direct, _) => Some("a direct thread has exactly one other person"),
        (ThreadType::SelfNote, _) => Some("a note to oneself has no other person"),
        (ThreadType::Group, _) => Some("a group has at least one other person"),
    };
    if let Some(detail) = detail {
        return Err(Refusal::invalid("/participants", detail));
    }
    if thread_type != ThreadType::Group && !distinct {
        let detail = "only a group can be kept apart from others of the same people";
        return Err(Refusal::invalid("/distinct", detail));
    }
    Ok(thread_type)
}

/// What a call that names people foresees.
pub(super) fn keys(actor: &UserId, named: &[UserId], keys: &mut Vec<Key>) {
    if named.len() <= PARTICIPANTS_PER_CALL_MAX {
        // As for who acts: whoever is erased meanwhile is erased before this, or gives up the seat that this brings.
        keys.extend(named.iter().chain([actor]).cloned().map(Key::Actor));
        keys.extend(
            named
                .iter()
                .map(|who| Key::Contact(actor.clone(), who.clone())),
        );
        strangers_key(actor, keys);
    }
}

/// Counts the strangers among some people, whatever comes of it: also a refusal tells who is here and who is not.
pub(super) fn meet<'a>(
    scope: &Scope<'_>,
    rows: &mut Rows,
    people: impl IntoIterator<Item = &'a UserId>,
) -> Result<(), Stop> {
    let strangers = Rows::gather(people, |who| Ok(!queries::knows(rows, scope.actor, who)?))?;
    let count = strangers.into_iter().filter(|is_one| *is_one).count();
    if count == 0 {
        return Ok(());
    }
    let budgets = [strangers_of(scope.actor, scope.context.strangers_day_max)];
    spend_whatever_comes(rows, &budgets, count as u64, scope.context.now)
}

/// The budget of strangers, to be foreseen.
pub(super) fn strangers_key(actor: &UserId, keys: &mut Vec<Key>) {
    // How many there may be makes no other key.
    keys.push(strangers_of(actor, 0).key());
}

/// Whoever goes through all ids finds out who is here.
fn strangers_of(who: &UserId, max: u64) -> Budget {
    Budget {
        name: format!("strangers of {who}"),
        max,
        period_ms: DAY_MS,
    }
}

/// Refuses people who are not known, naming all of them.
pub(super) fn known<'a>(
    rows: &Rows,
    people: impl IntoIterator<Item = &'a UserId>,
) -> Result<(), Stop> {
    let unknown = Rows::gather(people, |who| {
        let is_here = rows.user(who)?.is_some_and(|row| !row.is_erased());
        Ok((!is_here).then(|| who.clone()))
    })?;
    let unknown: Vec<UserId> = unknown.into_iter().flatten().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = unknown.iter().map(UserId::as_str).collect();
    let detail = format!(
        "not known here: {}; they have not been here yet: make them with PUT /api/users/{{id}} or `semel user add`",
        names.join(", ")
    );
    Err(Refusal {
        user_ids: unknown,
        ..Refusal::new(Code::UnknownUsers, detail)
    }
    .into())
}

/// Makes each of `new` a contact of each of `all`, both ways, once. Large groups make no contacts.
pub(super) fn befriend(
    scope: &Scope<'_>,
    rows: &mut Rows,
    new: &[UserId],
    all: &BTreeSet<UserId>,
) -> Result<(), Stop> {
    if all.len() > CONTACTS_FROM_GROUP_MAX {
        return Ok(());
    }
    let both = |a: &UserId, b: &UserId| [(a.clone(), b.clone()), (b.clone(), a.clone())];
    let pairs: BTreeSet<(UserId, UserId)> = new
        .iter()
        .flat_map(|a| {
            all.iter()
                .filter(move |&b| a != b)
                .flat_map(move |b| both(a, b))
        })
        .collect();
    let absent = Rows::gather(&pairs, |pair| {
        Ok(rows.contact(&pair.0, &pair.1)?.is_none().then_some(pair))
    })?;
    let absent: Vec<_> = absent.into_iter().flatten().collect();
    Rows::gather(&absent, |(of, _)| rows.person_head(of))?;
    for (of, who) in absent {
        let row = ContactRow {
            since: scope.context.now,
            own_name: None,
        };
        rows.contacts.put((of.clone(), who.clone()), Some(row));
        rows.tell_person(of, Subject::Contact(who.clone()))?;
    }
    Ok(())
}
