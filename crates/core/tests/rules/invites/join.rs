//! Joining by a link.

use semel_core::{
    actions::{ChangeThread, NewSettings, Outcome},
    row::{Fact, ParticipantRow, Period, PreferencesRow},
};
use semel_protocol::{
    Code, ThreadId,
    limits::GROUP_PARTICIPANTS_MAX,
    thread::{Allowed, History, Role},
};

use super::{Led, adding, group, join, link, list, look, made, uses, with_uses};
use crate::support::{
    tell::{code, id, names, seen},
    words::{create, expand, leave, person, remove, send, title},
    world::World,
};

#[test]
fn p_invite_5_joining_is_one_entry_by_the_joined_and_one_use() {
    let (mut world, group) = group();
    let invite = made(world.act("a", with_uses(group, 2)));
    let before = world.store.heads[&group].clone();
    assert_eq!(join(&mut world, "d", invite), Led::In);
    let head = world.store.heads[&group].clone();
    assert_eq!(head.last_rev, before.last_rev + 1);
    let entry = world.store.entries.last_key_value().unwrap().1;
    assert_eq!(entry.actor_id, person("d"));
    let Fact::ParticipantsAdded(people, _) = &entry.fact else {
        panic!("{entry:?}")
    };
    assert_eq!(people, &[person("d")]);
    let said = &world.store.messages[&(group, head.last_seq)];
    assert_eq!(said.content, "d joined by an invite link");
    assert_eq!(uses(&world, invite), 1);
    // Again: nothing.
    let store = world.store.clone();
    assert_eq!(join(&mut world, "d", invite), Led::InBefore);
    assert_eq!(join(&mut world, "a", invite), Led::InBefore);
    assert_eq!(world.store, store);
    assert_eq!(names(&seen(&world, "d", group)), ["a", "b", "c", "d"]);
    // Whoever left comes in again, which is another use.
    world.act("d", leave(group)).unwrap();
    assert_eq!(join(&mut world, "d", invite), Led::In);
    assert_eq!(uses(&world, invite), 2);
    assert_eq!(join(&mut world, "e", invite), Led::Nowhere);
}

#[test]
fn p_invite_5_newcomers_see_what_the_group_says() {
    for (history, first_seq) in [(History::All, 1), (History::Joined, 2)] {
        let (mut world, group) = group();
        let settings = NewSettings {
            history: Some(history),
            ..NewSettings::default()
        };
        let change = ChangeThread {
            title: None,
            settings,
            ..title(group, "")
        };
        world.act("a", change).unwrap();
        world.act("b", send(group, "early", 1)).unwrap();
        let invite = made(world.act("a", link(group)));
        assert_eq!(join(&mut world, "d", invite), Led::In);
        assert_eq!(seen(&world, "d", group).first_seq, first_seq);
    }
}

#[test]
fn p_invite_5_a_join_is_never_held_up_by_a_group_of_the_same_people() {
    let (mut world, group) = group();
    let other = id(world.act("a", create(&["b", "c", "d"])));
    assert_ne!(group, other);
    let invite = made(world.act("a", link(group)));
    assert_eq!(join(&mut world, "d", invite), Led::In);
    assert!(world.store.threads[&group].is_separate);
    assert_eq!(id(world.act("d", create(&["a", "b", "c"]))), other);
}

#[test]
fn p_invite_6_a_link_does_not_undo_that_somebody_was_taken_out() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    world.act("a", remove(group, "c")).unwrap();
    assert_eq!(join(&mut world, "c", invite), Led::Refused(Code::Forbidden));
    assert_eq!(look(&mut world, "c", invite), Err(Code::Forbidden));
    assert_eq!(uses(&world, invite), 0);
    world.act("a", expand(group, &["c"])).unwrap();
    world.act("c", leave(group)).unwrap();
    assert_eq!(join(&mut world, "c", invite), Led::In);
}

#[test]
fn p_invite_6_whoever_left_before_an_admin_took_them_out_stays_out() {
    let (mut world, group) = group();
    let invite = made(world.act("a", link(group)));
    world.act("c", leave(group)).unwrap();
    let head = world.store.heads[&group].clone();
    let taken_out = world.act("a", remove(group, "c"));
    assert!(
        matches!(taken_out, Ok(Outcome::Changed(_))),
        "{taken_out:?}"
    );
    // That they went was told when they left.
    assert_eq!(world.store.heads[&group], head);
    let store = world.store.clone();
    world.act("a", remove(group, "c")).unwrap();
    world.act("c", leave(group)).unwrap();
    assert_eq!(world.store, store, "a repeat changes nothing");
    assert_eq!(join(&mut world, "c", invite), Led::Refused(Code::Forbidden));
    assert_eq!(look(&mut world, "c", invite), Err(Code::Forbidden));
    assert_eq!(uses(&world, invite), 0);
    assert_eq!(
        code(world.act("b", remove(group, "c"))),
        Code::Forbidden,
        "that is for admins"
    );
    world.act("a", expand(group, &["c"])).unwrap();
    world.act("c", leave(group)).unwrap();
    assert_eq!(join(&mut world, "c", invite), Led::In);
}

#[test]
fn p_invite_7_a_link_is_the_groups_and_stays_when_its_maker_goes() {
    let (mut world, group) = group();
    world.act("a", adding(group, Allowed::Everyone)).unwrap();
    let invite = made(world.act("b", link(group)));
    world.act("a", adding(group, Allowed::Admins)).unwrap();
    assert_eq!(join(&mut world, "d", invite), Led::In);
    world.act("b", leave(group)).unwrap();
    assert_eq!(join(&mut world, "e", invite), Led::In);
    assert_eq!(list(&world, "a", group), Ok(vec![invite]));
    assert_eq!(list(&world, "d", group), Ok(vec![]));
}

/// Puts people into a group past the rules, until there are so many.
fn fill(world: &mut World, group: ThreadId, count: usize) {
    let rev = world.store.heads[&group].last_rev;
    let seq = world.store.heads[&group].last_seq;
    let user = world.store.users[&person("a")].clone();
    let inside = world.store.of_thread(group).count();
    for number in inside..count {
        let who = person(&format!("crowd-{number}"));
        let period = Period {
            from_seq: seq + 1,
            from_rev: rev,
            until_rev: None,
            until_seq: None,
        };
        let seat = ParticipantRow {
            role: Role::Participant,
            joined_rev: rev,
            periods: vec![period],
            hidden_seq: None,
            is_removed: false,
            block: None,
            preferences: PreferencesRow::default(),
        };
        world.store.users.insert(who.clone(), user.clone());
        world.store.participants.insert((group, who), seat);
    }
}

#[test]
fn p_invite_8_a_full_group_lets_nobody_in_and_no_use_is_counted() {
    let (mut world, group) = group();
    let invite = made(world.act("a", with_uses(group, 5)));
    fill(&mut world, group, GROUP_PARTICIPANTS_MAX - 1);
    assert_eq!(join(&mut world, "d", invite), Led::In);
    let count = world.store.threads[&group].participant_count;
    assert_eq!(count, GROUP_PARTICIPANTS_MAX as u64);
    let full = Led::Refused(Code::ThreadFull);
    assert_eq!(join(&mut world, "e", invite), full);
    assert_eq!(uses(&world, invite), 1);
    assert_eq!(
        code(world.act("a", expand(group, &["e"]))),
        Code::ThreadFull
    );
    world.act("b", leave(group)).unwrap();
    assert_eq!(join(&mut world, "e", invite), Led::In);
}
