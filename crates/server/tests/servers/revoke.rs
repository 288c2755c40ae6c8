//! A sign-in that ends on one server puts its devices out on all.

use std::sync::{Arc, Mutex};

use semel_core::ports::Entropy;
use semel_protocol::{SessionId, Timestamp, UserId};
use semel_server::{
    bus::{
        Bus, Ear, Hints, State,
        redis::{RedisBus, Target},
    },
    hub::{Device, Full, Hub, Looking, Outlet, Rhythm},
    realtime::packet::Frame,
    world::{SystemClock, SystemEntropy},
};
use uuid::Uuid;

use super::{redis::Redis, support::until};

/// Keeps what a device is sent, and whether it was closed.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<(String, bool)>>);

impl Outlet for Screen {
    fn push(&self, frame: Frame) -> Result<(), Full> {
        self.0.lock().unwrap().0.push_str(&frame);
        Ok(())
    }

    fn close(&self) {
        self.0.lock().unwrap().1 = true;
    }

    fn cut(&self) {
        self.close();
    }
}

impl Screen {
    fn is_closed(&self) -> bool {
        self.0.lock().unwrap().1
    }

    fn has(&self, text: &str) -> bool {
        self.0.lock().unwrap().0.contains(text)
    }
}

fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// A hub on the bus, without a store: revoking asks for none.
fn hub(redis: &Redis) -> (Arc<Hub>, Arc<dyn Bus>) {
    let target = Target::parse(&redis.url()).unwrap();
    let bus: Arc<dyn Bus> = RedisBus::new(target, SystemEntropy.seed());
    let looking = Looking {
        every: std::time::Duration::from_hours(1),
        seed: 1,
    };
    let clock = Arc::new(SystemClock);
    let hub = Hub::one_of_several(clock, Rhythm::default(), Arc::clone(&bus), looking);
    let ear: Arc<dyn Ear> = hub.clone();
    Arc::clone(&bus).start("a database of these tests", Arc::downgrade(&ear));
    (hub, bus)
}

fn connect(hub: &Hub, who: &str, session: Option<SessionId>) -> Screen {
    let screen = Screen::default();
    let who = UserId::parse(who).unwrap();
    let outlet = Box::new(screen.clone());
    let device = Device::new(who, None, Timestamp(i64::MAX), outlet).of_session(session);
    hub.connect(&Arc::new(device), "40".into()).unwrap();
    screen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_ends_closes_its_devices_and_other_servers_hear_of_it() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let (one, two) = (hub(&redis), hub(&redis));
    until("both are connected", || {
        [&one, &two]
            .iter()
            .all(|(_, bus)| bus.is_connected() == Some(true))
    })
    .await;
    let near = connect(&one.0, "ann", Some(session(1)));
    let far = connect(&two.0, "ann", Some(session(1)));
    let others = [
        connect(&one.0, "ann", Some(session(2))),
        connect(&two.0, "ann", None),
        connect(&two.0, "bob", Some(session(1))),
    ];
    let ann = UserId::parse("ann").unwrap();
    assert_eq!(one.0.revoke(&ann, session(1)), 1);
    assert!(near.is_closed() && near.has("session_revoked"));
    let heard = two.0.ended_elsewhere();
    tokio::time::timeout(std::time::Duration::from_secs(10), heard)
        .await
        .unwrap();
    // It is only a hint there: that is for the store to say.
    assert!(!far.is_closed());
    assert!(!others.iter().any(Screen::is_closed), "other sign-ins stay");
}

/// Hears nothing but what is revoked.
#[derive(Default)]
struct Deaf(Mutex<usize>);

impl Ear for Deaf {
    fn hints(&self, hints: Hints) {
        *self.0.lock().unwrap() += hints.revoked.len();
    }

    fn state(&self, _: State) {}

    fn connected(&self) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_another_format_are_ignored_and_the_next_ones_heard() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let target = Target::parse(&redis.url()).unwrap();
    let bus = RedisBus::new(target, 7);
    let ear = Arc::new(Deaf::default());
    let as_port: Arc<dyn Ear> = ear.clone();
    Arc::clone(&bus).start("mixed", Arc::downgrade(&as_port));
    until("it is connected", || bus.is_connected() == Some(true)).await;
    let say = |json: &str| {
        redis
            .command(&["SPUBLISH", "semel:{mixed:0}:bus", json])
            .unwrap()
    };
    say(r#"{"v":2,"from":"newer","hints":{"revoked":[["ann",null]]}}"#);
    say(r#"{"v":1,"from":"newer","hints":{"later":7,"revoked":[["bob",null]]},"more":1}"#);
    until("what is known was heard", || *ear.0.lock().unwrap() > 0).await;
    assert_eq!(*ear.0.lock().unwrap(), 1, "what is not known was left out");
}
