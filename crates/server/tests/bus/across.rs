//! What one server does is told by the others, at once: here nobody looks into the store by themselves.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    here::{DEVICE_ENDS_AFTER, Place, Server},
    redis::Redis,
    support::{Device, client_id, until},
};

/// So long that no test waits for it.
pub(crate) const NEVER: Duration = Duration::from_hours(1);

/// Sends messages one after the other.
pub(crate) async fn say_many(mut device: Device, thread: String, count: usize) -> Device {
    for n in 0..count {
        device.say(&thread, &format!("number {n}")).await;
    }
    device
}

/// The entries of a thread from the next one up to a rev: each once, in order.
pub(crate) async fn hears(device: &mut Device, thread: &str, revs: std::ops::RangeInclusive<u64>) {
    let entries = device.entries(thread, *revs.end()).await;
    let heard: Vec<u64> = entries
        .iter()
        .map(|entry| entry["rev"].as_u64().unwrap())
        .collect();
    assert_eq!(heard, revs.collect::<Vec<_>>(), "each once, in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s7_what_is_said_on_three_servers_is_heard_on_each_once_and_in_order() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two, three] = place.servers().await;
    let thread = one.group(&["ann", "bob", "cy"]).await;
    let ann = one.device("ann").await;
    let bob = two.device("bob").await;
    let cy = three.device("cy").await;
    let all = [ann, bob, cy].map(|device| tokio::spawn(say_many(device, thread.clone(), 40)));
    for device in all {
        hears(&mut device.await.unwrap(), &thread, 2..=121).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_that_move_at_once_elsewhere_are_all_heard() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let mut threads = Vec::new();
    for _ in 0..80 {
        threads.push(one.group(&["ann", "bob"]).await);
    }
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let mut acks = Vec::new();
    for thread in &threads {
        for content in ["first", "second"] {
            let message =
                json!({"thread_id": thread, "client_id": client_id(), "content": content});
            acks.push(ann.emit("message:send", &message).await);
            if acks.len() % 32 == 0 {
                for ack in acks.drain(..) {
                    assert_eq!(ann.ack(ack).await["status"], "success");
                }
            }
        }
    }
    let mut heads = std::collections::BTreeMap::new();
    while heads.len() < threads.len() || heads.values().any(|rev| *rev < 3) {
        let entry = bob.event("entry", |_| true).await;
        let thread = entry["thread_id"].as_str().unwrap().to_owned();
        let head = heads.entry(thread).or_insert(1);
        assert_eq!(entry["rev"], *head + 1);
        *head += 1;
    }
}

/// Somebody who connects follows a new thread up to where it is; who was there before has still to be told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_l1_a_new_thread_that_is_told_late_is_told_although_somebody_else_of_it_came_meanwhile()
 {
    let place = Place::new(None, NEVER);
    let [server] = place.servers().await;
    let mut ann = server.device("ann").await;
    place.hold_news();
    let thread = server.group(&["ann", "bob"]).await;
    let _bob = server.device("bob").await;
    place.tell_news();
    let heads = ann.event("heads", |told| told["heads"][&thread] == 1).await;
    assert_eq!(heads["heads"][&thread], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_added_on_another_server_hears_of_it_and_from_then_on() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    one.group(&["dan", "eve"]).await;
    let mut ann = one.device("ann").await;
    let (mut dan, mut laptop) = (two.device("dan").await, two.device("dan").await);
    ann.say(&thread, "early").await;
    let body = json!({"new_participants": ["dan"]});
    let path = format!("/api/chat/threads/{thread}/expand");
    one.http("ann", "POST", &path, body).await;
    ann.say(&thread, "late").await;
    hears(&mut dan, &thread, 3..=4).await;
    let mut contacts = std::collections::BTreeSet::new();
    for _ in 0..2 {
        // Of the group before, she may hear now.
        let is_new = |told: &Value| told["user"]["user_id"] != "eve";
        let told = laptop.event("contact", is_new).await;
        contacts.insert(told["user"]["user_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(contacts, ["ann", "bob"].map(str::to_owned).into());

    // A thread that begins with them.
    let body = json!({"participants": ["ann", "dan"], "message_content": "hello", "thread_type": "direct"});
    let data = one
        .http("ann", "POST", "/api/chat/start-conversation", body)
        .await;
    let direct = data["thread"]["id"].as_str().unwrap();
    hears(&mut dan, direct, 1..=2).await;
    let updated = dan
        .event("conversation_updated", |line| line["thread_id"] == direct)
        .await;
    assert_eq!(updated["last_message"]["content"], "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_who_was_removed_on_another_server_hears_of_it_and_of_nothing_after() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob", "cy"]).await;
    let mut ann = one.device("ann").await;
    let (mut bob, mut cy) = (two.device("bob").await, two.device("cy").await);
    ann.say(&thread, "before").await;
    hears(&mut bob, &thread, 2..=2).await;
    let path = format!("/api/chat/threads/{thread}/participants/bob");
    one.http("ann", "DELETE", &path, Value::Null).await;
    ann.say(&thread, "after").await;
    hears(&mut cy, &thread, 2..=4).await;
    // Once more from cy's server, which has to know it by then.
    cy.say(&thread, "and after").await;
    hears(&mut cy, &thread, 5..=5).await;
    let told = bob.settle().await;
    let entries: Vec<_> = told.iter().filter(|(name, _)| name == "entry").collect();
    assert_eq!(entries.len(), 1, "{told:?}");
    assert_eq!(entries[0].1["type"], "participant_removed");
    assert!(
        told.iter()
            .all(|(_, data)| !data.to_string().contains("after"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s8_who_was_removed_while_nobody_here_was_in_the_thread_hears_nothing_of_it() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob", "cy"]).await;
    let other = one.group(&["dan", "eve"]).await;
    let mut dan = two.device("dan").await;
    let say = async |server: &Server, thread: &str, content: &str| {
        let who = if thread == other { "dan" } else { "ann" };
        let body = json!({"content": content, "client_id": client_id()});
        let path = format!("/api/chat/threads/{thread}/messages");
        server.http(who, "POST", &path, body).await
    };
    // The second server learns who is in the thread, although none of them is there.
    say(&two, &thread, "before").await;
    say(&two, &other, "the server was here").await;
    hears(&mut dan, &other, 2..=2).await;
    let path = format!("/api/chat/threads/{thread}/participants/bob");
    one.http("ann", "DELETE", &path, Value::Null).await;
    say(&one, &thread, "after").await;
    let (mut bob, mut cy) = (two.device("bob").await, two.device("cy").await);
    say(&one, &thread, "and after").await;
    hears(&mut cy, &thread, 5..=5).await;
    let told = bob.settle().await;
    assert!(told.iter().all(|(name, _)| name != "entry"), "{told:?}");
    let body = json!({"new_participants": ["bob"]});
    let path = format!("/api/chat/threads/{thread}/expand");
    two.http("ann", "POST", &path, body).await;
    hears(&mut bob, &thread, 6..=6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_positions_reach_others_and_the_persons_other_devices_on_other_servers() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two, three] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let mut laptop = three.device("bob").await;
    let seq = ann.say(&thread, "read me").await["seq"].clone();
    bob.event("entry", |_| true).await;
    bob.done("read", &json!({"thread_id": thread, "seq": seq}))
        .await;
    for device in [&mut ann, &mut laptop] {
        let read = device.event("read", |read| read["user_id"] == "bob").await;
        assert_eq!(read["seq"], seq);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_is_seen_on_other_servers_by_those_who_are_in_the_thread() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let other = one.group(&["bob", "eve"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    let mut eve = two.device("eve").await;
    for typing in [true, false] {
        ann.done("typing", &json!({"thread_id": thread, "typing": typing}))
            .await;
        let seen = bob.event("typing", |_| true).await;
        assert_eq!(
            seen,
            json!({"thread_id": thread, "user_id": "ann", "typing": typing})
        );
    }
    ann.refused("typing", &json!({"thread_id": other, "typing": true}))
        .await;
    bob.done("typing", &json!({"thread_id": other, "typing": true}))
        .await;
    let seen = eve.event("typing", |_| true).await;
    assert_eq!(seen["user_id"], "bob", "{seen}");
}

/// Asks until all of these people are online, and forgets what was told meanwhile.
pub(crate) async fn are_online(device: &mut Device, people: &[&str]) {
    let until_all = async {
        loop {
            let told = device.done("presence", &json!({"user_ids": people})).await;
            let told = told["presence"].as_array().unwrap();
            if told.iter().all(|one| one["online"] == true) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), until_all)
        .await
        .unwrap();
    device.settle().await;
}

/// The next thing that a device is told about somebody's presence.
async fn presence_of(device: &mut Device, who: &str) -> Value {
    device
        .event("presence", |told| told["user_id"] == who)
        .await["online"]
        .clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_online_while_a_device_is_on_any_server_and_that_is_told_once() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, two, three] = place.servers().await;
    one.group(&["ann", "bob"]).await;
    let mut ann = one.device("ann").await;
    let ask = json!({"user_ids": ["bob"]});
    let told = ann.done("presence", &ask).await;
    assert_eq!(told["presence"][0]["online"], false);
    let phone = two.device("bob").await;
    assert_eq!(presence_of(&mut ann, "bob").await, true);
    let laptop = three.device("bob").await;
    let tablet = two.device("bob").await;
    // Somebody who asks anew is answered over all servers.
    let mut other = three.device("ann").await;
    are_online(&mut other, &["bob"]).await;
    phone.hang_up().await;
    tablet.hang_up().await;
    until("two devices went", || two.device_count() == 0).await;
    // Long enough for a notice that should not come.
    tokio::time::sleep(Duration::from_millis(200)).await;
    for device in [&mut ann, &mut other] {
        let told = device.settle().await;
        assert!(told.iter().all(|(name, _)| name != "presence"), "{told:?}");
    }
    laptop.hang_up().await;
    for device in [&mut ann, &mut other] {
        let told = device.event("presence", |_| true).await;
        assert_eq!(
            (&told["user_id"], &told["online"]),
            (&json!("bob"), &json!(false))
        );
        assert!(told["last_seen_at"].is_string());
    }
    let told = other.done("presence", &ask).await;
    assert!(told["presence"][0]["last_seen_at"].is_string(), "{told}");
    let told = ann.settle().await;
    assert!(told.iter().all(|(name, _)| name != "presence"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_of_a_server_that_died_are_gone_after_a_while() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), NEVER);
    let [one, mut two, three] = place.servers().await;
    one.group(&["ann", "bob", "cy"]).await;
    let (mut ann, mut other) = (one.device("ann").await, three.device("ann").await);
    let _phone = two.device("bob").await;
    let _laptop = two.device("cy").await;
    let _tablet = three.device("cy").await;
    for device in [&mut ann, &mut other] {
        are_online(device, &["bob", "cy"]).await;
    }
    let died = Instant::now();
    two.die();
    for device in [&mut ann, &mut other] {
        assert_eq!(presence_of(device, "bob").await, false);
    }
    let took = died.elapsed();
    assert!(took < DEVICE_ENDS_AFTER * 2, "{took:?}");
    // Cy has a device elsewhere, and bob is told of once.
    tokio::time::sleep(DEVICE_ENDS_AFTER).await;
    for device in [&mut ann, &mut other] {
        let told = device.settle().await;
        assert!(told.iter().all(|(name, _)| name != "presence"), "{told:?}");
    }
}
