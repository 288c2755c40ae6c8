//! What a session sends, and when.

use std::time::Duration;

use semel_client::Note;
use semel_protocol::Code;
use tokio::time::Instant;

use crate::{
    start,
    world::{Act, BAD, POISON, World},
};

#[tokio::test(start_paused = true)]
async fn ec_m04_lost_requests_and_lost_answers_are_sent_again_in_order() {
    let world = World::new([Act::LoseAnswer, Act::LoseRequest, Act::LoseAnswer]);
    let (life, store) = start(&world);
    let answers = life.enqueue_all(&["a", "b", "c"]).await;
    for (answer, content) in answers.into_iter().zip(["a", "b", "c"]) {
        let stored = answer.await.unwrap().unwrap();
        assert_eq!(stored.message.content, content);
        assert_eq!((stored.attempts, stored.is_duplicate), (4, Some(true)));
    }
    assert_eq!(world.stored(), ["a", "b", "c"]);
    assert!(store.kept().outgoing.is_empty());
    let outcomes = life.seen.of("outcome");
    assert_eq!(outcomes[..3], ["1 lost", "2 lost", "3 lost"]);
    assert_eq!(outcomes.len(), 12);
    assert_eq!(
        outcomes[9..],
        ["10 duplicate", "11 duplicate", "12 duplicate"]
    );
    assert_eq!(life.session.counts().connections, 4);
}

#[tokio::test(start_paused = true)]
async fn req_b8_what_waits_goes_as_one_batch_and_is_repeated_item_by_item() {
    let world = World::new([Act::Answer, Act::LoseAnswer]);
    let (life, _store) = start(&world);
    life.send("a").await;
    let answers = life.enqueue_all(&["b", "c", "d"]).await;
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    let packets = world.packets();
    assert_eq!(packets.len(), 3);
    assert_eq!(packets[1].contents, ["b", "c", "d"]);
    assert_eq!(packets[1].client_ids, packets[2].client_ids);
    assert_eq!(packets[1].contents, packets[2].contents);
    assert_eq!(world.stored(), ["a", "b", "c", "d"]);
    let attempts = life.seen.of("attempt");
    let expected = [
        "1 a 1", "2 b 1", "3 c 1", "4 d 1", "5 b 2", "6 c 2", "7 d 2",
    ];
    assert_eq!(attempts, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_now_waits_as_long_as_it_is_told() {
    let world = World::new([Act::Busy(0, Some(7_000)), Act::Busy(0, None)]);
    let (life, _store) = start(&world);
    life.send("a").await;
    let at: Vec<_> = world.packets().iter().map(|packet| packet.at).collect();
    assert_eq!(at.len(), 3);
    let waits = [at[1] - at[0], at[2] - at[1]];
    assert!(waits[0] >= Duration::from_secs(7) && waits[0] < Duration::from_millis(7_010));
    let own = Duration::from_millis(50)..Duration::from_millis(210);
    assert!(own.contains(&waits[1]), "{waits:?}");
    let outcomes = life.seen.of("outcome");
    assert_eq!(outcomes, ["1 rate_limited", "2 rate_limited", "3 stored"]);
    assert_eq!(life.session.counts().connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_goes_on_over_a_new_connection() {
    let world = World::new([Act::Busy(0, Some(60_000))]);
    let (life, _store) = start(&world);
    let answer = life.enqueue("a").await;
    world
        .arrived
        .subscribe()
        .wait_for(|n| *n == 1)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    life.session.cut().await;
    answer.await.unwrap().unwrap();
    let packets = world.packets();
    assert!(packets[1].at - packets[0].at >= Duration::from_mins(1));
    assert_eq!(life.session.counts().connections, 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_stops_at_the_first_that_may_be_retried() {
    let world = World::new([Act::Answer, Act::Busy(1, Some(5))]);
    let (life, _store) = start(&world);
    life.send("a").await;
    let answers = life.enqueue_all(&["b", "c", "d"]).await;
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().is_duplicate, Some(false));
    }
    let contents: Vec<_> = world
        .packets()
        .into_iter()
        .map(|one| one.contents)
        .collect();
    assert_eq!(contents, [vec!["a"], vec!["b", "c", "d"], vec!["c", "d"]]);
    let outcomes = life.seen.of("outcome");
    let of_batch = ["2 stored", "3 rate_limited", "4 rate_limited"];
    assert_eq!(
        outcomes[1..4],
        of_batch,
        "what was not tried was refused as well"
    );
    assert_eq!(world.stored(), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_in_a_batch_is_settled_and_the_others_are_stored() {
    let world = World::new([]);
    let (life, store) = start(&world);
    let answers = life.enqueue_all(&["a", BAD, "c"]).await;
    let mut stored = vec![];
    for answer in answers {
        stored.push(answer.await.unwrap().is_ok());
    }
    assert_eq!(stored, [true, false, true]);
    assert_eq!(world.stored(), ["a", "c"]);
    assert_eq!(world.packets().len(), 1);
    assert!(store.kept().outgoing.is_empty());
    let outcomes = life.seen.of("outcome");
    assert_eq!(outcomes, ["1 stored", "2 invalid_request", "3 stored"]);
}

/// One message that the server does not even read must not take others with it.
#[tokio::test(start_paused = true)]
async fn what_is_refused_as_a_whole_is_sent_one_by_one() {
    let world = World::new([]);
    let (life, _store) = start(&world);
    let answers = life.enqueue_all(&["a", POISON, "c"]).await;
    let mut stored = vec![];
    for answer in answers {
        stored.push(answer.await.unwrap().is_ok());
    }
    assert_eq!(stored, [true, false, true]);
    assert_eq!(world.stored(), ["a", "c"]);
    assert_eq!(world.packets().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_says_when_to_come_back_or_that_nobody_shall() {
    let world = World::new([]);
    let (mut life, _store) = start(&world);
    life.send("a").await;
    let closed = Instant::now();
    world.close(Some(90_000));
    life.next_note(|note| matches!(note, Note::Disconnected))
        .await;
    life.send("b").await;
    let connects = world.connects();
    assert_eq!(connects.len(), 2);
    assert!(connects[1] - closed >= Duration::from_secs(90));
    world.close(None);
    let refused = life
        .next_note(|note| matches!(note, Note::Refused(_)))
        .await;
    assert!(matches!(refused, Note::Refused(reason) if reason == "shutting_down"));
    assert!(life.notes.recv().await.is_none());
}

/// Whoever is kept out for now comes back when it was told to, and what waits is sent; whoever is kept out for good does not.
#[tokio::test(start_paused = true)]
async fn p_conn_7_a_device_that_is_refused_waits_as_long_as_it_is_told() {
    let world = World::new([]);
    let (mut life, _store) = start(&world);
    life.send("a").await;
    let busy = |millis| (Code::Overloaded, Some(millis));
    let often = (Code::RateLimited, Some(20_000));
    world.refuse([busy(40_000), busy(70_000), often, (Code::Overloaded, None)]);
    life.send("b").await;
    let connects = world.connects();
    let pauses: Vec<_> = connects.windows(2).map(|two| two[1] - two[0]).collect();
    let [_, pauses @ .., own] = &pauses[..] else {
        panic!("{pauses:?}")
    };
    let told = [40, 70, 20].map(Duration::from_secs);
    assert_eq!(pauses.len(), told.len());
    for (pause, told) in pauses.iter().zip(told) {
        assert!(
            (told..told + Duration::from_secs(1)).contains(pause),
            "{pause:?}"
        );
    }
    assert!(
        *own < Duration::from_secs(6),
        "without a wait its own: {own:?}"
    );
    assert_eq!(world.stored(), ["a", "b"]);
    world.refuse([(Code::Unauthenticated, None)]);
    life.next_note(|note| matches!(note, Note::Refused(_)))
        .await;
    assert!(life.notes.recv().await.is_none());
}

/// Devices that come back at once do not: pauses grow, and each device has its own.
#[tokio::test(start_paused = true)]
async fn pauses_grow_while_nobody_answers() {
    let world = World::new([]);
    world.set_down(true);
    let (life, _store) = start(&world);
    tokio::time::sleep(Duration::from_mins(2)).await;
    let connects = world.connects();
    let pauses: Vec<_> = connects.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses[0] < Duration::from_millis(60));
    let late = &pauses[8..];
    let long = Duration::from_millis(2_500)..=Duration::from_millis(5_010);
    assert!(late.iter().all(|pause| long.contains(pause)), "{late:?}");
    world.set_down(false);
    life.send("a").await;
}
