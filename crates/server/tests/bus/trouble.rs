//! While Redis is away, comes back, forgets or stops: everything arrives, once, in order; late at most by a look.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    across::{NEVER, are_online, hears, say_many},
    here::Place,
    redis::Redis,
    support::{client_id, until},
};

/// How often servers look in these tests.
const LOOK: Duration = Duration::from_secs(1);
/// A look takes place after a pause that is up to a quarter longer, and takes a moment itself.
const LATE_MAX: Duration = Duration::from_secs(2);
/// How soon after its return Redis has to be of use again.
const BACK_MAX: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r1_without_redis_everything_arrives_within_a_look() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = Place::new(Some(redis.url()), LOOK);
    let [one, two, three] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    one.group(&["dan", "eve"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let mut dan = two.device("dan").await;
    let mut tablet = three.device("bob").await;
    redis.kill().unwrap();
    for server in [&one, &two, &three] {
        server.is_cut_off().await;
    }
    for rev in 2..=4 {
        let seq = ann.say(&thread, "by the store").await["seq"].clone();
        let said = Instant::now();
        hears(&mut bob, &thread, rev..=rev).await;
        assert!(said.elapsed() < LATE_MAX, "{:?}", said.elapsed());
        bob.done("read", &json!({"thread_id": thread, "seq": seq}))
            .await;
    }
    hears(&mut tablet, &thread, 2..=4).await;
    let read = tablet.event("read", |read| read["seq"] == 3).await;
    assert_eq!(read["user_id"], "bob");
    let body =
        json!({"participants": ["ann", "dan"], "message_content": "hi", "thread_type": "direct"});
    let data = one
        .http("ann", "POST", "/api/chat/start-conversation", body)
        .await;
    let said = Instant::now();
    hears(&mut dan, data["thread"]["id"].as_str().unwrap(), 1..=2).await;
    assert!(said.elapsed() < LATE_MAX, "{:?}", said.elapsed());
    let contact = dan.event("contact", |_| true).await;
    assert_eq!(contact["user"]["user_id"], "ann");
    // Told once, however often is looked.
    tokio::time::sleep(LATE_MAX).await;
    let told = dan.settle().await;
    assert!(
        told.iter()
            .all(|(name, _)| name != "contact" && name != "entry"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r1_redis_that_comes_back_is_of_use_within_five_seconds() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    are_online(&mut ann, &["bob"]).await;
    for round in 0..2 {
        redis.kill().unwrap();
        one.is_cut_off().await;
        two.is_cut_off().await;
        let rev = 2 + 2 * round;
        ann.say(&thread, "meanwhile").await;
        redis.restart().unwrap();
        let back = Instant::now();
        hears(&mut bob, &thread, rev..=rev).await;
        one.is_back().await;
        two.is_back().await;
        ann.say(&thread, "afterwards").await;
        let said = Instant::now();
        hears(&mut bob, &thread, rev + 1..=rev + 1).await;
        assert!(
            said.elapsed() < Duration::from_millis(500),
            "{:?}",
            said.elapsed()
        );
        assert!(back.elapsed() < BACK_MAX, "{:?}", back.elapsed());
    }
    // Presence is known again, and nobody was told that bob had gone.
    let told = ann.settle().await;
    assert!(told.iter().all(|(name, _)| name != "presence"), "{told:?}");
    are_online(&mut ann, &["bob"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_did_that_died_without_redis_is_found_when_redis_is_back() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = Place::new(Some(redis.url()), NEVER);
    let [mut one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    redis.kill().unwrap();
    one.is_cut_off().await;
    two.is_cut_off().await;
    ann.say(&thread, "my last words").await;
    // Nobody is left to give a hint.
    one.die();
    redis.restart().unwrap();
    let back = Instant::now();
    hears(&mut bob, &thread, 2..=2).await;
    assert!(back.elapsed() < BACK_MAX, "{:?}", back.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_absence_is_made_up_for_at_once_and_a_very_long_one_by_the_devices() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let mut head = 1;
    for batches in [1, 6] {
        redis.kill().unwrap();
        one.is_cut_off().await;
        two.is_cut_off().await;
        for _ in 0..batches {
            let message = |_| json!({"client_id": client_id(), "content": "meanwhile"});
            let messages: Vec<Value> = (0..100).map(message).collect();
            let batch = json!({"thread_id": thread, "messages": messages});
            ann.done("message:send", &batch).await;
        }
        redis.restart().unwrap();
        let first = head + 1;
        head += batches * 100;
        if batches == 1 {
            hears(&mut bob, &thread, first..=head).await;
        } else {
            let told = bob.event("heads", |told| told["heads"][&thread] == head);
            told.await;
        }
    }
    one.is_back().await;
    two.is_back().await;
    ann.say(&thread, "and on").await;
    hears(&mut bob, &thread, head + 1..=head + 1).await;
}

/// Speaks on two servers and listens on a third one while something is done to Redis.
async fn while_speaking(redis: &Redis, look: Duration, trouble: &[&str]) {
    let place = Place::new(Some(redis.url()), look);
    let [one, two, three] = place.servers().await;
    let thread = one.group(&["ann", "bob", "cy"]).await;
    let ann = one.device("ann").await;
    let bob = two.device("bob").await;
    let mut cy = three.device("cy").await;
    let all = [ann, bob].map(|device| tokio::spawn(say_many(device, thread.clone(), 150)));
    for command in trouble {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let words: Vec<&str> = command.split(' ').collect();
        redis.command(&words).unwrap();
    }
    let mut devices = Vec::new();
    for device in all {
        devices.push(device.await.unwrap());
    }
    for device in devices.iter_mut().chain([&mut cy]) {
        hears(device, &thread, 2..=301).await;
    }
    for server in [&one, &two, &three] {
        server.is_back().await;
    }
    devices[0].say(&thread, "and on").await;
    let said = Instant::now();
    hears(&mut cy, &thread, 302..=302).await;
    assert!(
        said.elapsed() < Duration::from_millis(500),
        "{:?}",
        said.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r2_subscribers_that_are_thrown_out_come_back_and_miss_nothing() {
    let Some(redis) = Redis::start() else { return };
    while_speaking(&redis, NEVER, &["CLIENT KILL TYPE pubsub"; 3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r2_a_redis_that_forgets_everything_changes_nothing() {
    let Some(redis) = Redis::start() else { return };
    while_speaking(&redis, NEVER, &["FLUSHALL"; 3]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r2_a_redis_that_stops_for_a_while_is_of_use_within_five_seconds_after() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), LOOK);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let pause = Duration::from_secs(4);
    redis.command(&["CLIENT", "PAUSE", "4000", "ALL"]).unwrap();
    let stopped = Instant::now();
    let mut rev = 1;
    while stopped.elapsed() < pause {
        rev += 1;
        ann.say(&thread, "meanwhile").await;
        let said = Instant::now();
        hears(&mut bob, &thread, rev..=rev).await;
        assert!(said.elapsed() < LATE_MAX, "{:?}", said.elapsed());
    }
    // Three in a row without waiting for a look.
    let mut quick = 0;
    while quick < 3 {
        rev += 1;
        ann.say(&thread, "afterwards").await;
        let said = Instant::now();
        hears(&mut bob, &thread, rev..=rev).await;
        quick = if said.elapsed() < LOOK / 5 {
            quick + 1
        } else {
            0
        };
        assert!(
            stopped.elapsed() < pause + BACK_MAX,
            "{:?}",
            stopped.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r3_what_a_server_does_that_is_cut_off_alone_arrives_within_a_look() {
    let Some(redis) = Redis::start() else { return };
    let mut place = Place::new(Some(redis.url()), LOOK);
    let [two] = place.servers().await;
    // Nobody listens there.
    place.redis_at("redis://127.0.0.1:1");
    let one = place.server().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    for rev in [2, 4] {
        ann.say(&thread, "from here").await;
        let said = Instant::now();
        hears(&mut bob, &thread, rev..=rev).await;
        bob.say(&thread, "from there").await;
        hears(&mut ann, &thread, rev..=rev + 1).await;
        hears(&mut bob, &thread, rev + 1..=rev + 1).await;
        assert!(said.elapsed() < LATE_MAX * 2, "{:?}", said.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_without_a_bus_find_everything_in_the_store() {
    let place = Place::new(None, Duration::from_millis(300));
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let ann = one.device("ann").await;
    let mut bob = two.device("bob").await;
    let speaking = tokio::spawn(say_many(ann, thread.clone(), 100));
    hears(&mut bob, &thread, 2..=101).await;
    speaking.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_that_somebody_made_up_change_nothing() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let other = one.group(&["ann", "eve"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    ann.say(&thread, "true").await;
    hears(&mut bob, &thread, 2..=2).await;
    let before = place.questions();
    for hints in [
        json!({"moved": {&thread: [1, 99]}}),
        json!({"moved": {&thread: [7, 1]}}),
        json!({"moved": {&other: [1, 99]}}),
        json!({"joined": [[other, "bob"]]}),
        json!({"own": [["bob", {"contact": "eve"}, 9], ["bob", {"blocked_by": "ann"}, 9]]}),
        json!({"positions": [[thread, "eve"]]}),
        json!({"typing": {&thread: {"eve": true}}}),
        json!("nonsense"),
    ] {
        let message = json!({"from": "somebody", "hints": hints}).to_string();
        for channel in 0..4 {
            let name = format!("semel:{{{}:{channel}}}:bus", place.ledger().incarnation());
            let heard = redis.command(&["SPUBLISH", &name, &message]);
            assert_eq!(heard.unwrap(), "2");
        }
    }
    until("the hints were looked up", || {
        place.questions() >= before + 4
    })
    .await;
    ann.say(&thread, "true as well").await;
    let told = {
        hears(&mut bob, &thread, 3..=3).await;
        bob.settle().await
    };
    assert!(
        told.iter()
            .all(|(_, data)| !data.to_string().contains(&other) && data["user_id"] != "eve"),
        "{told:?}"
    );
    assert!(
        told.iter()
            .all(|(name, _)| !["entry", "contact", "typing"].contains(&name.as_str())),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_of_whom_a_hint_told_is_not_told_again_by_a_look() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let look = Duration::from_millis(300);
    let place = Place::new(Some(redis.url()), look);
    let [one, two] = place.servers().await;
    one.group(&["dan", "eve"]).await;
    let mut dan = two.device("dan").await;
    one.group(&["ann", "dan"]).await;
    // Of eve, who was there before, he may hear as well.
    dan.event("contact", |told| told["user"]["user_id"] == "ann")
        .await;
    // Two looks, and what they find.
    tokio::time::sleep(look * 4).await;
    let told = dan.settle().await;
    let is_ann = |told: &Value| told["user"]["user_id"] == "ann";
    let again = told
        .iter()
        .any(|(name, told)| name == "contact" && is_ann(told));
    assert!(!again, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_share_a_redis_do_not_hear_of_each_other() {
    let Some(redis) = Redis::start() else { return };
    let [here, there] = [0, 1].map(|_| Place::new(Some(redis.url()), NEVER));
    let ([one], [other]) = (here.servers().await, there.servers().await);
    for server in [&one, &other] {
        server.group(&["ann", "bob"]).await;
    }
    let mut ann = one.device("ann").await;
    let ask = json!({"user_ids": ["bob"]});
    ann.done("presence", &ask).await;
    let mut bob = other.device("bob").await;
    let told = bob.done("presence", &json!({"user_ids": ["ann"]})).await;
    assert_eq!(told["presence"][0]["online"], false);
    assert_eq!(
        ann.done("presence", &ask).await["presence"][0]["online"],
        false
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_tells_of_redis_and_stays_good_without_it() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one] = place.servers().await;
    let health = async || -> Value {
        let url = format!("http://{}/health", one.address);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    };
    assert_eq!(health().await["redis"], "ok");
    redis.kill().unwrap();
    one.is_cut_off().await;
    let health = health().await;
    assert_eq!(
        (&health["redis"], &health["status"]),
        (&json!("unavailable"), &json!("ok"))
    );
}
