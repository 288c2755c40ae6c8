//! Who is here, over all servers, when one of them stops.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::Signal;
use semel_services::{Redis, or_skip};
use semel_testkit::cluster::{Cluster, Plan};
use serde_json::{Value, json};
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use crate::{
    device::Device,
    people::{acquaint, patience},
};

/// The people who have a device, each as often as they have one, as the lines in Redis have it.
fn lines(redis: &Redis) -> Vec<String> {
    let keys = redis.command(&["KEYS", "semel:*:devices"]).unwrap();
    let parts = keys.lines();
    let lines = parts.flat_map(|part| {
        let lines = redis.command(&["ZRANGE", part, "0", "-1"]).unwrap();
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let mut people: Vec<String> = lines
        .map(|line| line.split_once(' ').unwrap().1.to_owned())
        .collect();
    people.sort();
    people
}

async fn until_lines(redis: &Redis, people: &[&str]) {
    let wait = async {
        while block_in_place(|| lines(redis)) != people {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let is_so = timeout(patience(), wait).await;
    assert!(is_so.is_ok(), "{:?} is not {people:?}", lines(redis));
}

/// Who is online of these, as a server has it.
async fn online<'a>(device: &Device, people: &[&'a str]) -> BTreeSet<&'a str> {
    let answer = device.emit("presence", &json!({"user_ids": people})).await;
    let told = answer["data"]["presence"].as_array().unwrap();
    let is_online = |who: &&str| {
        let about = told.iter().find(|about| about["user_id"] == **who);
        about.unwrap()["online"] == true
    };
    people.iter().copied().filter(is_online).collect()
}

/// Two people who are at one server only, one of them at another one too, and two who see it.
struct Company {
    cluster: Cluster,
    /// Of those whose server stops.
    _leaving: Vec<Device>,
    _staying: Device,
    watchers: Vec<Device>,
}

impl Company {
    async fn gather() -> Option<Self> {
        let plan = Plan {
            environment: vec![("SEMEL_DRAIN_NOTICE_SECONDS".to_owned(), "1".to_owned())],
            ..Plan::default()
        };
        let cluster = or_skip(Cluster::start(plan).await)?;
        let at = cluster.addresses();
        for who in ["ann", "cem"] {
            acquaint(&at[1], who, "bob").await;
        }
        let leaving = vec![
            Device::connect(&at[0], "ann").await,
            Device::connect(&at[0], "ann").await,
            Device::connect(&at[0], "cem").await,
        ];
        let staying = Device::connect(&at[2], "cem").await;
        let watchers = vec![
            Device::connect(&at[1], "bob").await,
            Device::connect(&at[2], "bob").await,
        ];
        let redis = cluster.redis.as_ref().unwrap();
        until_lines(redis, &["ann", "ann", "bob", "bob", "cem", "cem"]).await;
        for watcher in &watchers {
            let all = online(watcher, &["ann", "cem"]).await;
            assert_eq!(all, ["ann", "cem"].into());
        }
        Some(Self {
            cluster,
            _leaving: leaving,
            _staying: staying,
            watchers,
        })
    }

    /// The watchers are told that ann went, and nothing of cem.
    async fn see_ann_go(&mut self) {
        for watcher in &mut self.watchers {
            let gone = timeout(patience(), offline(watcher)).await;
            let gone = gone.expect("it is told");
            assert_eq!(gone["user_id"], "ann", "{gone}");
            assert!(gone["last_seen_at"].is_string(), "{gone}");
            assert_eq!(online(watcher, &["ann", "cem"]).await, ["cem"].into());
        }
    }
}

/// What is told next of somebody who went.
async fn offline(device: &mut Device) -> Value {
    loop {
        let told = device.event("presence").await;
        if told["online"] == false {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d6_people_of_a_server_that_stops_are_gone_when_it_has_ended() {
    let Some(mut company) = Company::gather().await else {
        return;
    };
    let status = block_in_place(|| company.cluster.servers[0].stop()).unwrap();
    assert!(status.success(), "{status}");
    // It took its lines away itself: nobody had to wait until they end.
    let left = block_in_place(|| lines(company.cluster.redis.as_ref().unwrap()));
    assert_eq!(left, ["bob", "bob", "cem"]);
    company.see_ann_go().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d6_people_of_a_server_that_was_killed_are_gone_after_a_while() {
    let Some(mut company) = Company::gather().await else {
        return;
    };
    block_in_place(|| company.cluster.servers[0].signal(Signal::KILL)).unwrap();
    let redis = company.cluster.redis.as_ref().unwrap();
    until_lines(redis, &["bob", "bob", "cem"]).await;
    company.see_ann_go().await;
}
