//! Pages and sync: what a device asks for, at the edges.

use semel_core::{
    actions::{ChangeThread, NewSettings},
    chain::Chain,
    queries::{self, Around, MessagesView, SeenEntry, SyncAsk, SyncCursor, SyncView},
};
use semel_protocol::{Code, ThreadId, limits::SYNC_BEHIND_ENTRIES_MAX, thread::History};

use crate::support::{
    tell::{id, seen, sent},
    words::{create, delete, expand, leave, person, read, remove, send, title},
    world::World,
};

fn group(messages: u64) -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c"]);
    let group = id(world.act("a", create(&["b", "c"])));
    for n in 1..=messages {
        let said = world.act("a", send(group, "x", n));
        said.expect("a may write");
    }
    (world, group)
}

fn page(world: &World, name: &str, id: ThreadId, around: Around) -> MessagesView {
    let page = world.ask(|rows| queries::messages(rows, &person(name), id, around, 4));
    page.expect("theirs")
}

#[test]
fn pages_of_messages_are_complete_for_their_interval() {
    let (world, group) = group(10);
    for (around, from, to, has_more) in [
        (Around::Newest, 7, 10, true),
        (Around::Before(7), 3, 6, true),
        (Around::Before(3), 1, 2, false),
        (Around::Before(1), 0, 0, false),
        (Around::Before(0), 0, 0, false),
        (Around::Before(1_000), 7, 10, true),
        (Around::Before(u64::MAX), 7, 10, true),
        (Around::After(0), 1, 4, true),
        (Around::After(8), 9, 10, false),
        (Around::After(10), 0, 0, false),
        (Around::After(u64::MAX), 0, 0, false),
        (Around::Seq(5), 3, 6, true),
        (Around::Seq(1), 1, 4, false),
        (Around::Seq(99), 8, 10, true),
    ] {
        let page = page(&world, "b", group, around);
        let seqs: Vec<_> = page.messages.iter().map(|row| row.seq).collect();
        let expected: Vec<_> = (from..=to).filter(|seq| *seq > 0).collect();
        assert_eq!(seqs, expected, "{around:?}");
        assert_eq!(
            (page.from_seq, page.to_seq, page.has_more),
            (from, to, has_more),
            "{around:?}"
        );
        assert_eq!(page.as_of_rev, 11);
    }
    // By its id: the same page as by its place.
    for seq in 1..=10 {
        let here = page(&world, "b", group, Around::Seq(seq));
        let row = here
            .messages
            .iter()
            .find(|row| row.seq == seq)
            .expect("in it");
        let found = page(&world, "b", group, Around::Message(row.id));
        assert_eq!(found.messages, here.messages, "{seq}");
    }
}

#[test]
fn a_newcomer_without_history_pages_from_where_they_came_in() {
    let (mut world, group) = group(10);
    world.make_user("d");
    let joined = ChangeThread {
        title: None,
        settings: NewSettings {
            history: Some(History::Joined),
            ..NewSettings::default()
        },
        ..title(group, "")
    };
    world.act("a", joined).unwrap();
    world.act("a", expand(group, &["d"])).unwrap();
    let first = page(&world, "d", group, Around::After(0));
    assert_eq!(
        (first.from_seq, first.to_seq, first.has_more),
        (11, 11, false)
    );
    let newest = page(&world, "d", group, Around::Newest);
    assert_eq!((newest.from_seq, newest.has_more), (11, false));
    assert!(
        page(&world, "d", group, Around::Before(11))
            .messages
            .is_empty()
    );
    let log = world
        .ask(|rows| queries::entries(rows, &person("d"), group, 0, 10))
        .unwrap();
    assert_eq!(log.entries.len(), 1, "nothing before is a gap of theirs");
}

#[test]
fn nobody_else_reads_pages() {
    let (mut world, group) = group(1);
    world.make_user("d");
    world.act("c", leave(group)).unwrap();
    for name in ["c", "d"] {
        let who = person(name);
        let page = world.ask(|rows| queries::messages(rows, &who, group, Around::Newest, 4));
        assert_eq!(page.unwrap_err().code, Code::NotFound);
        let page = world.ask(|rows| queries::entries(rows, &who, group, 0, 4));
        assert_eq!(page.unwrap_err().code, Code::NotFound);
        let page = world.ask(|rows| queries::participants(rows, &who, group, None, 4));
        assert_eq!(page.unwrap_err().code, Code::NotFound);
    }
}

#[test]
fn participants_are_paged_in_order_of_standing() {
    let (mut world, group) = group(0);
    for name in ["0", "1", "2"] {
        world.make_user(name);
        world.act("a", expand(group, &[name])).unwrap();
    }
    let mut after = None;
    let mut names = Vec::new();
    loop {
        let page =
            world.ask(|rows| queries::participants(rows, &person("a"), group, after.clone(), 2));
        let page = page.unwrap();
        let Some((rev, last)) = page.last() else {
            break;
        };
        after = Some((*rev, last.user_id.clone()));
        names.extend(page.iter().map(|(_, person)| person.user_id.to_string()));
    }
    assert_eq!(names, ["a", "b", "c", "0", "1", "2"]);
}

fn sync(world: &World, name: &str, ask: &SyncAsk) -> SyncView {
    let ask = SyncAsk {
        limit: 10,
        ..ask.clone()
    };
    world
        .ask(|rows| queries::sync(rows, &person(name), &ask))
        .expect("anybody may")
}

/// What a device asks that has all there is.
fn up_to_date(world: &World, name: &str) -> SyncAsk {
    let all = sync(world, name, &SyncAsk::default());
    let cursor = |id: ThreadId| {
        let head = &world.store.heads[&id];
        let cursor = SyncCursor {
            rev: head.last_rev,
            chain: Some(head.chain),
            epoch: Some(1),
        };
        (id, cursor)
    };
    SyncAsk {
        threads: all
            .threads
            .iter()
            .map(|missed| cursor(missed.thread.thread.id))
            .collect(),
        since: Some(all.since),
        ..SyncAsk::default()
    }
}

#[test]
fn req_b5_sync_brings_what_moved_and_nothing_else() {
    let (mut world, group) = group(3);
    let direct = id(world.act("a", create(&["b"])));
    let fresh = sync(&world, "b", &SyncAsk::default());
    assert_eq!((fresh.threads.len(), fresh.contacts.len()), (2, 2));
    assert_eq!(
        fresh
            .threads
            .iter()
            .map(|missed| missed.messages.len())
            .max(),
        Some(3)
    );
    let ask = up_to_date(&world, "b");
    let nothing = sync(&world, "b", &ask);
    assert!(nothing.threads.is_empty() && nothing.left.is_empty() && nothing.contacts.is_empty());
    let deleted = world.store.messages[&(group, 2)].id;
    world.act("a", delete(group, deleted)).unwrap();
    let moved = sync(&world, "b", &ask);
    assert_eq!(moved.threads.len(), 1);
    assert_eq!(moved.threads[0].log.entries.len(), 1);
    assert!(moved.threads[0].messages.is_empty());
    world.act("a", send(direct, "hi", 9)).unwrap();
    let moved = sync(&world, "b", &ask);
    assert_eq!(moved.threads.len(), 2);
    assert_eq!(
        moved.threads[0].thread.thread.id, direct,
        "most recent first"
    );
}

#[test]
fn cursors_of_another_database_are_of_no_use_however_well_they_fit() {
    let (world, group) = group(3);
    let ask = SyncAsk {
        is_of_another_database: true,
        ..up_to_date(&world, "b")
    };
    let anew = sync(&world, "b", &ask);
    assert!(anew.threads[0].log.too_old);
    assert_eq!(anew.threads[0].messages.len(), 3);
    assert_eq!(anew.threads[0].thread.thread.id, group);
}

#[test]
fn pages_of_entries_tell_a_place_of_another_log() {
    let (mut world, group) = group(3);
    let head = world.store.heads[&group].clone();
    let cursor = |rev, chain, epoch| SyncCursor { rev, chain, epoch };
    let after = |world: &World, cursor: SyncCursor| {
        let page = world
            .ask(|rows| queries::entries_after(rows, &person("b"), group, (&cursor, u64::MAX), 10));
        let page = page.expect("theirs");
        (page.too_old, page.entries)
    };
    let (chain, wrong) = (Some(head.chain), Some(Chain([7; 8])));
    for (place, too_old) in [
        (cursor(2, None, None), false),
        (cursor(2, None, Some(1)), false),
        (cursor(2, None, Some(2)), true),
        (cursor(2, wrong, None), true),
        (cursor(head.last_rev, chain, Some(1)), false),
        (cursor(head.last_rev, wrong, None), true),
        (cursor(head.last_rev + 1, None, None), true),
    ] {
        assert_eq!(after(&world, place).0, too_old, "{place:?}");
    }
    // As a restore leaves it: entries of one epoch in a log of another.
    world.store.threads.get_mut(&group).unwrap().epoch = 9;
    assert!(after(&world, cursor(2, None, Some(1))).0);
    let (too_old, entries) = after(&world, cursor(2, None, Some(9)));
    let is_of_now = |seen: &SeenEntry| matches!(seen, SeenEntry::Seen(row, _) if row.epoch == 9);
    assert!(!too_old && entries.len() == 2 && entries.iter().all(is_of_now));
}

#[test]
fn p_sync_7_an_old_part_of_a_long_log_is_read_by_naming_its_end() {
    let (world, group) = group(SYNC_BEHIND_ENTRIES_MAX + 5);
    let head = world.store.heads[&group].last_rev;
    let between = |after: u64, until: u64, limit: usize| {
        let cursor = SyncCursor {
            rev: after,
            chain: None,
            epoch: None,
        };
        let page = world
            .ask(|rows| queries::entries_after(rows, &person("b"), group, (&cursor, until), limit));
        page.expect("theirs")
    };
    let revs = |page: &queries::EntriesView| -> Vec<u64> {
        let rev = |entry: &SeenEntry| match entry {
            SeenEntry::Seen(row, _) => row.rev,
            SeenEntry::Hidden(_, rev, _) => *rev,
        };
        page.entries.iter().map(rev).collect()
    };
    assert!(between(0, u64::MAX, 3).too_old);
    assert!(between(0, SYNC_BEHIND_ENTRIES_MAX + 1, 3).too_old);
    let page = between(0, SYNC_BEHIND_ENTRIES_MAX, 3);
    assert_eq!(
        (revs(&page), page.more, page.too_old),
        (vec![1, 2, 3], true, false)
    );
    let page = between(3, 5, 100);
    assert_eq!((revs(&page), page.more), (vec![4, 5], false));
    assert_eq!(page.head_rev, head);
    let page = between(5, 3, 100);
    assert_eq!(
        (revs(&page), page.more, page.too_old),
        (vec![], false, false)
    );
    assert!(between(head + 1, head + 2, 3).too_old);
}

#[test]
fn the_laptop_learns_what_the_phone_read_and_what_was_left_or_hidden() {
    let (mut world, group) = group(3);
    let direct = sent(world.act("a", crate::support::words::start(&["b"], "hi", Some(9))));
    let direct = direct.message.thread_id;
    let ask = up_to_date(&world, "b");
    world.act("b", read(group, 3)).unwrap();
    let moved = sync(&world, "b", &ask);
    assert_eq!(moved.threads.len(), 1);
    assert_eq!(moved.threads[0].thread.unread_count, 0);
    assert!(moved.since > ask.since.unwrap());
    world.act("b", leave(direct)).unwrap();
    world.act("a", remove(group, "b")).unwrap();
    let mut left = sync(&world, "b", &ask).left;
    left.sort();
    let mut expected = vec![group, direct];
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn a_cursor_of_another_log_starts_anew() {
    let (world, group) = group(3);
    let ask = up_to_date(&world, "b");
    let good = ask.threads[&group];
    let older = SyncCursor { rev: 2, ..good };
    let earlier = world.store.entries[&(group, 2)].chain;
    for (cursor, is_anew) in [
        (good, false),
        (
            SyncCursor {
                rev: good.rev + 1,
                ..good
            },
            true,
        ),
        (
            SyncCursor {
                epoch: Some(2),
                ..good
            },
            true,
        ),
        (older, true),
        (
            SyncCursor {
                chain: Some(earlier),
                ..older
            },
            false,
        ),
        (
            SyncCursor {
                chain: None,
                ..older
            },
            false,
        ),
        (
            SyncCursor {
                rev: 0,
                chain: None,
                epoch: None,
            },
            false,
        ),
    ] {
        let mut ask = ask.clone();
        ask.threads.insert(group, cursor);
        let moved = sync(&world, "b", &ask);
        let is_told = moved
            .threads
            .first()
            .is_some_and(|missed| missed.log.too_old);
        assert_eq!(is_told, is_anew, "{cursor:?}");
        if is_anew {
            assert_eq!(moved.threads[0].messages.len(), 3);
        }
    }
    assert_eq!(seen(&world, "b", group).head.last_rev, good.rev);
}
