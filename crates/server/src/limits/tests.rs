use semel_protocol::{SessionId, UserId};
use uuid::Uuid;

use super::*;

const NOTHING: Rate = Rate {
    per_second: 0,
    at_once: 0,
};

fn five() -> Rate {
    Rate {
        per_second: 10,
        at_once: 5,
    }
}

fn limits() -> Arc<RateLimits> {
    RateLimits::new(Rates {
        of_person: five(),
        reads: five(),
        of_device: NOTHING,
        reaching: NOTHING,
        heavy: NOTHING,
        connects: five(),
        handshakes: NOTHING,
    })
}

fn person(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn by(user_id: &UserId) -> Doer<'_> {
    let session_id = None;
    Doer {
        user_id,
        session_id,
    }
}

fn doing(class: Class, kind: Kind, count: usize) -> Doing {
    Doing { class, kind, count }
}

#[tokio::test(start_paused = true)]
async fn each_person_and_class_has_its_own_window() {
    let limits = limits();
    let [ann, bob] = ["ann", "bob"].map(person);
    let take = |who, class, count| limits.take(by(who), doing(class, Kind::Usual, count));
    take(&ann, Class::Action, 5).unwrap();
    let refused = take(&ann, Class::Action, 1).unwrap_err();
    assert_eq!(refused.retry_after_ms, 100);
    take(&ann, Class::Notice, 5).unwrap();
    take(&ann, Class::Read, 5).unwrap();
    take(&ann, Class::Read, 1).unwrap_err();
    take(&bob, Class::Action, 5).unwrap();
    tokio::time::advance(Duration::from_millis(100)).await;
    take(&ann, Class::Action, 1).unwrap();
    take(&ann, Class::Action, 1).unwrap_err();
    let peer = "192.0.2.1".parse().unwrap();
    let anybody = ClientAddress::of(peer, &axum::http::HeaderMap::new(), &[]);
    (0..1_000).for_each(|_| limits.take_handshake(anybody).unwrap());
    (0..5).for_each(|_| limits.take_read(anybody).unwrap());
    limits.take_read(anybody).unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_device_leaves_something_for_the_others_of_its_person() {
    let limits = RateLimits::new(Rates {
        of_device: Rate {
            per_second: 1,
            at_once: 3,
        },
        ..limits().rates
    });
    let ann = person("ann");
    let [phone, laptop] = [1, 2].map(|n| Doer {
        user_id: &ann,
        session_id: Some(SessionId(Uuid::from_u128(n))),
    });
    for class in [Class::Action, Class::Read, Class::Notice] {
        let take = |device| limits.take(device, doing(class, Kind::Usual, 1));
        (0..3).for_each(|_| take(phone).unwrap());
        // What is refused for the device is not taken from its person.
        for _ in 0..10 {
            assert_eq!(take(phone).unwrap_err().retry_after_ms, 1_000);
        }
        (0..2).for_each(|_| take(laptop).unwrap());
        // And what is refused for the person, not from the device.
        assert_eq!(take(laptop).unwrap_err().retry_after_ms, 100);
        tokio::time::advance(Duration::from_millis(100)).await;
        take(laptop).unwrap();
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    // A token that says nothing of devices has its person's limits only.
    (0..5).for_each(|_| {
        limits
            .take(by(&ann), doing(Class::Action, Kind::Usual, 1))
            .unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn what_reaches_others_and_what_is_heavy_have_limits_of_their_own() {
    let limits = RateLimits::new(Rates {
        reaching: Rate {
            per_second: 1,
            at_once: 2,
        },
        heavy: Rate {
            per_second: 1,
            at_once: 1,
        },
        ..limits().rates
    });
    let [ann, bob] = ["ann", "bob"].map(person);
    let take = |who, class, kind| limits.take(by(who), doing(class, kind, 1));
    (0..2).for_each(|_| take(&ann, Class::Action, Kind::Reaching).unwrap());
    let refused = take(&ann, Class::Action, Kind::Reaching).unwrap_err();
    assert_eq!(refused.retry_after_ms, 1_000);
    take(&ann, Class::Action, Kind::Heavy).unwrap();
    take(&ann, Class::Read, Kind::Heavy).unwrap_err();
    // Everything else goes on, and so do others.
    (0..2).for_each(|_| take(&ann, Class::Action, Kind::Usual).unwrap());
    take(&ann, Class::Action, Kind::Usual).unwrap_err();
    (0..5).for_each(|_| take(&ann, Class::Read, Kind::Usual).unwrap());
    take(&bob, Class::Action, Kind::Reaching).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    take(&ann, Class::Action, Kind::Reaching).unwrap();
    take(&ann, Class::Read, Kind::Heavy).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_others_used_counts_from_the_next_exchange_on() {
    let limits = limits();
    let ann = person("ann");
    let take = |count| limits.take(by(&ann), doing(Class::Action, Kind::Usual, count));
    take(2).unwrap();
    let used = limits.used();
    assert_eq!((used.len(), used[0].micros), (1, 200_000));
    assert!(limits.used().is_empty(), "it is told once");
    // Together with what others used, all five.
    limits.learn(&used, &[500_000]);
    take(1).unwrap_err();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(limits.used().is_empty());
    assert!(
        limits.windows().is_empty(),
        "nothing is kept of who is silent"
    );
}
