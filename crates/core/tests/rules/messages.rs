//! No message twice, none lost, one order.

use semel_core::{
    Refusal,
    actions::{DeleteMessage, MarkPosition, Outcome, SendBatch, Sent, StartConversation},
    row::Fact,
};
use semel_protocol::{Code, MessageId, ThreadId, ThreadType, thread::Role};
use uuid::Uuid;

use crate::support::{
    tell::{code, field, id, message, seen, sent},
    words::{create, delete, draft, edit, leave, person, react, read, send, start},
    world::{DAY_MS, World},
};

fn group() -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c"]);
    let group = id(world.act("a", create(&["b", "c"])));
    (world, group)
}

fn batch(result: Result<Outcome, Refusal>) -> Vec<Result<Sent, Refusal>> {
    match result {
        Ok(Outcome::SentBatch(items)) => items,
        other => panic!("{other:?}"),
    }
}

#[test]
fn req_b1_ec_m01_ec_m08_ec_m14_a_repeat_gives_the_one_message_for_ever() {
    let (mut world, group) = group();
    let first = sent(world.act("a", send(group, "hi", 1))).message;
    let before = world.store.clone();
    for wait in [0, 31_000, 31 * 60_000, DAY_MS, 30 * DAY_MS] {
        world.now += wait;
        let again = sent(world.act("a", send(group, "hi", 1)));
        assert!(again.duplicate);
        assert_eq!(again.message, first);
    }
    assert!(world.store == before, "no event, no number");
    assert_eq!(sent(world.act("a", send(group, "next", 2))).message.seq, 2);
}

#[test]
fn req_b1_ec_m02_the_same_client_id_with_other_words_is_refused() {
    let (mut world, group) = group();
    let first = sent(world.act("a", send(group, "hi", 1))).message;
    assert_eq!(
        code(world.act("a", send(group, "ho", 1))),
        Code::ClientIdReused
    );
    let mut reply = send(group, "hi", 1);
    reply.draft.reply_to = Some(first.id);
    assert_eq!(code(world.act("a", reply)), Code::ClientIdReused);
    let elsewhere = id(world.act("a", create(&["b"])));
    assert_eq!(
        code(world.act("a", send(elsewhere, "hi", 1))),
        Code::ClientIdReused
    );
    assert_eq!(world.store.messages[&(group, 1)], first);
}

#[test]
fn req_b1_a_retried_first_message_finds_its_thread_when_the_set_has_changed() {
    let mut world = World::with(&["a", "b", "c", "d"]);
    let first = sent(world.act("a", start(&["b", "c"], "hi", Some(1)))).message;
    world.act("c", leave(first.thread_id)).unwrap();
    let again = world.act("a", start(&["b", "c"], "hi", Some(1)));
    assert_eq!(sent(again).message.id, first.id);
    world.act("a", leave(first.thread_id)).unwrap();
    let late = world.act("a", start(&["b", "c"], "hi", Some(1)));
    assert_eq!(code(late), Code::Forbidden);
    assert_eq!(world.store.threads.len(), 1);
}

#[test]
fn req_b1_ec_m02_the_same_client_id_for_other_people_is_refused() {
    let mut world = World::with(&["a", "b", "c"]);
    let first = sent(world.act("a", start(&["b"], "hi", Some(1)))).message;
    let before = world.store.clone();
    let group_of_two = StartConversation {
        thread_type: Some(ThreadType::Group),
        ..start(&["b"], "hi", Some(1))
    };
    for other in [
        start(&["c"], "hi", Some(1)),
        start(&["b", "c"], "hi", Some(1)),
        start(&["nobody"], "hi", Some(1)),
        start(&[], "hi", Some(1)),
        group_of_two,
    ] {
        assert_eq!(code(world.act("a", other)), Code::ClientIdReused);
    }
    assert!(
        world.store == before,
        "nothing is said, and nothing is taken for said"
    );
    let again = sent(world.act("a", start(&["b"], "hi", Some(1))));
    assert!(again.duplicate);
    assert_eq!(again.message.id, first.id);
    let by_thread = sent(world.act("a", send(first.thread_id, "hi", 1)));
    assert!(by_thread.duplicate);
}

#[test]
fn req_b2_revs_count_every_change_and_seqs_every_message() {
    let (mut world, group) = group();
    let one = sent(world.act("a", send(group, "1", 1))).message;
    world.act("b", react(group, one.id, true)).unwrap();
    world.act("a", edit(group, one.id, "one")).unwrap();
    let two = sent(world.act("b", send(group, "2", 2))).message;
    world.act("b", delete(group, two.id)).unwrap();
    world.act("c", leave(group)).unwrap();
    assert_eq!((one.seq, one.rev, two.seq, two.rev), (1, 2, 2, 5));
    let log: Vec<_> = world
        .store
        .entries
        .values()
        .map(|entry| (entry.rev, entry.seq))
        .collect();
    let seqs = [None, Some(1), None, None, Some(2), None, Some(3)];
    assert_eq!(log, (1..).zip(seqs).collect::<Vec<_>>());
}

#[test]
fn req_b6_unread_counts_are_arithmetic_on_places() {
    let (mut world, group) = group();
    for n in 1..=5 {
        world.act("a", send(group, "x", n)).unwrap();
    }
    let unread = |world: &World, name: &str| seen(world, name, group).unread_count;
    assert_eq!((unread(&world, "a"), unread(&world, "b")), (0, 5));
    world.act("b", read(group, 2)).unwrap();
    assert_eq!(unread(&world, "b"), 3);
    world.act("b", read(group, 1)).unwrap();
    assert_eq!(unread(&world, "b"), 3, "it never goes back");
    world.act("c", leave(group)).unwrap();
    assert_eq!(
        unread(&world, "b"),
        3,
        "what the thread says does not count"
    );
    let last = world.store.messages[&(group, 5)].id;
    world.act("a", delete(group, last)).unwrap();
    assert_eq!(unread(&world, "b"), 3, "tombstones count");
    world.act("b", send(group, "y", 6)).unwrap();
    assert_eq!(unread(&world, "b"), 0, "who writes has read");
    let beyond = world.act("a", read(group, u64::MAX));
    let Ok(Outcome::Position {
        read_seq,
        unread_count,
        ..
    }) = beyond
    else {
        panic!("{beyond:?}")
    };
    assert_eq!((read_seq, unread_count), (7, 0));
}

#[test]
fn req_b6_reading_implies_delivery_and_the_person_is_told_once() {
    let (mut world, group) = group();
    for n in 1..=3 {
        world.act("a", send(group, "x", n)).unwrap();
    }
    let delivered = MarkPosition {
        thread_id: group,
        read_seq: None,
        delivered_seq: Some(1),
    };
    let told = |world: &World| world.store.person_heads[&person("b")];
    let contacts_only = told(&world);
    world.act("b", delivered).unwrap();
    assert_eq!(told(&world), contacts_only);
    world.act("b", read(group, 2)).unwrap();
    world.act("b", read(group, 2)).unwrap();
    assert_eq!(told(&world), contacts_only + 1);
    let position = world.store.positions[&(group, person("b"))];
    assert_eq!((position.read_seq, position.delivered_seq), (2, 2));
    let last = seen(&world, "b", group).last_message.unwrap();
    assert_eq!(
        (last.seq, last.sender_id.as_str(), last.content.as_str()),
        (3, "a", "x")
    );
}

#[test]
fn req_b8_ec_m20_a_batch_keeps_its_order_and_says_each_thing_once() {
    let (mut world, thread_id) = group();
    let drafts = vec![
        draft("a", 1),
        draft("b", 2),
        draft("a", 1),
        draft(" ", 3),
        draft("b", 1),
    ];
    let items = batch(world.act("a", SendBatch { thread_id, drafts }));
    let told: Vec<_> = items
        .iter()
        .map(|item| match item {
            Ok(sent) => Ok((sent.message.seq, sent.duplicate)),
            Err(refusal) => Err(refusal.code),
        })
        .collect();
    let (invalid, reused) = (Err(Code::InvalidRequest), Err(Code::ClientIdReused));
    assert_eq!(
        told,
        [
            Ok((1, false)),
            Ok((2, false)),
            Ok((1, true)),
            invalid,
            reused
        ]
    );
    assert_eq!(
        items[3].as_ref().unwrap_err().errors[0].pointer,
        "/messages/3/content"
    );
    assert_eq!(world.store.messages.len(), 2);
}

#[test]
fn a_repeated_batch_of_answers_needs_few_loads() {
    let (mut world, thread_id) = group();
    let ids: Vec<MessageId> = (0..100)
        .map(|n| sent(world.act("b", send(thread_id, "x", n))).message.id)
        .collect();
    let drafts = (100..).zip(ids).map(|(n, id)| {
        let mut draft = draft("re", n);
        draft.reply_to = Some(id);
        draft
    });
    let action = SendBatch {
        thread_id,
        drafts: drafts.collect(),
    };
    for is_repeat in [false, true] {
        let items = batch(world.act("a", action.clone()));
        assert!(
            items
                .iter()
                .all(|item| item.as_ref().unwrap().duplicate == is_repeat)
        );
        assert!(world.rounds <= 5, "{} loads", world.rounds);
    }
}

#[test]
fn ec_m04_a_deleted_message_does_not_rise() {
    let (mut world, group) = group();
    let first = sent(world.act("a", send(group, "hi", 1))).message;
    world.act("b", react(group, first.id, true)).unwrap();
    world.act("a", delete(group, first.id)).unwrap();
    let again = sent(world.act("a", send(group, "hi", 1)));
    assert!(again.duplicate && again.message.deleted_at.is_some());
    assert!(again.message.content.is_empty() && again.message.reactions.is_empty());
    for action in [
        edit(group, first.id, "x").into(),
        react(group, first.id, true).into(),
    ] {
        let action: semel_core::actions::Action = action;
        assert_eq!(code(world.act("a", action)), Code::MessageDeleted);
    }
    let before = world.store.clone();
    assert!(world.act("a", delete(group, first.id)).is_ok());
    assert!(world.store == before);
}

#[test]
fn a_retry_after_an_edit_gives_the_message_as_it_is() {
    let (mut world, group) = group();
    let first = sent(world.act("a", send(group, "hi", 1))).message;
    world.act("a", edit(group, first.id, "hello")).unwrap();
    assert_eq!(
        sent(world.act("a", send(group, "hi", 1))).message.content,
        "hello"
    );
    assert_eq!(
        code(world.act("a", send(group, "hello", 1))),
        Code::ClientIdReused
    );
    let before = world.store.clone();
    assert_eq!(
        message(world.act("a", edit(group, first.id, "hello"))).rev,
        3
    );
    assert!(world.store == before, "the same words change nothing");
}

#[test]
fn ec_m05_ec_m07_other_ids_and_other_people_are_other_messages() {
    let (mut world, group) = group();
    world.act("a", send(group, "ok", 1)).unwrap();
    world.act("a", send(group, "ok", 2)).unwrap();
    let of_b = sent(world.act("b", send(group, "ok", 1)));
    assert_eq!((of_b.duplicate, of_b.message.seq), (false, 3));
    let mut nameless = send(group, "ok", 0);
    nameless.draft.client_id = None;
    assert_eq!(sent(world.act("a", nameless.clone())).message.seq, 4);
    assert_eq!(sent(world.act("a", nameless)).message.seq, 5);
}

#[test]
fn ec_m16_a_refused_send_takes_no_number() {
    let (mut world, group) = group();
    let before = world.store.clone();
    let long = "x".repeat(16_001);
    assert_eq!(field(world.act("a", send(group, &long, 1))), "/content");
    world.make_user("d");
    assert_eq!(code(world.act("d", send(group, "x", 1))), Code::NotFound);
    world.store.users.remove(&person("d"));
    assert!(world.store == before);
    assert_eq!(sent(world.act("a", send(group, "short", 1))).message.seq, 1);
}

#[test]
fn ec_m19_reacting_twice_is_reacting_once() {
    let (mut world, group) = group();
    let one = sent(world.act("a", send(group, "hi", 1))).message;
    for _ in 0..2 {
        let now = message(world.act("b", react(group, one.id, true)));
        assert_eq!(now.reactions, [("👍".to_owned(), vec![person("b")])]);
    }
    for _ in 0..2 {
        assert!(
            message(world.act("b", react(group, one.id, false)))
                .reactions
                .is_empty()
        );
    }
    let facts: Vec<_> = world
        .store
        .entries
        .values()
        .skip(2)
        .map(|entry| &entry.fact)
        .collect();
    assert_eq!(facts.len(), 2);
    assert!(matches!(facts[0], Fact::ReactionAdded(1, _)));
    assert!(matches!(facts[1], Fact::ReactionRemoved(1, _)));
}

#[test]
fn only_the_sender_edits_and_only_sender_or_admin_deletes() {
    let (mut world, group) = group();
    let of_b = sent(world.act("b", send(group, "hi", 1))).message;
    let of_a = sent(world.act("a", send(group, "ho", 2))).message;
    assert_eq!(
        code(world.act("a", edit(group, of_b.id, "x"))),
        Code::Forbidden
    );
    assert_eq!(
        code(world.act("b", delete(group, of_a.id))),
        Code::Forbidden
    );
    assert!(
        message(world.act("a", delete(group, of_b.id)))
            .deleted_at
            .is_some()
    );
    world.act("c", leave(group)).unwrap();
    let told = world.store.messages[&(group, 3)].id;
    assert_eq!(
        code(world.act("a", delete(group, told))),
        Code::Forbidden,
        "what the thread says"
    );
    let nowhere = DeleteMessage {
        thread_id: group,
        message_id: MessageId(Uuid::from_u128(1)),
    };
    assert_eq!(code(world.act("a", nowhere)), Code::NotFound);
    let direct = id(world.act("a", create(&["b"])));
    let of_b = sent(world.act("b", send(direct, "hi", 3))).message;
    assert_eq!(
        code(world.act("a", delete(direct, of_b.id))),
        Code::Forbidden
    );
    assert_eq!(
        world.store.participants[&(direct, person("a"))].role,
        Role::Participant
    );
}

#[test]
fn story_o1_the_clock_a_day_off_changes_no_order() {
    let (mut world, group) = group();
    for (n, shift) in (1..).zip([0, DAY_MS, -2 * DAY_MS, DAY_MS, 0]) {
        world.now += shift;
        assert_eq!(sent(world.act("a", send(group, "x", n))).message.seq, n);
    }
    let times: Vec<_> = world
        .store
        .messages
        .values()
        .map(|row| row.created_at)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(seen(&world, "b", group).unread_count, 5);
}

#[test]
fn logs_that_differ_in_sender_or_time_differ_in_their_chains() {
    let chain = |name: &str, shift: i64| {
        let (mut world, group) = group();
        world.now += shift;
        world.act(name, send(group, "ok", 1)).unwrap();
        world.store.heads[&group].chain
    };
    assert_eq!(chain("a", 0), chain("a", 0));
    assert_ne!(chain("a", 0), chain("b", 0));
    assert_ne!(chain("a", 0), chain("a", 1));
}

#[test]
fn a_send_loads_and_writes_the_same_in_a_group_of_any_size() {
    for size in [3, 500] {
        let names: Vec<String> = (0..size).map(|n| format!("user-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut world = World::with(&names);
        let group = id(world.act("user-0", create(&names)));
        let before = world.store.clone();
        world.act("user-1", send(group, "x", 1)).unwrap();
        assert!(world.rounds <= 3, "{} loads", world.rounds);
        assert_eq!(world.store.participants, before.participants);
        assert_eq!(world.store.positions.len(), before.positions.len() + 1);
    }
}
