//! Behind the balancer, as people are.

use semel_client::{Address, Api, Method};
use semel_services::{Affinity, Algorithm, Balance};
use semel_testkit::{cluster::Plan, token};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    device::Device,
    scene::{Scene, client_id, messages, success},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d8_ec_f13_behind_a_balancer_a_killed_server_costs_nothing_but_a_repeat() {
    let plan = Plan {
        balancer: Some(Balance {
            algorithm: Algorithm::RoundRobin,
            affinity: Affinity::None,
        }),
        ..Plan::default()
    };
    let Some(scene) = Scene::new(plan).await else {
        return;
    };
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let front = scene.cluster.balancer.as_ref().unwrap().url();
    let front: Address = front.parse().unwrap();
    let mut device = bob.device_at(1).await;
    let through = Device::connect(&front, &ann.id).await;
    through.say(&thread, "through the front").await;
    let mut calls = JoinSet::new();
    for n in 0..40 {
        let (front, token, path) = (front.clone(), token(&ann.id), messages(&thread));
        calls.spawn(async move {
            let words = json!({"client_id": client_id(), "content": format!("words {n}")});
            let key = client_id();
            for _ in 0..200 {
                let api = Api::new(front.clone(), &token);
                let answer = api.ask(Method::POST, &path, Some(&words), Some(&key)).await;
                match answer {
                    Ok(answer) if answer.status < 500 => return success(&answer),
                    // The server was killed with it, or nobody has noticed yet that it was.
                    _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                }
            }
            panic!("nobody answers");
        });
    }
    let mut answers: Vec<Value> = Vec::new();
    while let Some(answer) = calls.join_next().await {
        answers.push(answer.unwrap());
        if answers.len() == 10 {
            scene.end(0, rustix::process::Signal::KILL);
        }
    }
    let seqs = answers
        .iter()
        .map(|it| it["message"]["seq"].as_u64().unwrap());
    let seqs: std::collections::BTreeSet<u64> = seqs.collect();
    assert!(seqs.into_iter().eq(2..=41));
    device.hears(&thread, 2..=42).await;
}

/// Every part of a cluster, as tests of faults have it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_a_standby_and_links_serves_and_notices_cuts() {
    let plan = Plan {
        synchronous_standby: true,
        links: true,
        ..Plan::default()
    };
    let Some(scene) = Scene::new(plan).await else {
        return;
    };
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut device = bob.device_at(2).await;
    for link in scene.cluster.links[0].all() {
        link.cut();
    }
    let words = json!({"client_id": client_id(), "content": "cut off"});
    let path = messages(&thread);
    let refused = ann.ask_at(0, Method::POST, &path, Some(&words), None).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    success(&ann.ask_at(1, Method::POST, &path, Some(&words), None).await);
    device.hears(&thread, 2..=2).await;
}
