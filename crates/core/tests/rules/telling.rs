//! Profiles that change: who is told, and what comes with the next sync.

use std::collections::BTreeSet;

use semel_core::{
    actions::{ChangeHandle, MarkPosition, Outcome, SetBlock, TellStep, UpsertUser},
    queries::{self, SyncAsk, SyncPlace, SyncView},
    row::{Standing, Subject},
    rows::List,
};
use semel_protocol::{
    Code, Timestamp, UserId,
    limits::{CONTACTS_FROM_GROUP_MAX, PROFILE_CHANGES_PER_PERSON_DAY_MAX, SYNC_PROFILES_MAX},
};

use crate::support::{
    tell::id,
    words::{create, leave, person, send},
    world::{DAY_MS, World},
};

fn renamed(who: &str, name: &str) -> UpsertUser {
    UpsertUser {
        user_id: person(who),
        display_name: Some(name.to_owned()),
        about: None,
        picture: None,
        only_if_absent: false,
        outside_picture: false,
    }
}

/// One step, as a server takes it; whether somebody is left.
fn step(world: &mut World, who: &str) -> bool {
    let who = person(who);
    let place = world.ask(|rows| queries::telling::place(rows, &who));
    let Some(place) = place.expect("an answer") else {
        return false;
    };
    let next = world.ask(|rows| queries::telling::next(rows, &who, &place));
    let (people, to) = next.expect("an answer");
    let step = TellStep {
        user_id: who,
        from: place,
        to,
        people,
    };
    let taken = world.act("system", step).expect("a step");
    assert!(matches!(taken, Outcome::TellStep { is_taken: true }));
    true
}

fn tell(world: &mut World, who: &str) {
    while step(world, who) {}
}

/// Who was told that somebody has another profile.
fn told_of(world: &World, who: &str) -> BTreeSet<String> {
    let lines = world.store.person_log.keys();
    let lines = lines.filter(|(_, subject)| *subject == Subject::Profile(person(who)));
    lines.map(|(of, _)| of.to_string()).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number:03}")).collect()
}

/// Ann with a contact, a direct thread without words, a large group with Dee, and one that she left.
fn world_of_ann() -> World {
    let mut world = World::with(&["system", "ann", "bob", "cyd", "dee", "eve"]);
    let direct = id(world.act("ann", create(&["bob"])));
    world.act("ann", send(direct, "hi", 1)).expect("she may");
    world.act("ann", create(&["cyd"])).expect("she may");
    let others = names(CONTACTS_FROM_GROUP_MAX * 2 + 5);
    for who in &others {
        world.make_user(who);
    }
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let large = [&["dee"], &others[..]].concat();
    world.act("ann", create(&large)).expect("she may");
    let left = [&["ann", "eve"], &others[..]].concat();
    let left = id(world.act("dee", create(&left)));
    world.act("ann", leave(left)).expect("she may");
    world
}

#[test]
fn p_profile_1_everybody_who_shares_a_thread_is_told_and_nobody_else() {
    let mut world = world_of_ann();
    world.act("ann", renamed("ann", "Ann Smith")).unwrap();
    assert_eq!(told_of(&world, "ann"), BTreeSet::new(), "step by step");
    let heads = world.store.person_heads.clone();
    tell(&mut world, "ann");
    let mut expected: BTreeSet<String> =
        names(CONTACTS_FROM_GROUP_MAX * 2 + 5).into_iter().collect();
    expected.extend(["ann", "bob", "cyd", "dee"].map(str::to_owned));
    assert_eq!(told_of(&world, "ann"), expected);
    for who in expected {
        let who = person(&who);
        let before = heads.get(&who).copied().unwrap_or(0);
        assert_eq!(world.store.person_heads[&who], before + 1, "{who}: once");
    }
    // A handle is part of it; what is as it was is not told again.
    let handle = Some("ann_smith".to_owned());
    world.act("ann", ChangeHandle { handle }).unwrap();
    assert!(world.store.tellings.contains_key(&person("ann")));
    tell(&mut world, "ann");
    world.act("ann", renamed("ann", "Ann Smith")).unwrap();
    assert!(world.store.tellings.is_empty());
}

#[test]
fn p_profile_1_what_changes_while_it_is_told_is_told_from_the_beginning() {
    let mut world = world_of_ann();
    world.act("ann", renamed("ann", "one")).unwrap();
    step(&mut world, "ann");
    let line = |world: &World| {
        let subject = Subject::Profile(person("ann"));
        world.store.person_log[&(person("bob"), subject)]
    };
    let first = line(&world);
    step(&mut world, "ann");
    world.act("ann", renamed("ann", "two")).unwrap();
    tell(&mut world, "ann");
    assert!(line(&world) > first);
}

#[test]
fn p_profile_2_the_newer_profile_has_the_greater_time_whatever_the_clocks_say() {
    let mut world = World::with(&["ann"]);
    let time = |world: &World| world.store.users[&person("ann")].updated_at;
    let made = time(&world);
    world.act("ann", renamed("ann", "one")).unwrap();
    let first = time(&world);
    world.now -= DAY_MS;
    let handle = Some("ann_smith".to_owned());
    world.act("ann", ChangeHandle { handle }).unwrap();
    let second = time(&world);
    assert!(made < first && first < second, "{made} {first} {second}");
}

fn sync(world: &World, who: &str, ask: &SyncAsk) -> SyncView {
    let ask = SyncAsk {
        limit: 1_000,
        ..ask.clone()
    };
    let answer = world.ask(|rows| queries::sync(rows, &person(who), &ask));
    answer.expect("anybody may")
}

fn named(view: &SyncView) -> Vec<(String, String)> {
    let named = view.profiles.iter().map(|(who, row)| {
        let name = row.display_name.clone().unwrap_or_default();
        (who.to_string(), name)
    });
    named.collect()
}

/// What a device asks that has all there is.
fn up_to_date(world: &World, who: &str) -> SyncAsk {
    let all = sync(world, who, &SyncAsk::default());
    let cursors = all.threads.iter().map(|missed| {
        let id = missed.thread.thread.id;
        let head = &world.store.heads[&id];
        let cursor = queries::SyncCursor {
            rev: head.last_rev,
            chain: Some(head.chain),
            epoch: Some(1),
        };
        (id, cursor)
    });
    SyncAsk {
        threads: cursors.collect(),
        since: Some(all.since),
        ..SyncAsk::default()
    }
}

#[test]
fn p_profile_3_a_device_that_was_away_gets_changed_profiles_without_any_news() {
    let mut world = world_of_ann();
    let ask = up_to_date(&world, "dee");
    assert!(sync(&world, "dee", &ask).profiles.is_empty());
    world.act("ann", renamed("ann", "Ann Smith")).unwrap();
    tell(&mut world, "ann");
    let missed = sync(&world, "dee", &ask);
    assert!(missed.threads.is_empty(), "no thread has news");
    let expected = vec![("ann".to_owned(), "Ann Smith".to_owned())];
    assert_eq!(named(&missed), expected);
    assert_eq!(missed.next, None);
    let since = Some(missed.since);
    assert!(
        sync(
            &world,
            "dee",
            &SyncAsk {
                since,
                ..ask.clone()
            }
        )
        .profiles
        .is_empty(),
        "once"
    );
    // A place in the log of a database that was replaced says nothing.
    let elsewhere = SyncAsk { since: None, ..ask };
    assert!(named(&sync(&world, "dee", &elsewhere)).contains(&expected[0]));
}

#[test]
fn p_profile_3_many_changed_profiles_come_page_by_page() {
    for count in [SYNC_PROFILES_MAX, SYNC_PROFILES_MAX + 1] {
        let others = names(count);
        let mut world = World::with(&["system", "ann"]);
        for who in &others {
            world.make_user(who);
            world.act(who, create(&["ann"])).unwrap();
        }
        let ask = up_to_date(&world, "ann");
        for who in &others {
            world.act(who, renamed(who, "new")).unwrap();
            tell(&mut world, who);
        }
        let first = sync(&world, "ann", &ask);
        assert_eq!(first.profiles.len(), SYNC_PROFILES_MAX);
        let mut found: Vec<UserId> = first.profiles.into_iter().map(|(who, _)| who).collect();
        assert_eq!(first.next.is_some(), count > SYNC_PROFILES_MAX);
        if let Some(place) = first.next {
            assert!(matches!(place, SyncPlace::Profile(_)));
            let after = Some(place);
            let rest = sync(&world, "ann", &SyncAsk { after, ..ask });
            assert!(rest.threads.is_empty() && rest.contacts.is_empty());
            assert_eq!((rest.profiles.len(), rest.next), (1, None));
            found.extend(rest.profiles.into_iter().map(|(who, _)| who));
        }
        found.sort();
        let expected: Vec<UserId> = others.iter().map(|who| person(who)).collect();
        assert_eq!(found, expected);
    }
}

/// How many lines of the own log an answer reads, and where the next one begins.
fn lines_read(world: &World, who: &str, ask: &SyncAsk) -> (usize, Option<SyncPlace>) {
    let (who, mut read) = (person(who), 0);
    let view = world.ask(|rows| {
        let pages = rows.lists.values().map(|list| match list {
            List::Subjects(lines) => lines.len(),
            _ => 0,
        });
        read = pages.sum();
        queries::sync(rows, &who, ask)
    });
    (read, view.expect("anybody may").next)
}

#[test]
fn p_profile_3_a_page_of_changed_profiles_reads_on_where_the_one_before_it_ended() {
    const LINES: usize = 10 * SYNC_PROFILES_MAX;
    let mut world = World::with(&["ann"]);
    for number in 1..=LINES {
        let line = (
            person("ann"),
            Subject::Profile(person(&format!("p{number}"))),
        );
        world.store.person_log.insert(line, number as u64);
    }
    let ask = SyncAsk {
        since: Some(0),
        limit: 1_000,
        ..SyncAsk::default()
    };
    let (first, mut next) = lines_read(&world, "ann", &ask);
    let (mut all, mut pages) = (first, 1);
    while next.is_some() {
        let after = next;
        let (read, place) = lines_read(
            &world,
            "ann",
            &SyncAsk {
                after,
                ..ask.clone()
            },
        );
        assert!(read <= 3 * SYNC_PROFILES_MAX, "{read} lines for one page");
        (all, pages, next) = (all + read, pages + 1, place);
    }
    assert_eq!(pages, LINES / SYNC_PROFILES_MAX);
    assert!(all <= 5 * LINES, "{all} lines over {pages} pages");
}

#[test]
fn p_sync_5_what_was_read_or_chosen_elsewhere_brings_the_thread_again() {
    let mut world = World::with(&["ann", "bob"]);
    let thread = id(world.act("ann", create(&["bob"])));
    world.act("bob", send(thread, "hi", 1)).unwrap();
    let ask = up_to_date(&world, "ann");
    assert!(sync(&world, "ann", &ask).threads.is_empty());
    let read = MarkPosition {
        thread_id: thread,
        read_seq: Some(2),
        delivered_seq: None,
    };
    world.act("ann", read).unwrap();
    let missed = sync(&world, "ann", &ask);
    assert_eq!(missed.threads.len(), 1);
    let since = Some(missed.since);
    let threads = sync(&world, "ann", &SyncAsk { since, ..ask }).threads;
    assert!(threads.is_empty(), "once");
}

#[test]
fn p_block_5_who_has_blocked_a_person_is_told_of_their_profile_when_they_unblock_them() {
    let mut world = world_of_ann();
    let ask = up_to_date(&world, "bob");
    let block = |is_blocked| SetBlock {
        user_id: person("ann"),
        is_blocked,
    };
    world.act("bob", block(true)).unwrap();
    world.act("ann", renamed("ann", "Ann Smith")).unwrap();
    tell(&mut world, "ann");
    assert_eq!(named(&sync(&world, "bob", &ask)), []);
    let since = Some(sync(&world, "bob", &ask).since);
    world.act("bob", block(false)).unwrap();
    let expected = vec![("ann".to_owned(), "Ann Smith".to_owned())];
    let later = SyncAsk {
        since,
        ..ask.clone()
    };
    assert_eq!(named(&sync(&world, "bob", &later)), expected);
    // Nothing of an erased person is left to be kept from anybody.
    world.act("bob", block(true)).unwrap();
    let row = world.store.users.get_mut(&person("ann")).unwrap();
    row.standing = Standing::Erased(Timestamp(1));
    assert_eq!(named(&sync(&world, "bob", &ask)), expected);
}

#[test]
fn p_profile_4_who_shares_no_thread_any_more_is_not_shown_what_changed_since() {
    let mut world = world_of_ann();
    let ask = up_to_date(&world, "dee");
    world.act("ann", renamed("ann", "one")).unwrap();
    tell(&mut world, "ann");
    let all = sync(&world, "dee", &SyncAsk::default());
    for missed in &all.threads {
        world.act("dee", leave(missed.thread.thread.id)).unwrap();
    }
    world.act("ann", renamed("ann", "two")).unwrap();
    tell(&mut world, "ann");
    assert_eq!(named(&sync(&world, "dee", &ask)), []);
    // Nothing of an erased person is left to be kept from anybody.
    let row = world.store.users.get_mut(&person("ann")).unwrap();
    row.standing = Standing::Erased(Timestamp(1));
    row.display_name = Some("Deleted account".to_owned());
    let expected = vec![("ann".to_owned(), "Deleted account".to_owned())];
    assert_eq!(named(&sync(&world, "dee", &ask)), expected);
}

#[test]
fn p_erase_2_who_was_erased_is_told_of_nobody_any_more() {
    let mut world = World::with(&["ann", "bob"]);
    // A direct thread in which nothing was said: they are no contacts.
    world.act("ann", create(&["bob"])).unwrap();
    let erased = Standing::Erased(Timestamp(world.now));
    world.store.users.get_mut(&person("ann")).unwrap().standing = erased;
    world.act("bob", renamed("bob", "Robert")).unwrap();
    tell(&mut world, "bob");
    assert_eq!(told_of(&world, "bob"), BTreeSet::from(["bob".to_owned()]));
}

#[test]
fn p_profile_5_a_profile_changes_only_so_often_in_a_day() {
    let mut world = World::with(&["ann", "bob"]);
    for number in 0..PROFILE_CHANGES_PER_PERSON_DAY_MAX {
        let name = format!("ann {number}");
        world.act("ann", renamed("ann", &name)).unwrap();
    }
    let refused = world.act("ann", renamed("ann", "more")).unwrap_err();
    assert_eq!(refused.code, Code::RateLimited);
    assert_eq!(refused.retry_after_ms, Some(DAY_MS as u64));
    // What changes nothing is no change, and what an operator changes is theirs.
    let last = format!("ann {}", PROFILE_CHANGES_PER_PERSON_DAY_MAX - 1);
    world.act("ann", renamed("ann", &last)).unwrap();
    world.act("bob", renamed("ann", "by bob")).unwrap();
    world.now += DAY_MS;
    world.act("ann", renamed("ann", "more")).unwrap();
}
