//! Devices that go in a moment in which much happens: with their server, or as soon as they came.

use std::sync::{Arc, Mutex};

use semel_protocol::UserId;
use semel_server::bus::{
    Bus, Ear, Hints, State,
    redis::{RedisBus, Target},
};

use super::{redis::Redis, support::until};

/// Hears nothing.
struct Deaf;

impl Ear for Deaf {
    fn hints(&self, _: Hints) {}

    fn state(&self, _: State) {}

    fn connected(&self) {}
}

/// Hears who came and went.
#[derive(Default)]
struct Watching(Mutex<Vec<(String, bool)>>);

impl Watching {
    fn has_heard(&self, who: &str, online: bool) -> bool {
        let heard = self.0.lock().unwrap();
        heard.contains(&(who.to_owned(), online))
    }
}

impl Ear for Watching {
    fn hints(&self, _: Hints) {}

    fn state(&self, state: State) {
        let heard = (state.who.to_string(), state.online);
        self.0.lock().unwrap().push(heard);
    }

    fn connected(&self) {}
}

/// How many devices Redis has.
fn lines(redis: &Redis) -> u32 {
    let parts = redis.command(&["KEYS", "semel:*:devices"]).unwrap();
    let count = |part| redis.command(&["ZCARD", part]).unwrap();
    parts
        .lines()
        .map(|part| count(part).parse::<u32>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d6_devices_that_are_here_when_a_server_ends_are_gone_with_it() {
    let Some(redis) = Redis::start() else { return };
    let bus = RedisBus::new(Target::parse(&redis.url()).unwrap(), 7);
    let ear: Arc<dyn Ear> = Arc::new(Deaf);
    Arc::clone(&bus).start("stopping", Arc::downgrade(&ear));
    until("it is connected", || bus.is_connected() == Some(true)).await;
    for (device, who) in (1..).zip(["ann", "bob", "cem"]) {
        bus.came(device, &UserId::parse(who).unwrap());
    }
    until("they are here", || lines(&redis) == 3).await;
    // One goes in the last moment, the others not at all.
    bus.went(1);
    bus.close().await;
    assert_eq!(lines(&redis), 0);
}

/// On one thread, so that the bus has no turn between coming and going.
#[tokio::test]
async fn req_d6_a_device_that_went_as_soon_as_it_came_is_told_to_have_gone() {
    let Some(redis) = Redis::start() else { return };
    let bus = RedisBus::new(Target::parse(&redis.url()).unwrap(), 7);
    let watching = Arc::new(Watching::default());
    let ear: Arc<dyn Ear> = watching.clone();
    Arc::clone(&bus).start("brief", Arc::downgrade(&ear));
    until("it is connected", || bus.is_connected() == Some(true)).await;
    let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
    // Bob has another device.
    bus.came(1, &bob);
    until("bob is here", || watching.has_heard("bob", true)).await;
    for (device, who) in [(2, &ann), (3, &bob)] {
        bus.came(device, who);
        assert!(bus.went(device), "the bus tells of it");
    }
    until("ann went", || watching.has_heard("ann", false)).await;
    let states = bus.presence(&[ann, bob]).await.unwrap();
    let ann = states.iter().find(|state| state.who.as_str() == "ann");
    assert!(ann.unwrap().last_seen_at.is_some(), "{states:?}");
    assert!(!watching.has_heard("bob", false), "bob is still here");
    assert_eq!(lines(&redis), 1);
    assert!(!bus.went(4), "of whom it does not know it tells nothing");
}
