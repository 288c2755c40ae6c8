//! The contacts that a new group brings to everybody in it.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use semel_backends::sqlite::{Options, SqliteLedger};
use semel_core::ports::{Ledger, Listener};
use semel_protocol::{Timestamp, UserId, limits::CONTACTS_FROM_GROUP_MAX};
use semel_server::{
    convert::JsonRenderer,
    hub::{Device, Hub, Rhythm},
    world::{SystemClock, SystemEntropy},
};

use super::{
    behind::{Held, Screen},
    support::until,
};

/// Questions of the hub that may wait at once: one of its task, one about contacts, and some to spare.
const QUESTIONS_MAX: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_of_a_new_group_do_not_queue_up_before_delivery() {
    let directory = tempfile::tempdir().unwrap();
    let hub = Hub::new(Arc::new(SystemClock), Rhythm::default());
    let options = Options {
        data_dir: directory.path().to_owned(),
        readers: 2,
        idempotency_ms: 86_400_000,
        strangers_day_max: semel_protocol::limits::STRANGERS_PER_PERSON_DAY_DEFAULT,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(&hub) as Arc<dyn Listener>,
    };
    let ledger = Held::new(SqliteLedger::open(options).unwrap());
    let as_port: Arc<dyn Ledger> = ledger.clone();
    let delivery = hub.start(&as_port);
    let mut people = Vec::new();
    let mut screens = Vec::new();
    for number in 0..CONTACTS_FROM_GROUP_MAX {
        let who = UserId::parse(&format!("person-{number}")).unwrap();
        ledger.introduce(&who).await;
        let screen = Screen::default();
        let outlet = Box::new(screen.clone());
        let device = Device::new(who.clone(), None, Timestamp(i64::MAX), outlet);
        hub.connect(&Arc::new(device), "40".into()).unwrap();
        people.push(who);
        screens.push(screen);
    }
    ledger.thread(&people).await;
    let count = |screen: &Screen| screen.events("contact").len();
    let is_all = || {
        let mut counts = screens.iter().map(count);
        counts.all(|count| count >= people.len() - 1)
    };
    until("everybody knows everybody", is_all).await;
    for (who, screen) in people.iter().zip(&screens) {
        let told = screen.events("contact");
        let known: BTreeSet<&str> = told
            .iter()
            .map(|contact| contact["user"]["user_id"].as_str().unwrap())
            .collect();
        let others = people.iter().filter(|other| *other != who);
        assert_eq!(known, others.map(UserId::as_str).collect(), "{who}");
        assert_eq!(told.len(), known.len(), "each is told once");
    }
    let most = ledger.most_waiting.load(Ordering::SeqCst);
    assert!(most <= QUESTIONS_MAX, "{most} questions waited at once");
    delivery.abort();
    ledger.close().await;
}
