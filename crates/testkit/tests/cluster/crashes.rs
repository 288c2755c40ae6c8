//! Servers that are killed or stopped, and a database that goes away, while people call.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::process::Signal;
use semel_client::Method;
use semel_testkit::cluster::Plan;
use serde_json::{Value, json};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

use crate::scene::{Person, Scene, client_id, messages, success};

const PATIENCE: Duration = Duration::from_secs(30);

/// Something that was sent under a key.
struct Sent {
    key: String,
    words: Value,
    /// As the first answer had it.
    message: Option<Value>,
}

/// Sends to one server until it answers no more; all that was sent.
async fn write_until_it_ends(
    who: Person,
    thread: String,
    server: usize,
    count: Arc<AtomicUsize>,
) -> Vec<Sent> {
    let mut all = Vec::new();
    loop {
        let words = json!({"client_id": client_id(), "content": format!("words {}", all.len())});
        let (key, path) = (client_id(), messages(&thread));
        let answer = who.try_at(server, Method::POST, &path, Some(&words), Some(&key));
        let message = match answer.await {
            Ok(answer) if answer.status == 201 => Some(success(&answer)["message"].clone()),
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                None
            }
            Err(_) => None,
        };
        count.fetch_add(1, Relaxed);
        let is_over = message.is_none();
        all.push(Sent {
            key,
            words,
            message,
        });
        if is_over {
            return all;
        }
    }
}

/// Sends everything again, to other servers: each is there once, and what was answered is where it was.
async fn is_there_once(who: &Person, thread: &str, all: &[Sent], others: [usize; 2]) {
    let mut places = HashMap::new();
    for (n, sent) in all.iter().enumerate() {
        let (path, server) = (messages(thread), others[n % 2]);
        let again = who.ask_at(
            server,
            Method::POST,
            &path,
            Some(&sent.words),
            Some(&sent.key),
        );
        let again = again.await;
        let message = success(&again)["message"].clone();
        if let Some(before) = &sent.message {
            assert!(again.is_replay, "what was acknowledged was done");
            assert_eq!(&message, before);
        }
        places.insert(
            message["seq"].as_u64().unwrap(),
            sent.words["content"].clone(),
        );
    }
    assert_eq!(places.len(), all.len(), "each at a place of its own");
    assert_eq!(
        who.words(thread).await.len(),
        all.len(),
        "and nothing twice"
    );
}

/// Eight writers at the first server, until it ends by what is done to it.
async fn end_under_load(how: Signal) {
    let Some(scene) = Scene::new(Plan::default()).await else {
        return;
    };
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = vec![bob.device_at(1).await, bob.device_at(2).await];
    let count = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let (ann, thread, count) = (ann.clone(), thread.clone(), Arc::clone(&count));
        writers.spawn(write_until_it_ends(ann, thread, 0, count));
    }
    let enough = async {
        while count.load(Relaxed) < 60 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, enough).await.unwrap();
    scene.end(0, how);
    let all = timeout(PATIENCE, writers.join_all()).await.unwrap();
    let all: Vec<Sent> = all.into_iter().flatten().collect();
    assert!(all.iter().filter(|sent| sent.message.is_some()).count() >= 52);
    is_there_once(&ann, &thread, &all, [1, 2]).await;
    // Also what nobody was left to tell of.
    for device in &mut devices {
        device.hears(&thread, 2..=1 + all.len() as u64).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_f01_ec_f02_ec_o01_story_o7_after_a_kill_every_call_has_one_effect_at_the_other_servers()
{
    end_under_load(Signal::KILL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_f14_a_graceful_stop_of_one_server_loses_and_doubles_nothing() {
    end_under_load(Signal::TERM).await;
}

/// Without its database no server does anything, and none says that it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ec_f10_fault_b1_without_the_database_nothing_is_done_and_a_repeat_does_it_once() {
    let Some(scene) = Scene::new(Plan::default()).await else {
        return;
    };
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let (key, path) = (client_id(), messages(&thread));
    let words = json!({"client_id": client_id(), "content": "in time"});
    block_in_place(|| scene.cluster.postgres.kill()).unwrap();
    for server in 0..3 {
        let refused = ann
            .ask_at(server, Method::POST, &path, Some(&words), Some(&key))
            .await;
        assert_eq!(refused.status, 503, "{refused:?}");
    }
    block_in_place(|| scene.cluster.postgres.restart()).unwrap();
    let mut done = 0;
    for server in 0..3 {
        let answered = async {
            loop {
                let answer = ann
                    .ask_at(server, Method::POST, &path, Some(&words), Some(&key))
                    .await;
                if answer.status != 503 {
                    return answer;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let answer = timeout(PATIENCE, answered).await.unwrap();
        assert_eq!(success(&answer)["message"]["seq"], 1);
        done += usize::from(!answer.is_replay);
    }
    assert!(done <= 1, "{done}");
    for device in &mut devices {
        device.hears(&thread, 2..=2).await;
    }
    assert_eq!(ann.words(&thread).await, ["in time"]);
}
