//! Requests that take effect once.

use semel_core::{
    Reply,
    actions::{Outcome, PruneAnswers, SendBatch},
};
use semel_protocol::{Code, ThreadId, Timestamp};

use crate::support::{
    tell::{id, sent},
    words::{create, delete, draft, edit, expand, leave, send, start},
    world::{DAY_MS, World, command},
};

fn body(reply: &Reply) -> String {
    let answer = reply.answer.as_ref().expect("a key has an answer");
    String::from_utf8(answer.body.clone()).expect("JSON is text")
}

fn code(reply: &Reply) -> Option<Code> {
    let result = reply.result.as_ref()?;
    result.as_ref().err().map(|refusal| refusal.code)
}

fn group() -> (World, ThreadId) {
    let mut world = World::with(&["a", "b", "c"]);
    let group = id(world.act("a", create(&["b", "c"])));
    (world, group)
}

#[test]
fn req_c1_a_repeat_gets_the_same_bytes_and_nothing_happens() {
    let (mut world, group) = group();
    let mut nameless = send(group, "hi", 0);
    nameless.draft.client_id = None;
    let command = command("a", nameless.into(), Some("k"));
    let first = world.run(&command);
    assert!(!first.is_replay());
    let before = world.store.clone();
    for _ in 0..3 {
        let again = world.run(&command);
        assert!(again.is_replay());
        assert_eq!(again.answer, first.answer);
    }
    assert!(world.store == before);
}

#[test]
fn req_c1_ec_r02_ec_r04_an_answer_stays_what_it_was() {
    let (mut world, group) = group();
    world.make_user("d");
    let refused = command("b", expand(group, &["d"]).into(), Some("k"));
    let first = world.run(&refused);
    assert_eq!(code(&first), Some(Code::Forbidden));
    world.act("a", leave(group)).unwrap();
    let again = world.run(&refused);
    assert!(
        again.is_replay(),
        "b is admin now, and the answer is that of then"
    );
    assert_eq!(body(&again), body(&first));
    let anew = command("b", expand(group, &["d"]).into(), Some("k2"));
    assert!(world.run(&anew).result.unwrap().is_ok());
}

#[test]
fn req_c3_a_key_is_its_persons_and_its_requests() {
    let (mut world, group) = group();
    world.run(&command("a", send(group, "hi", 1).into(), Some("k")));
    let before = world.store.clone();
    let other = world.run(&command("a", send(group, "ho", 2).into(), Some("k")));
    assert_eq!(code(&other), Some(Code::IdempotencyKeyReused));
    assert!(other.answer.is_none(), "and it is not stored");
    assert!(world.store == before);
    let of_b = world.run(&command("b", send(group, "hi", 1).into(), Some("k")));
    assert!(!of_b.is_replay(), "U2 with U1's key and body");
    assert_eq!(world.store.messages.len(), 2);
    let case = world.run(&command("a", send(group, "HI", 3).into(), Some("K")));
    assert!(!case.is_replay(), "keys keep their case");
}

#[test]
fn req_c3_a_refused_first_request_leaves_its_answer_only() {
    let (mut world, group) = group();
    let before = world.store.clone();
    let late = command(
        "a",
        start(&["b", "nobody"], "hi", Some(1)).into(),
        Some("k"),
    );
    assert_eq!(code(&world.run(&late)), Some(Code::UnknownUsers));
    world.make_user("nobody");
    assert!(world.run(&late).is_replay());
    world.store.answers.clear();
    world.store.budgets.clone_from(&before.budgets);
    world
        .store
        .users
        .remove(&crate::support::words::person("nobody"));
    assert!(world.store == before);
    assert_eq!(sent(world.act("a", send(group, "x", 1))).message.seq, 1);
}

#[test]
fn ec_x04_who_has_left_gets_the_answer_of_then_and_no_new_effect() {
    let (mut world, group) = group();
    let said = command("b", send(group, "hi", 1).into(), Some("k"));
    let first = world.run(&said);
    world.act("b", leave(group)).unwrap();
    let before = world.store.clone();
    assert_eq!(world.run(&said).answer, first.answer);
    assert!(sent(world.act("b", send(group, "hi", 1))).duplicate);
    assert!(world.act("b", send(group, "new", 2)).is_err());
    assert!(world.store == before);
}

#[test]
fn ec_x05_erased_words_are_in_no_stored_answer() {
    let (mut world, group) = group();
    let commands = [
        command("a", send(group, "secret", 1).into(), Some("send")),
        command("b", create(&["a", "c"]).into(), Some("list")),
        command(
            "a",
            SendBatch {
                thread_id: group,
                drafts: vec![draft("secret", 1), draft("secret", 1)],
            }
            .into(),
            Some("batch"),
        ),
        command(
            "a",
            start(&["b", "c"], "secret", Some(1)).into(),
            Some("start"),
        ),
    ];
    for command in &commands {
        assert!(body(&world.run(command)).contains("secret"));
    }
    for row in world.store.answers.values() {
        assert_eq!(row.message_ids.len(), 1, "once each");
    }
    let message = world.store.messages[&(group, 1)].id;
    world.act("a", delete(group, message)).unwrap();
    assert!(!format!("{:?}", world.store.messages).contains("secret"));
    for command in &commands {
        let replay = world.run(command);
        assert!(replay.is_replay());
        assert!(!body(&replay).contains("secret"), "{}", body(&replay));
        assert!(body(&replay).contains(&message.to_string()));
    }
}

#[test]
fn ec_x05_words_erased_in_the_batch_that_said_them_are_gone_too() {
    let (mut world, group) = group();
    let said = command("a", send(group, "secret", 1).into(), Some("k"));
    world.seed += 1;
    let context = world.context();
    let gone = command("a", delete(group, context.message_id(1)).into(), Some("d"));
    let replies = world.run_batch(&[(said.clone(), context), (gone, context)]);
    assert!(
        replies
            .iter()
            .all(|reply| reply.result.as_ref().unwrap().is_ok())
    );
    assert!(!format!("{:?}", world.store).contains("secret"));
    assert!(!body(&world.run(&said)).contains("secret"));
}

#[test]
fn ec_x07_ec_x08_ec_x10_an_answer_lives_for_24_hours() {
    let (mut world, group) = group();
    let mut nameless = send(group, "hi", 0);
    nameless.draft.client_id = None;
    let command = command("a", nameless.into(), Some("k"));
    let first = world.run(&command);
    world.now += DAY_MS - 60_000;
    assert_eq!(world.run(&command).answer, first.answer);
    world.now += 120_000;
    let anew = world.run(&command);
    assert!(!anew.is_replay(), "present, and expired all the same");
    assert_eq!(world.store.answers.len(), 1, "taken over");
    assert_eq!(world.run(&command).answer, anew.answer);
    assert_eq!(world.store.messages.len(), 2);
    let natural = crate::support::world::command("a", create(&["b", "c"]).into(), Some("c"));
    world.run(&natural);
    world.now += 2 * DAY_MS;
    let late = world.run(&natural).result.unwrap();
    assert!(matches!(late, Ok(Outcome::Thread { created: false, .. })));
}

#[test]
fn req_c5_pruning_removes_what_has_expired_and_says_how_much() {
    let (mut world, group) = group();
    for n in 0..5 {
        let key = format!("k{n}");
        world.run(&command("a", send(group, "x", n).into(), Some(&key)));
        world.now += 1_000;
    }
    let mut prune = |limit| {
        let before = Timestamp(world.now - 2_000);
        match world.act("a", PruneAnswers { before, limit }) {
            Ok(Outcome::Pruned(count)) => count,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([prune(2), prune(2), prune(2)], [2, 1, 0]);
    assert_eq!(world.store.answers.len(), 2);
}

#[test]
fn ec_h19_a_late_retry_of_an_edit_does_not_overwrite_a_newer_one() {
    let (mut world, group) = group();
    let message = sent(world.act("a", send(group, "one", 1))).message.id;
    let old = command("a", edit(group, message, "two").into(), Some("k"));
    let first = world.run(&old);
    world.act("a", edit(group, message, "three")).unwrap();
    assert_eq!(world.run(&old).answer, first.answer);
    assert_eq!(world.store.messages[&(group, 1)].content, "three");
}
