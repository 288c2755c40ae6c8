//! One conversation per set of people.

use semel_core::actions::{CreateOrGet, Outcome, UpsertUser};
use semel_protocol::{Code, thread::ThreadType, thread::ThreadType::Group};

use crate::support::{
    tell::{code, field, id, names, seen, sent, view},
    words::{check, client_id, create, leave, people, person, send, start},
    world::World,
};

fn created(world: &mut World, name: &str, action: CreateOrGet) -> bool {
    match world.act(name, action) {
        Ok(Outcome::Thread { created, .. }) => created,
        other => panic!("{other:?}"),
    }
}

fn of_type(names: &[&str], thread_type: ThreadType) -> CreateOrGet {
    CreateOrGet {
        thread_type: Some(thread_type),
        ..create(names)
    }
}

#[test]
fn req_a1_ec_v01_both_sides_open_one_direct_thread() {
    let mut world = World::with(&["a", "b"]);
    let mut ids = Vec::new();
    for n in 0..16 {
        let (me, other) = if n % 2 == 0 { ("a", "b") } else { ("b", "a") };
        ids.push(id(world.act(me, create(&[other]))));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.store.threads.len(), 1);
    assert!(!created(&mut world, "b", create(&["a"])));
}

#[test]
fn req_a2_a_group_is_found_by_its_exact_set() {
    let mut world = World::with(&["a", "b", "c", "d"]);
    let abc = id(world.act("a", create(&["b", "c"])));
    assert_eq!(id(world.act("c", create(&["b", "a"]))), abc);
    assert_ne!(id(world.act("a", create(&["b", "c", "d"]))), abc);
    assert_ne!(id(world.act("a", of_type(&["b"], Group))), abc);
    assert_eq!(world.store.participants_keys.len(), 3);
}

#[test]
fn req_a3_ids_with_separators_make_different_sets() {
    let mut world = World::with(&["a", "b,c", "a,b", "c", "b|c", "a|b"]);
    let one = id(world.act("a", create(&["b,c"])));
    assert_ne!(id(world.act("a,b", create(&["c"]))), one);
    let two = id(world.act("a", create(&["b|c", "c"])));
    assert_ne!(id(world.act("a|b", create(&["c", "a"]))), two);
}

#[test]
fn req_a4_ec_v02_the_caller_is_added_and_repeats_collapse() {
    let upper = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
    let mut world = World::with(&["a", "b", upper]);
    let one = id(world.act("a", create(&["b"])));
    for named in [&["b", "a"][..], &["a", "b", "a"], &["b", "b"], &["a", "b"]] {
        assert_eq!(id(world.act("a", create(named))), one, "{named:?}");
    }
    let two = id(world.act("a", create(&[upper])));
    assert_eq!(id(world.act("a", create(&[&upper.to_lowercase()]))), two);
    world.make_user("A");
    assert_ne!(id(world.act("b", create(&["A"]))), one);
}

#[test]
fn req_a5_types_have_their_numbers_of_people() {
    let mut world = World::with(&["a", "b", "c"]);
    for (named, wanted) in [
        (&["b", "c"][..], ThreadType::Direct),
        (&[], ThreadType::Direct),
        (&["b"], ThreadType::SelfNote),
        (&[], Group),
    ] {
        assert_eq!(
            field(world.act("a", of_type(named, wanted))),
            "/participants"
        );
    }
    let kinds = [&[][..], &["b"], &["b", "c"]]
        .map(|named| view(world.act("a", create(named))).thread.thread_type);
    assert_eq!(kinds, [ThreadType::SelfNote, ThreadType::Direct, Group]);
    let two = view(world.act("a", of_type(&["b"], Group)));
    assert_eq!((two.thread.thread_type, two.participants.len()), (Group, 2));
}

#[test]
fn req_a6_many_calls_one_thread_and_only_the_first_made_it() {
    let mut world = World::with(&["a", "b", "c"]);
    let made = (0..150).filter(|_| created(&mut world, "a", create(&["b", "c"])));
    assert_eq!(made.count(), 1);
    assert_eq!(
        (world.store.threads.len(), world.store.entries.len()),
        (1, 1)
    );
}

#[test]
fn req_a6_a_client_id_names_a_creation_for_ever() {
    let mut world = World::with(&["a", "b", "c"]);
    let wanted = CreateOrGet {
        client_id: Some(client_id(1)),
        distinct: false,
        ..create(&["b", "c"])
    };
    let one = id(world.act("a", wanted.clone()));
    assert_eq!(id(world.act("a", wanted.clone())), one);
    let other = CreateOrGet {
        participants: people(&["b"]),
        ..wanted.clone()
    };
    assert_eq!(code(world.act("a", other)), Code::ClientIdReused);
    assert_eq!(
        code(world.act("a", send(one, "x", 1))),
        Code::ClientIdReused
    );
    assert_ne!(
        id(world.act("b", wanted)),
        one,
        "another person's id is another id"
    );
}

#[test]
fn req_a7_looking_makes_nothing_and_tells_nothing_of_others() {
    let mut world = World::with(&["a", "b", "c"]);
    assert!(matches!(
        world.act("a", check(&["b", "c"])),
        Ok(Outcome::Existing(None))
    ));
    assert!(world.store.threads.is_empty());
    let abc = id(world.act("a", create(&["b", "c"])));
    world.act("b", send(abc, "x", 1)).unwrap();
    let found = view(world.act("c", check(&["a", "b"])));
    assert_eq!((found.thread.id, found.head.message_count), (abc, 1));
    assert_eq!(names(&found), ["a", "b", "c"]);
    world.make_user("d");
    let looked = world.act("d", check(&["a", "b", "c"]));
    assert!(
        matches!(looked, Ok(Outcome::Existing(None))),
        "d is not in it"
    );
    assert!(matches!(
        world.act("a", check(&["nobody"])),
        Ok(Outcome::Existing(None))
    ));
}

#[test]
fn req_a8_a_conversation_starts_in_one_step() {
    let mut world = World::with(&["a", "b"]);
    let first = world.act("a", start(&["b"], "hi", Some(1)));
    let Ok(Outcome::Conversation {
        thread,
        sent: said,
        is_existing_thread,
    }) = first
    else {
        panic!("{first:?}");
    };
    assert!(!is_existing_thread && !said.duplicate);
    assert_eq!((said.message.seq, said.message.rev), (1, 2));
    assert_eq!(thread.last_message.unwrap().id, said.message.id);
    let again = world.act("a", start(&["b"], "hi", Some(1)));
    assert!(sent(again).duplicate);
    let from_b = world.act("b", start(&["a"], "ho", Some(2)));
    assert!(matches!(
        from_b,
        Ok(Outcome::Conversation {
            is_existing_thread: true,
            ..
        })
    ));
    assert_eq!(world.store.messages.len(), 2);
    assert_eq!(
        code(world.act("a", start(&["b"], "other", Some(1)))),
        Code::ClientIdReused
    );
}

#[test]
fn req_a8_a_refused_first_message_makes_no_thread() {
    let mut world = World::with(&["a", "b"]);
    let before = world.store.clone();
    assert_eq!(
        field(world.act("a", start(&["b"], " ", None))),
        "/message_content"
    );
    let refusal = world
        .act("a", start(&["b", "x", "y"], "hi", None))
        .unwrap_err();
    assert_eq!(
        (refusal.code, refusal.user_ids),
        (Code::UnknownUsers, people(&["x", "y"]))
    );
    // That somebody asked after people counts.
    world.store.budgets.clear();
    assert!(world.store == before);
}

#[test]
fn req_a12_a_group_of_its_own_is_never_matched() {
    let mut world = World::with(&["a", "b", "c"]);
    let apart = |title: &str| CreateOrGet {
        distinct: false,
        title: Some(title.to_owned()),
        ..create(&["b", "c"])
    };
    let lunch = id(world.act("a", apart("Lunch")));
    let work = id(world.act("a", apart("Work")));
    let shared = id(world.act("a", create(&["b", "c"])));
    assert!(lunch != work && work != shared && lunch != shared);
    assert_eq!(id(world.act("b", create(&["a", "c"]))), shared);
    assert_eq!(seen(&world, "c", work).title.as_deref(), Some("Work"));
    let direct = CreateOrGet {
        distinct: false,
        ..of_type(&["b"], ThreadType::Direct)
    };
    assert_eq!(field(world.act("a", direct)), "/distinct");
}

#[test]
fn ec_v04_story_c7_a_note_to_oneself_is_a_set_of_one() {
    let mut world = World::with(&["a"]);
    let note = id(world.act("a", create(&[])));
    assert_eq!(
        id(world.act("a", of_type(&["a", "a"], ThreadType::SelfNote))),
        note
    );
    assert_eq!(
        sent(world.act("a", start(&["a"], "milk", None)))
            .message
            .thread_id,
        note
    );
    assert_eq!(names(&seen(&world, "a", note)), ["a"]);
}

#[test]
fn ec_v05_large_groups_are_found_by_their_sets() {
    for size in [75, 300, 1_000] {
        let all: Vec<String> = (0..size).map(|n| format!("user-{n}")).collect();
        let mut all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut world = World::with(&all);
        let one = view(world.act("user-0", create(&all)));
        assert!(world.rounds <= 6, "{} loads", world.rounds);
        assert_eq!(one.thread.participant_count, size);
        assert_eq!(one.participants.len(), 100.min(all.len()));
        all.reverse();
        assert_eq!(id(world.act("user-7", create(&all))), one.thread.id);
        assert!(world.rounds <= 5, "{} loads", world.rounds);
        let contacts = world.store.contacts.len();
        assert_eq!(contacts, 0, "so large a group makes no contacts");
        all.pop();
        assert_ne!(id(world.act("user-7", create(&all))), one.thread.id);
    }
}

#[test]
fn ec_v10_a_hidden_direct_thread_comes_back() {
    let mut world = World::with(&["a", "b"]);
    let one = id(world.act("a", start(&["b"], "hi", None)));
    let listed = |world: &World| {
        let list = world.ask(|rows| semel_core::queries::threads(rows, &person("a"), None, 9));
        list.unwrap().len()
    };
    world.act("a", leave(one)).unwrap();
    assert_eq!(listed(&world), 0);
    assert_eq!(id(world.act("a", create(&["b"]))), one);
    assert_eq!(listed(&world), 1);
    world.act("a", leave(one)).unwrap();
    world.act("b", send(one, "there?", 1)).unwrap();
    assert_eq!(
        (listed(&world), seen(&world, "a", one).unread_count),
        (1, 1)
    );
}

#[test]
fn ec_v13_direct_and_group_of_two_are_two_threads() {
    let mut world = World::with(&["a", "b"]);
    let direct = id(world.act("a", create(&["b"])));
    let group = id(world.act("a", of_type(&["b"], Group)));
    assert_ne!(direct, group);
    assert_eq!(id(world.act("b", of_type(&["a"], Group))), group);
}

#[test]
fn ec_v14_story_c6_the_key_is_made_of_ids_only() {
    let mut world = World::with(&["a", "b"]);
    let one = id(world.act("a", create(&["b"])));
    let renamed = UpsertUser {
        user_id: person("b"),
        display_name: Some("a".to_owned()),
        about: None,
        picture: None,
        only_if_absent: false,
        outside_picture: false,
    };
    world.act("b", renamed).unwrap();
    assert_eq!(id(world.act("a", create(&["b"]))), one);
    assert_eq!(seen(&world, "a", one).title.as_deref(), Some("a"));
}

#[test]
fn req_d3_contacts_come_with_the_first_message_or_a_shared_group() {
    let mut world = World::with(&["a", "b", "c"]);
    let one = id(world.act("a", create(&["b"])));
    assert!(world.store.contacts.is_empty());
    world.act("a", send(one, "hi", 1)).unwrap();
    world.act("b", send(one, "hi", 1)).unwrap();
    assert_eq!(world.store.contacts.len(), 2);
    world.act("a", create(&["b", "c"])).unwrap();
    assert_eq!(world.store.contacts.len(), 6);
    assert_eq!(world.store.person_heads[&person("c")], 2);
    assert_eq!(world.store.person_heads[&person("a")], 2);
}
