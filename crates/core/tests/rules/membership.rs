//! Who is in, and who may say so.

use semel_core::{
    actions::{
        Action, ChangeRole, ChangeThread, CreateOrGet, Expand, NewSettings, Outcome,
        RemoveParticipant,
    },
    queries::{self, SeenEntry},
    row::Fact,
};
use semel_protocol::{
    Code, ThreadId,
    requests::OnConflict,
    thread::{Allowed, History, Role},
};

use crate::support::{
    device::{self, Device},
    tell::{code, field, id, names, seen, sent, view},
    words::{
        client_id, create, delete, edit, expand, leave, people, person, react, read, remove, send,
        title,
    },
    world::{World, command},
};

fn group(names: &[&str]) -> (World, ThreadId) {
    let mut world = World::with(names);
    let group = id(world.act(names[0], create(&names[1..])));
    (world, group)
}

fn role(thread_id: ThreadId, name: &str, role: Role) -> ChangeRole {
    ChangeRole {
        thread_id,
        user_id: person(name),
        role,
    }
}

fn settings(thread_id: ThreadId, history: History, posting: Allowed) -> ChangeThread {
    ChangeThread {
        thread_id,
        title: None,
        description: None,
        picture: None,
        settings: NewSettings {
            history: Some(history),
            posting: Some(posting),
            ..NewSettings::default()
        },
    }
}

#[test]
fn req_a9_expanding_keeps_history_and_tells_who_came() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    world.make_user("e");
    world.act("b", send(group, "before", 1)).unwrap();
    let action = Expand {
        message_content: Some("welcome".to_owned()),
        client_id: Some(client_id(2)),
        ..expand(group, &["e", "b", "d", "e"])
    };
    let outcome = world.act("a", action.clone()).unwrap();
    let Outcome::Expanded {
        thread,
        added,
        sent: said,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    let added: Vec<_> = added.iter().map(|person| person.user_id.as_str()).collect();
    assert_eq!(added, ["d", "e"]);
    assert_eq!(thread.title.as_deref(), Some("a, b, c and 2 others"));
    assert_eq!(said.unwrap().message.seq, 3);
    let d = seen(&world, "d", group);
    assert_eq!(
        (d.first_seq, d.unread_count),
        (1, 1),
        "all history, only the welcome unread"
    );
    let again = world.act("a", action).unwrap();
    let Outcome::Expanded {
        added, sent: said, ..
    } = again
    else {
        panic!("{again:?}")
    };
    assert!(added.is_empty() && said.unwrap().duplicate);
}

#[test]
fn req_a9_a_late_repeat_brings_nobody_back() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    let action = Expand {
        message_content: Some("welcome".to_owned()),
        client_id: Some(client_id(2)),
        ..expand(group, &["d"])
    };
    world.act("a", action.clone()).unwrap();
    world.act("d", leave(group)).unwrap();
    let before = world.store.clone();
    assert!(sent(world.act("a", action.clone())).duplicate);
    assert!(world.store == before, "d stays out");
    world.make_user("e");
    let other = Expand {
        new_participants: expand(group, &["e"]).new_participants,
        ..action
    };
    assert_eq!(code(world.act("a", other)), Code::ClientIdReused);
}

#[test]
fn who_goes_by_themselves_leaves() {
    let (mut world, group) = group(&["a", "b", "c"]);
    for name in ["a", "b"] {
        assert_eq!(field(world.act(name, remove(group, name))), "?user_id");
    }
    let direct = id(world.act("a", create(&["b"])));
    assert_eq!(
        code(world.act("a", remove(direct, "a"))),
        Code::WrongThreadType
    );
}

#[test]
fn req_a9_direct_threads_and_notes_refuse_to_grow() {
    let mut world = World::with(&["a", "b", "c"]);
    for named in [&["b"][..], &[]] {
        let one = id(world.act("a", create(named)));
        assert_eq!(
            code(world.act("a", expand(one, &["c"]))),
            Code::WrongThreadType
        );
        assert_eq!(code(world.act("a", title(one, "x"))), Code::WrongThreadType);
        assert_eq!(
            code(world.act("a", remove(one, "b"))),
            Code::WrongThreadType
        );
    }
}

#[test]
fn req_a9_unknown_people_are_named_and_nobody_comes_in() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    let refusal = world.act("a", expand(group, &["d", "x", "y"])).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.user_ids),
        (Code::UnknownUsers, people(&["x", "y"]))
    );
    assert_eq!(names(&seen(&world, "a", group)), ["a", "b", "c"]);
}

#[test]
fn req_a9_a_welcome_that_is_refused_lets_nobody_in() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    world.act("a", send(group, "other", 1)).unwrap();
    let action = Expand {
        message_content: Some("welcome".to_owned()),
        client_id: Some(client_id(1)),
        ..expand(group, &["d"])
    };
    let before = world.store.clone();
    assert_eq!(code(world.act("a", action.clone())), Code::ClientIdReused);
    assert!(world.store == before);
    let reply = world.run(&command("a", action.into(), Some("k")));
    assert!(reply.result.unwrap().is_err());
    world.store.answers.clear();
    assert!(world.store == before);
}

#[test]
fn req_a10_an_expand_onto_another_threads_set_is_refused_by_name_or_kept_apart() {
    let (mut world, abc) = group(&["a", "b", "c"]);
    world.make_user("d");
    let abcd = id(world.act("b", create(&["a", "c", "d"])));
    let before = world.store.clone();
    let refusal = world.act("a", expand(abc, &["d"])).unwrap_err();
    assert_eq!(refusal.code, Code::ParticipantsKeyTaken);
    assert_eq!(refusal.existing_thread_id, Some(abcd));
    assert!(world.store == before);
    let apart = Expand {
        on_conflict: OnConflict::KeepSeparate,
        ..expand(abc, &["d"])
    };
    let kept = view(world.act("a", apart)).thread;
    assert!(kept.is_separate && kept.participants_key.is_none());
    assert_eq!(id(world.act("d", create(&["a", "b", "c"]))), abcd);
    assert_ne!(
        id(world.act("a", create(&["b", "c"]))),
        abc,
        "the old set is free"
    );
}

#[test]
fn req_a10_a_removal_moves_the_key_or_is_refused_by_name() {
    let (mut world, abc) = group(&["a", "b", "c"]);
    let abd = {
        world.make_user("d");
        id(world.act("a", create(&["b", "d"])))
    };
    let abc_removed = world.act("a", remove(abc, "c"));
    assert_eq!(names(&view(abc_removed)), ["a", "b"]);
    let refusal = world.act("a", remove(abd, "d")).unwrap_err();
    assert_eq!(refusal.existing_thread_id, Some(abc));
    let apart = RemoveParticipant {
        on_conflict: OnConflict::KeepSeparate,
        ..remove(abd, "d")
    };
    world.act("a", apart).unwrap();
    let ab = CreateOrGet {
        thread_type: Some(semel_protocol::ThreadType::Group),
        ..create(&["b"])
    };
    assert_eq!(id(world.act("a", ab)), abc);
}

#[test]
fn req_a10_leaving_always_succeeds() {
    let (mut world, abc) = group(&["a", "b", "c"]);
    world.make_user("d");
    let abcd = id(world.act("d", create(&["a", "b", "c"])));
    assert!(matches!(world.act("d", leave(abcd)), Ok(Outcome::Left(_))));
    let left = seen(&world, "a", abcd).thread;
    assert!(left.is_separate && left.participants_key.is_none());
    assert!(world.act("d", leave(abcd)).is_ok(), "again");
    for name in ["a", "b", "c"] {
        world.act(name, leave(abc)).unwrap();
    }
    assert_eq!(world.store.threads[&abc].participant_count, 0);
    assert!(
        world.store.participants_keys.is_empty(),
        "an empty group gives its key up"
    );
    assert_ne!(id(world.act("a", create(&["b", "c"]))), abc);
    world.make_user("x");
    assert_eq!(code(world.act("x", leave(abc))), Code::NotFound);
}

#[test]
fn req_a11_only_admins_change_a_group() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    let actions: [Action; 5] = [
        expand(group, &["d"]).into(),
        remove(group, "c").into(),
        role(group, "b", Role::Admin).into(),
        title(group, "x").into(),
        settings(group, History::Joined, Allowed::Admins).into(),
    ];
    for action in actions.clone() {
        assert_eq!(
            code(world.act("b", action.clone())),
            Code::Forbidden,
            "{action:?}"
        );
        assert_eq!(
            code(world.act("d", action.clone())),
            Code::NotFound,
            "{action:?}"
        );
    }
    for action in actions {
        assert!(world.act("a", action.clone()).is_ok(), "{action:?}");
    }
}

#[test]
fn req_a11_the_last_admin_hands_over_to_the_longest_standing() {
    let (mut world, group) = group(&["z", "m", "n"]);
    world.make_user("a");
    world.act("z", expand(group, &["a"])).unwrap();
    assert_eq!(
        field(world.act("z", role(group, "z", Role::Participant))),
        "/role"
    );
    world.act("z", leave(group)).unwrap();
    let view = seen(&world, "a", group);
    assert_eq!(names(&view), ["m", "n", "a"]);
    assert_eq!(view.participants[0].role, Role::Admin);
    let last = world.store.entries.last_key_value().unwrap().1;
    assert_eq!(last.fact, Fact::RoleChanged(person("m"), Role::Admin));
    world.act("m", role(group, "n", Role::Admin)).unwrap();
    world.act("m", leave(group)).unwrap();
    assert_eq!(seen(&world, "a", group).participants[0].role, Role::Admin);
}

#[test]
fn story_c10_nobody_joins_twice() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    for _ in 0..3 {
        world.act("a", expand(group, &["d", "d"])).unwrap();
    }
    let joined = world.store.entries.values();
    let joined = joined.filter(|entry| matches!(entry.fact, Fact::ParticipantsAdded(..)));
    assert_eq!(joined.count(), 1);
    assert_eq!(names(&seen(&world, "d", group)), ["a", "b", "c", "d"]);
}

#[test]
fn ec_k06_a_late_old_join_does_not_rejoin() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world.make_user("d");
    let join = command("a", expand(group, &["d"]).into(), Some("join"));
    let go = command("d", leave(group).into(), Some("leave"));
    let first = world.run(&join).answer;
    let left = world.run(&go).answer;
    assert_eq!(world.run(&go).answer, left);
    let late = world.run(&join);
    assert!(late.is_replay());
    assert_eq!(late.answer, first);
    assert_eq!(names(&seen(&world, "a", group)), ["a", "b", "c"]);
}

#[test]
fn invariant_s8_what_happens_while_somebody_is_away_is_not_theirs() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world
        .act("a", settings(group, History::Joined, Allowed::Everyone))
        .unwrap();
    let early = sent(world.act("c", send(group, "early", 1))).message;
    world.act("a", remove(group, "c")).unwrap();
    let between = sent(world.act("b", send(group, "between", 2))).message;
    for action in [
        Action::from(send(group, "x", 3)),
        react(group, early.id, true).into(),
        edit(group, early.id, "x").into(),
        read(group, 1).into(),
    ] {
        assert_eq!(code(world.act("c", action)), Code::NotFound);
    }
    world.act("a", expand(group, &["c"])).unwrap();
    world.act("a", react(group, between.id, true)).unwrap();
    assert_eq!(
        code(world.act("c", react(group, between.id, true))),
        Code::NotFound
    );
    assert!(world.act("c", react(group, early.id, true)).is_ok());
    assert_eq!(seen(&world, "c", group).unread_count, 0);
    let log = world
        .ask(|rows| queries::entries(rows, &person("c"), group, 0, 100))
        .unwrap();
    let is_hidden = |entry: &SeenEntry| matches!(entry, SeenEntry::Hidden(..));
    let hidden: Vec<_> = log.entries.iter().map(is_hidden).collect();
    // Made, settings, early, removed | between | added, the reaction to what is hidden, the own one.
    assert_eq!(
        hidden,
        [false, false, false, false, true, false, false, false]
    );
    let SeenEntry::Seen(_, message) = &log.entries[6] else {
        panic!("{log:?}")
    };
    assert!(
        message.is_none(),
        "the reaction is told, the message is not"
    );
    let mut reply = send(group, "re", 4);
    reply.draft.reply_to = Some(between.id);
    assert_eq!(field(world.act("c", reply)), "/reply_to");
}

#[test]
fn changes_made_while_somebody_was_out_reach_the_messages_that_are_theirs() {
    let (mut world, group) = group(&["a", "b", "c"]);
    world
        .act("a", settings(group, History::Joined, Allowed::Everyone))
        .unwrap();
    let ids: Vec<_> = (1..=3)
        .map(|n| sent(world.act("b", send(group, "early", n))).message.id)
        .collect();
    let mut device = Device::default();
    device::returns(&mut device, &world, &person("c"), group);
    world.act("a", remove(group, "c")).unwrap();
    world.act("b", edit(group, ids[0], "edited")).unwrap();
    world.act("b", delete(group, ids[1])).unwrap();
    world.act("a", react(group, ids[2], true)).unwrap();
    let between = sent(world.act("b", send(group, "between", 4))).message.id;
    world.act("b", edit(group, between, "unseen")).unwrap();
    world.act("a", expand(group, &["c"])).unwrap();
    device::returns(&mut device, &world, &person("c"), group);
    let log = world
        .ask(|rows| queries::entries(rows, &person("c"), group, 6, 100))
        .unwrap();
    let is_hidden = |entry: &SeenEntry| matches!(entry, SeenEntry::Hidden(..));
    let hidden: Vec<_> = log.entries.iter().map(is_hidden).collect();
    // Edit, deletion, reaction | what is not theirs, and its edit | added.
    assert_eq!(hidden, [false, false, false, true, true, false]);
}

#[test]
fn only_admins_post_where_the_group_says_so() {
    let (mut world, group) = group(&["a", "b", "c"]);
    let mine = sent(world.act("b", send(group, "one", 1))).message;
    world
        .act("a", settings(group, History::All, Allowed::Admins))
        .unwrap();
    assert_eq!(code(world.act("b", send(group, "two", 2))), Code::Forbidden);
    assert_eq!(
        code(world.act("b", edit(group, mine.id, "x"))),
        Code::Forbidden
    );
    assert!(sent(world.act("b", send(group, "one", 1))).duplicate);
    assert!(world.act("b", react(group, mine.id, true)).is_ok());
    assert!(world.act("a", send(group, "three", 3)).is_ok());
}
