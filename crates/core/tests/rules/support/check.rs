//! What must hold after every step: in the store, and between what people see and the model.

use std::collections::BTreeSet;

use semel_core::{
    chain::Chain,
    participants_key::ParticipantsKey,
    queries::{self, Around, SeenEntry},
    row::MessageRow,
    view::ThreadView,
};
use semel_protocol::{
    Code, Rev, Seq, ThreadId, UserId,
    message::MessageKind,
    thread::{Role, ThreadType},
};

use super::{
    memory::Memory,
    model::{MMessage, MThread, Model},
    world::World,
};

/// What the store promises by itself.
pub(crate) fn store(store: &Memory) {
    for (id, head) in &store.heads {
        log(store, *id, head.last_rev, head.last_seq);
        people(store, *id);
    }
    for (of, who) in store.contacts.keys() {
        assert!(
            store.contacts.contains_key(&(who.clone(), of.clone())),
            "{of} knows {who}"
        );
    }
    let owned = store
        .threads
        .values()
        .filter(|row| row.participants_key.is_some());
    assert_eq!(store.participants_keys.len(), owned.count());
}

/// Revs and seqs are dense, times never decrease, counts run, and the chain is what its entries say.
fn log(store: &Memory, id: ThreadId, last_rev: Rev, last_seq: Seq) {
    let entries: Vec<_> = store.entries.range((id, 0)..=(id, Rev::MAX)).collect();
    assert!(
        entries.iter().map(|((_, rev), _)| *rev).eq(1..=last_rev),
        "revs of {id}"
    );
    let seqs = entries.iter().filter_map(|(_, entry)| entry.seq);
    assert!(seqs.eq(1..=last_seq), "seqs of {id}");
    let mut chain = Chain::default();
    let mut time = entries[0].1.created_at;
    let mut count = 0;
    for (_, entry) in &entries {
        chain = chain.next(entry.rev, &entry.content_hash);
        assert_eq!(chain, entry.chain, "chain of {id} at {}", entry.rev);
        assert!(time <= entry.created_at, "time of {id} at {}", entry.rev);
        time = entry.created_at;
        if let Some(seq) = entry.seq {
            let message = &store.messages[&(id, seq)];
            count += u64::from(message.kind != MessageKind::System);
            assert_eq!((message.first_rev, message.count), (entry.rev, count));
        }
    }
    let head = &store.heads[&id];
    assert_eq!(
        (head.chain, head.message_count, head.updated_at),
        (chain, count, time)
    );
    assert_eq!(
        store.messages.range((id, 0)..=(id, Seq::MAX)).count() as Seq,
        last_seq
    );
}

/// The key is that of the active set, counts are right, groups have admins, periods are in order.
fn people(store: &Memory, id: ThreadId) {
    let thread = &store.threads[&id];
    let active = store.of_thread(id).filter(|(_, row)| row.is_active());
    let active: BTreeSet<UserId> = active.map(|((_, who), _)| who.clone()).collect();
    assert_eq!(thread.participant_count, active.len() as u64);
    let may_own = !thread.is_separate && !active.is_empty();
    let key = may_own.then(|| ParticipantsKey::of(thread.thread_type, &active));
    assert_eq!(thread.participants_key, key, "key of {active:?}");
    if let Some(key) = key {
        assert_eq!(
            store.participants_keys[&key], id,
            "one thread of {active:?}"
        );
    }
    let is_admin = |who: &UserId| store.participants[&(id, who.clone())].role == Role::Admin;
    let is_group = thread.thread_type == ThreadType::Group;
    assert_eq!(active.iter().any(is_admin), is_group && !active.is_empty());
    for (_, row) in store.of_thread(id) {
        let mut free_from = 1;
        for period in &row.periods {
            assert!(free_from <= period.from_rev, "{:?}", row.periods);
            free_from = period.until_rev.map_or(Rev::MAX, |last| last + 1);
        }
        assert!(!row.periods.is_empty());
    }
}

/// Everybody sees what the model says, and nothing else.
pub(crate) fn model(model: &Model, world: &World) {
    assert!(model.threads.keys().eq(world.store.threads.keys()));
    for (id, thread) in &model.threads {
        visible(world, *id, thread);
    }
    for who in &model.people {
        for (id, thread) in &model.threads {
            let seat = thread.seats.get(who).filter(|seat| seat.is_active);
            let view = world.ask(|rows| queries::thread(rows, who, *id));
            match (seat, view) {
                (Some(_), Ok(view)) => one(world, who, thread, &view),
                (None, Err(refusal)) => assert_eq!(refusal.code, Code::NotFound),
                (_, other) => panic!("{who} in {id}: {other:?}"),
            }
        }
        list(model, world, who);
        let contacts = world.ask(|rows| queries::contacts(rows, who, None, 100));
        let contacts = contacts.expect("everybody may ask").into_iter();
        let expected = model.contacts.iter().filter(|(of, _)| of == who);
        assert!(
            contacts
                .map(|view| view.user_id)
                .eq(expected.map(|(_, other)| other.clone()))
        );
    }
}

/// Periods say what the model says, also of those who are gone.
fn visible(world: &World, id: ThreadId, thread: &MThread) {
    assert_eq!(world.store.of_thread(id).count(), thread.seats.len());
    for ((_, who), row) in world.store.of_thread(id) {
        let seat = &thread.seats[who];
        let revs = (1..=thread.last_rev).filter(|rev| row.sees_rev(*rev));
        assert!(
            revs.eq(seat.sees_revs.iter().copied()),
            "revs of {who} in {id}"
        );
        let seqs = (1..=thread.messages.len() as Seq).filter(|seq| row.sees_seq(*seq));
        assert!(
            seqs.eq(seat.sees_seqs.iter().copied()),
            "seqs of {who} in {id}"
        );
    }
}

fn list(model: &Model, world: &World, who: &UserId) {
    let is_listed = |thread: &MThread| {
        let seat = thread.seats.get(who);
        seat.is_some_and(|seat| seat.is_active && !seat.is_hidden)
    };
    let listed = model.threads.iter().filter(|(_, thread)| is_listed(thread));
    let mut listed: Vec<_> = listed.map(|(id, thread)| (thread.updated, *id)).collect();
    listed.sort();
    let mut page = Vec::new();
    let mut after = None;
    loop {
        let next = world
            .ask(|rows| queries::threads(rows, who, after, 2))
            .expect("a page");
        after = next
            .last()
            .map(|view| (view.head.updated_at, view.thread.id));
        page.extend(next.into_iter().map(|view| view.thread.id));
        if after.is_none() {
            break;
        }
    }
    assert!(
        page.into_iter()
            .rev()
            .eq(listed.into_iter().map(|(_, id)| id)),
        "list of {who}"
    );
}

fn one(world: &World, who: &UserId, thread: &MThread, view: &ThreadView) {
    let id = view.thread.id;
    let seat = &thread.seats[who];
    let title = match thread.kind {
        ThreadType::Group => thread.title.clone(),
        ThreadType::SelfNote => Some(who.to_string()),
        ThreadType::Direct => {
            let other = thread.seats.keys().find(|other| *other != who);
            other.map(ToString::to_string)
        }
    };
    assert_eq!(view.title, title, "title of {id} for {who}");
    assert_eq!(view.thread.picture, thread.picture);
    assert_eq!(view.thread.description, thread.description);
    assert_eq!(view.thread.settings, thread.settings);
    let shown = view.participants.iter().map(|person| {
        let position = person.position;
        (
            person.user_id.clone(),
            person.role,
            position.read_seq,
            position.delivered_seq,
        )
    });
    let expected = thread.standing().into_iter().map(|who| {
        let seat = &thread.seats[&who];
        (who, seat.role, seat.read, seat.delivered)
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(view.head.last_rev, thread.last_rev);
    assert_eq!(
        view.unread_count,
        thread.unread(who),
        "unread of {who} in {id}"
    );
    assert_eq!(Some(view.first_rev), seat.sees_revs.first().copied());
    let last = view.last_message.as_ref();
    assert_eq!(last.map(plain).as_ref(), thread.messages.last());
    messages(world, who, id, thread);
    entries(world, who, id, thread);
}

/// A message without what only the store knows; what the thread itself says is not the model's.
fn plain(row: &MessageRow) -> MMessage {
    let is_system = row.kind == MessageKind::System;
    MMessage {
        id: row.id,
        sender: row.sender_id.clone(),
        is_system,
        content: if is_system {
            String::new()
        } else {
            row.content.clone()
        },
        is_deleted: row.deleted_at.is_some(),
        reactions: row.reactions.clone(),
        rev: row.rev,
    }
}

/// Paging from both ends gives exactly what may be seen.
fn messages(world: &World, who: &UserId, id: ThreadId, thread: &MThread) {
    let seen = &thread.seats[who].sees_seqs;
    let expected = seen
        .iter()
        .map(|seq| thread.messages[*seq as usize - 1].clone());
    let expected: Vec<MMessage> = expected.collect();
    let page = |around| {
        let page = world.ask(|rows| queries::messages(rows, who, id, around, 3));
        page.expect("a page")
    };
    let mut forward = Vec::new();
    let mut after = 0;
    loop {
        let next = page(Around::After(after));
        forward.extend(next.messages.iter().map(plain));
        if !next.has_more {
            break;
        }
        assert!(next.to_seq > after, "a page that leads nowhere");
        after = next.to_seq;
    }
    assert_eq!(forward, expected, "{who} reads {id} forward");
    let mut back = Vec::new();
    let mut next = page(Around::Newest);
    loop {
        back.extend(next.messages.iter().rev().map(plain));
        if !next.has_more {
            break;
        }
        next = page(Around::Before(next.from_seq));
    }
    back.reverse();
    assert_eq!(back, expected, "{who} reads {id} back");
}

fn entries(world: &World, who: &UserId, id: ThreadId, thread: &MThread) {
    let seat = &thread.seats[who];
    let first = seat.sees_revs.first().copied().unwrap_or(1);
    let page = world
        .ask(|rows| queries::entries(rows, who, id, 0, 10_000))
        .expect("a page");
    assert_eq!(page.entries.len() as Rev, thread.last_rev + 1 - first);
    // What changed a message that is theirs to see is theirs to see, whenever it was.
    let is_theirs = |rev: Rev| {
        let changed = world.store.entries[&(id, rev)].fact.message_seq();
        seat.sees_revs.contains(&rev) || changed.is_some_and(|seq| seat.sees_seqs.contains(&seq))
    };
    for (rev, entry) in (first..).zip(&page.entries) {
        match entry {
            SeenEntry::Hidden(_, at, _) => {
                assert!(*at == rev && !is_theirs(rev), "{who} misses {rev}");
            }
            SeenEntry::Seen(row, message) => {
                assert!(row.rev == rev && is_theirs(rev), "{who} sees {rev}");
                let is_seen = message
                    .as_ref()
                    .is_none_or(|message| seat.sees_seqs.contains(&message.seq));
                assert!(is_seen, "{who} sees a message through entry {rev}");
                assert!(row.seq.is_none() || message.is_some());
            }
        }
    }
}
