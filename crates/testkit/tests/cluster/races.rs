//! One thread for one set of people, however many ask for it at once, at whatever server.

use std::sync::Arc;

use semel_client::Method;

use crate::{
    ask::{Ask, SEPARATORS, check},
    scene::{Scene, client_id, success},
};

/// How many call at once.
const COUNTS: [usize; 4] = [1, 2, 5, 150];

async fn race(scene: &Arc<Scene>, ask: Ask, set: &[&str]) {
    for count in COUNTS {
        let name = |it: &&str| scene.person(&format!("{}{count}{it}", ask.path().len()));
        let people: Vec<_> = set.iter().map(name).collect();
        let ids: Vec<String> = people.iter().map(|person| person.id.clone()).collect();
        for person in &people {
            person.get("/api/users/me").await;
        }
        let listener = people[0].clone();
        let mut devices = listener.devices().await;
        let calls = (0..count).map(|n| {
            let who = people[n % people.len()].clone();
            let body = ask.body(&ids, n, &client_id());
            async move {
                let path = ask.path();
                let answer = who.ask(Method::POST, path, Some(&body), None).await;
                ask.told(answer.status, &success(&answer))
            }
        });
        let told = scene.all_at_once(calls).await;
        check(ask, &told, count);
        // Everywhere it is heard of up to its end.
        let said = if ask == Ask::StartConversation {
            count as u64
        } else {
            0
        };
        for device in &mut devices {
            device.reaches(&told[0].thread, 1 + said).await;
        }
    }
}

pub(crate) async fn req_a1_req_a6_ec_v01_ec_c07_story_c3_story_c4_creating_a_direct_thread_at_three_servers(
    scene: Arc<Scene>,
) {
    race(&scene, Ask::CreateOrGet, &["ann", "bob"]).await;
}

pub(crate) async fn req_a8_ec_v01_ec_c07_starting_a_direct_thread_at_three_servers(
    scene: Arc<Scene>,
) {
    race(&scene, Ask::StartConversation, &["ann", "bob"]).await;
}

pub(crate) async fn req_a2_req_a3_req_a6_creating_a_group_at_three_servers(scene: Arc<Scene>) {
    race(&scene, Ask::CreateOrGet, &SEPARATORS).await;
}

pub(crate) async fn req_a2_req_a3_req_a8_starting_a_group_at_three_servers(scene: Arc<Scene>) {
    race(&scene, Ask::StartConversation, &SEPARATORS).await;
}
