//! Crowds that come in at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use semel_protocol::{Timestamp, UserId};
use semel_server::{
    hub::{Device as HubDevice, Full, Hub, Outlet, Rhythm},
    realtime::{Admission, Settings, packet::Frame},
    world::SystemClock,
};
use serde_json::{Value, json};

use super::support::{Device, Server};

async fn server(admission: Admission) -> Server {
    Server::with(Settings {
        admission,
        ..Settings::default()
    })
    .await
}

/// The `data` of a refusal; none when the device is let in.
async fn knock(server: &Server, who: &str) -> Option<Value> {
    let mut device = Device::open(server.address).await;
    let auth = json!({"token": server.token(who)});
    device.send(&format!("40{auth}")).await;
    let answer = device.text().await.unwrap();
    if answer.starts_with("40") {
        return None;
    }
    let refusal: Value = serde_json::from_str(answer.strip_prefix("44").unwrap()).unwrap();
    assert_eq!(refusal["message"], refusal["data"]["code"]);
    Some(refusal["data"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_conn_7_whoever_is_too_many_is_told_when_to_come_again_each_another_time() {
    let closed = Admission {
        entering_max: 0,
        ..Admission::default()
    };
    let server = server(closed).await;
    let mut waits = BTreeSet::new();
    for _ in 0..10 {
        let refusal = knock(&server, "ann").await.unwrap();
        assert_eq!(refusal["code"], "overloaded");
        waits.insert(refusal["retry_after_ms"].as_u64().unwrap());
    }
    assert!(waits.len() > 5, "{waits:?}");

    let server = self::server(Admission {
        syncing_max: 0,
        ..Admission::default()
    })
    .await;
    let mut ann = server.device("ann").await;
    let mut waits = BTreeSet::new();
    for _ in 0..10 {
        let refusal = ann.refused("sync", &json!({})).await;
        assert_eq!(refusal["code"], "overloaded");
        waits.insert(refusal["retry_after_ms"].as_u64().unwrap());
    }
    assert!(
        waits.len() > 5 && waits.iter().all(|wait| *wait > 0),
        "{waits:?}"
    );
}

/// Notes when its connection was closed.
#[derive(Clone, Default)]
struct Leaver(Arc<Mutex<Option<tokio::time::Instant>>>);

impl Outlet for Leaver {
    fn push(&self, _: Frame) -> Result<(), Full> {
        Ok(())
    }

    fn close(&self) {
        let now = tokio::time::Instant::now();
        self.0.lock().unwrap().get_or_insert(now);
    }

    fn cut(&self) {
        self.close();
    }
}

/// How many of a thousand devices go at which millisecond after a server has begun to stop.
async fn going(within: Duration) -> BTreeMap<u128, usize> {
    let hub = Hub::new(Arc::new(SystemClock), Rhythm::default());
    let leavers: Vec<Leaver> = (0..1_000).map(|_| Leaver::default()).collect();
    for (n, leaver) in leavers.iter().enumerate() {
        let who = UserId::parse(&format!("person{n}")).unwrap();
        let device = HubDevice::new(who, None, Timestamp(i64::MAX), Box::new(leaver.clone()));
        hub.connect(&Arc::new(device), "40".into()).unwrap();
    }
    let began = tokio::time::Instant::now();
    hub.drain(within).await;
    let mut going = BTreeMap::new();
    for leaver in &leavers {
        let left = leaver.0.lock().unwrap().expect("everybody goes");
        *going.entry((left - began).as_millis()).or_default() += 1;
    }
    going
}

#[tokio::test(start_paused = true)]
async fn p_conn_6_a_crowd_goes_little_by_little_where_there_is_time() {
    let slowly = going(Duration::from_secs(10)).await;
    // A thousand a second.
    assert!(slowly.values().all(|count| *count <= 100), "{slowly:?}");
    assert!(*slowly.last_key_value().unwrap().0 >= 900, "{slowly:?}");
    let hasty = going(Duration::from_millis(200)).await;
    assert!(
        hasty.len() > 1 && *hasty.last_key_value().unwrap().0 <= 200,
        "{hasty:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_conn_7_those_who_are_here_notice_nothing_of_a_crowd_and_all_of_it_comes_in() {
    const CROWD: usize = 150;
    let server = server(Admission {
        entering_max: 4,
        ..Admission::default()
    })
    .await;
    let thread = server.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let refusals = std::sync::atomic::AtomicUsize::new(0);
    let crowd = (0..CROWD).map(|n| {
        let (server, refusals) = (&server, &refusals);
        async move {
            while let Some(refusal) = knock(server, &format!("person{n}")).await {
                refusals.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let wait = refusal["retry_after_ms"].as_u64().unwrap();
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    });
    let talk = async {
        let mut slowest = Duration::ZERO;
        for n in 0..40 {
            let began = Instant::now();
            ann.say(&thread, &format!("message {n}")).await;
            bob.event("entry", |_| true).await;
            slowest = slowest.max(began.elapsed());
        }
        slowest
    };
    let (_, slowest) = tokio::join!(futures_util::future::join_all(crowd), talk);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(refusals.into_inner() > 0, "the crowd was too many at once");
}
