//! A device that dies, and goes on with what it kept; a server that was restored.

use std::{sync::Arc, time::Duration};

use semel_client::{MemoryStore, Note, SendError};

use crate::{
    begin, id_of, start,
    witness::Trap,
    world::{Act, World},
};

#[tokio::test(start_paused = true)]
async fn fault_a_crash_before_the_first_send_loses_nothing() {
    let world = World::new([]);
    world.set_down(true);
    let (life, store) = start(&world);
    let answers = life.enqueue_all(&["a", "b"]).await;
    life.session.crash().await;
    for answer in answers {
        assert!(answer.await.is_err(), "nobody answers for the dead");
    }
    assert_eq!(store.kept().outgoing.len(), 2);
    world.set_down(false);
    let mut life = begin(&world, store.clone());
    let wanted = id_of("b");
    let answered =
        |note: &Note| matches!(note, Note::Answered { client_id, .. } if *client_id == wanted);
    life.next_note(answered).await;
    assert_eq!(world.stored(), ["a", "b"]);
    assert!(store.kept().outgoing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn fault_a_crash_between_send_and_answer_doubles_nothing() {
    let world = World::new([Act::Hush]);
    let (life, store) = start(&world);
    let _answers = life.enqueue_all(&["a", "b"]).await;
    world
        .arrived
        .subscribe()
        .wait_for(|n| *n == 1)
        .await
        .unwrap();
    life.session.crash().await;
    assert_eq!(life.seen.of("attempt").len(), 2);
    assert!(life.seen.of("outcome").is_empty());

    let life = begin(&world, store.clone());
    // Somebody who writes the same again waits for what was there.
    let answers = life.enqueue_all(&["a", "b", "c"]).await;
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(world.stored(), ["a", "b", "c"]);
    assert_eq!(life.seen.of("attempt").len(), 3);
    assert_eq!(life.seen.of("outcome")[..2], ["1 duplicate", "2 duplicate"]);
    assert!(store.kept().outgoing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn fault_a_crash_between_answer_and_taking_out_doubles_nothing() {
    let world = World::new([]);
    let trap = Arc::new(Trap::default());
    *trap.is_shut.lock().unwrap() = true;
    let life = begin(&world, trap.clone());
    let _answers = life.enqueue_all(&["a", "b"]).await;
    trap.caught
        .subscribe()
        .wait_for(|caught| *caught)
        .await
        .unwrap();
    life.session.crash().await;
    assert_eq!(life.seen.of("outcome"), ["1 stored", "2 stored"]);
    assert_eq!(trap.inner.kept().outgoing.len(), 2);

    let life = begin(&world, trap.inner.clone());
    life.send("c").await;
    assert_eq!(world.stored(), ["a", "b", "c"]);
    assert_eq!(life.seen.of("outcome")[..2], ["1 duplicate", "2 duplicate"]);
    assert!(trap.inner.kept().outgoing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn b5_a_new_session_goes_on_where_the_last_one_was() {
    let world = World::new([]);
    let (life, store) = start(&world);
    for content in ["a", "b"] {
        life.send(content).await;
    }
    assert_eq!(life.seen.of("apply"), ["1 a", "2 b"]);
    life.session.crash().await;
    world.say("c");
    let life = begin(&world, store.clone());
    life.send("d").await;
    assert_eq!(life.seen.lines()[..2], ["reset 0 2", "apply 3 c"]);
    assert_eq!(life.seen.of("apply"), ["3 c", "4 d"]);
    let kept = store.kept();
    assert_eq!(
        (kept.since, kept.incarnation.as_deref()),
        (Some(1), Some("0"))
    );
}

#[tokio::test(start_paused = true)]
async fn p_sync_4_what_was_acknowledged_is_offered_again_before_anything_newer() {
    let world = World::new([]);
    let (life, store) = start(&world);
    for content in ["a", "b", "c"] {
        life.send(content).await;
    }
    world.set_down(true);
    world.restore(1);
    let _newer = life.enqueue_all(&["d"]).await;
    life.session.crash().await;
    world.set_down(false);

    let life = begin(&world, store);
    let newest = life.enqueue("e").await;
    newest.await.unwrap().unwrap();
    assert_eq!(world.stored(), ["a", "b", "c", "d", "e"]);
    assert_eq!(life.session.counts().offered_again, 3);
    let outcomes = life.seen.of("outcome");
    let expected = [
        "1 duplicate",
        "2 stored",
        "3 stored",
        "4 stored",
        "5 stored",
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(
        life.seen.of("reset"),
        ["0 3", "1 1"],
        "kept, then another log"
    );

    life.session.cut().await;
    life.send("f").await;
    assert_eq!(life.session.counts().offered_again, 3, "only once");
}

#[tokio::test(start_paused = true)]
async fn p_sync_4_a_session_that_lives_through_a_restore_offers_again_what_is_younger_than_a_day() {
    let world = World::new([]);
    let (life, _store) = start(&world);
    life.send("old").await;
    tokio::time::sleep(Duration::from_hours(25)).await;
    life.send("young").await;
    world.restore(0);
    life.send("new").await;
    assert_eq!(world.stored(), ["young", "new"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_not_sent_and_ends_the_session() {
    let world = World::new([]);
    let trap = Arc::new(Trap::default());
    let mut life = begin(&world, trap.clone());
    life.send("a").await;
    *trap.is_broken.lock().unwrap() = true;
    let answer = life
        .enqueue("b")
        .await
        .await
        .unwrap_or(Err(SendError::Over));
    assert!(matches!(answer, Err(SendError::Over)));
    life.next_note(|note| matches!(note, Note::Refused(_)))
        .await;
    assert_eq!(world.stored(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_crashed_does_nothing_any_more() {
    let world = World::new([]);
    let store = Arc::new(MemoryStore::new());
    let life = begin(&world, store.clone());
    life.send("a").await;
    life.session.crash().await;
    let before = life.seen.lines();
    assert!(life.enqueue("b").await.await.is_err());
    world.say("c");
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(life.seen.lines(), before);
    assert_eq!(world.connects().len(), 1);
    assert!(
        store.kept().outgoing.is_empty(),
        "nobody was told that it is kept"
    );
}
