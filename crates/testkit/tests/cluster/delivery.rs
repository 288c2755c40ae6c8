//! What is done at one server reaches devices at all of them: each entry once, in order, without a gap.

use std::{sync::Arc, time::Duration};

use semel_client::{MemoryStore, Method, NewThread, Note, Notes, Session, SessionOptions};
use semel_protocol::DeviceId;
use semel_testkit::{random, token};
use serde_json::json;
use tokio::time::timeout;

use crate::scene::{Scene, messages, success, text};

pub(crate) async fn ec_o04_ec_o05_ec_o07_ec_o08_story_o3_what_is_said_at_three_servers_is_heard_at_each_in_one_order(
    scene: Arc<Scene>,
) {
    let [ann, bob, cem] = scene.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let mut listeners = Vec::new();
    for person in [&ann, &bob, &cem] {
        listeners.extend(person.devices().await);
    }
    let mut speakers = Vec::new();
    for (server, person) in [&ann, &bob, &cem].into_iter().enumerate() {
        speakers.push(person.device_at(server).await);
    }
    let calls = speakers.into_iter().map(|speaker| {
        let thread = thread.clone();
        async move {
            for n in 0..30 {
                speaker.say(&thread, &format!("words {n}")).await;
            }
            speaker
        }
    });
    let _speakers = scene.all_at_once(calls).await;
    let stored = ann.log(&thread).await;
    for listener in &mut listeners {
        let heard = listener.hears(&thread, 2..=91).await;
        let same = |(heard, stored): (&serde_json::Value, &serde_json::Value)| {
            heard["message"]["id"] == stored["message"]["id"]
        };
        assert!(heard.iter().zip(&stored[1..]).all(same));
    }
    // The next words come alone: nothing was told twice.
    ann.say(&thread, "the end").await;
    for listener in &mut listeners {
        listener.hears(&thread, 92..=92).await;
    }
}

pub(crate) async fn story_l6_changes_reach_devices_at_other_servers_in_their_places(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    for round in 0..6 {
        let id = text(&ann.say(&thread, &format!("words {round}")).await["id"]);
        let path = format!("{}/{id}", messages(&thread));
        let edit = json!({"content": "other words"});
        success(&ann.ask(Method::PATCH, &path, Some(&edit), None).await);
        let heart = format!("{path}/reactions/%E2%9D%A4");
        success(&bob.ask(Method::PUT, &heart, None, None).await);
        if round == 3 {
            scene.disturb();
        }
        success(&ann.ask(Method::DELETE, &path, None, None).await);
    }
    let kinds = [
        "message",
        "message_edited",
        "reaction_added",
        "message_deleted",
    ];
    for device in &mut devices {
        let heard = device.hears(&thread, 2..=25).await;
        for (entry, kind) in heard.iter().zip(kinds.iter().cycle()) {
            assert_eq!(entry["type"], *kind);
        }
    }
}

/// A device that is at another server each time has the whole log, whatever came while it was away.
pub(crate) async fn req_b5_story_d15_story_l4_story_l7_a_device_that_moves_between_servers_misses_nothing(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let store = Arc::new(MemoryStore::new());
    let mut head = 1;
    for round in 0..9_usize {
        let before = head;
        for n in 0..=round * 3 {
            ann.say(&thread, &format!("words {round} {n}")).await;
            head += 1;
        }
        if round == 5 {
            scene.disturb();
        }
        let mut options = SessionOptions::to(
            &scene.cluster.servers[round % 3].address,
            token(&bob.id),
            DeviceId("phone".to_owned()),
            NewThread::WholeLog,
            random() as u64,
        );
        options.store = Arc::clone(&store) as _;
        let (session, mut notes) = Session::start(options);
        // The first time it learns how the thread began.
        let first = if round == 0 { 1 } else { before + 1 };
        assert_eq!(
            revs(&mut notes, head).await,
            (first..=head).collect::<Vec<_>>()
        );
        // And what comes while it is there.
        ann.say(&thread, "meanwhile").await;
        head += 1;
        assert_eq!(revs(&mut notes, head).await, [head]);
        session.stop().await;
    }
}

/// The revs of the entries that a session tells of, up to one.
async fn revs(notes: &mut Notes, last: u64) -> Vec<u64> {
    let mut revs = Vec::new();
    while revs.last() != Some(&last) {
        let note = timeout(Duration::from_secs(30), notes.recv()).await;
        if let Note::Entry(entry) = note.expect("in time").expect("it goes on") {
            revs.push(entry.rev);
        }
    }
    revs
}
