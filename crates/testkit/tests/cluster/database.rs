//! The database is slow, undoes what was done, or has no room, while calls go to several servers. What is done to it here
//! everybody feels: no other case runs beside one of these.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use semel_client::{Answer, Method};
use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, JoinSet, block_in_place, spawn_blocking},
    time::{sleep, timeout},
};

use crate::scene::{Person, Scene, body, client_id, messages, success};

const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A statement of somebody else, in the database of the servers.
fn sql(scene: &Scene, statement: &str) -> String {
    block_in_place(|| scene.cluster.postgres.sql_in("semel", statement)).unwrap()
}

async fn until(scene: &Scene, question: &str, answer: &str) {
    let asked = async {
        while sql(scene, question) != answer {
            sleep(PAUSE).await;
        }
    };
    let is_so = timeout(PATIENCE, asked).await;
    assert!(is_so.is_ok(), "{question} is not {answer}");
}

/// Somebody who has a thread's row for as long as they like.
struct Holder(JoinHandle<()>);

impl Holder {
    async fn of(scene: &Arc<Scene>, thread: &str) -> Self {
        let hold = format!(
            "SELECT pg_sleep(120) FROM (SELECT FROM threads WHERE id = '{thread}' FOR UPDATE) AS held"
        );
        let cluster = Arc::clone(&scene.cluster);
        // It ends with an error when it is made to let go.
        let holding = spawn_blocking(move || drop(cluster.postgres.sql_in("semel", &hold)));
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until(scene, sleeps, "1").await;
        Self(holding)
    }

    async fn let_go(self, scene: &Scene) {
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        assert_eq!(sql(scene, end), "t");
        self.0.await.unwrap();
    }
}

/// The same call until a server does more than say that it cannot.
async fn until_done(who: &Person, server: usize, path: &str, words: &Value, key: &str) -> Answer {
    let asked = async {
        loop {
            let answer = who.ask_at(server, Method::POST, path, Some(words), Some(key));
            let answer = answer.await;
            if answer.status != 503 {
                return answer;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, asked).await.expect("it is done in time")
}

/// At each server, until it is done; by whichever, it was done once.
async fn is_done_once(who: &Person, path: &str, words: &Value, key: &str, seq: u64) {
    let mut replays = Vec::new();
    for server in 0..3 {
        let answer = until_done(who, server, path, words, key).await;
        assert_eq!(success(&answer)["message"]["seq"], seq);
        replays.push(answer.is_replay);
    }
    assert_eq!(replays, [false, true, true]);
}

pub(crate) async fn ec_c04_story_d7_repeats_elsewhere_wait_for_a_slow_first_or_are_told_to_try_again(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let path = messages(&thread);
    let words = json!({"client_id": client_id(), "content": "slow"});
    let key = client_id();
    let holder = Holder::of(&scene, &thread).await;
    let mut calls = JoinSet::new();
    for _ in 0..12 {
        let (ann, path, words, key) = (ann.clone(), path.clone(), words.clone(), key.clone());
        calls.spawn(async move { ann.ask(Method::POST, &path, Some(&words), Some(&key)).await });
    }
    // Each server has one of them at the lock.
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND application_name LIKE 'semel%'";
    until(&scene, waiting, "3").await;
    assert!(calls.try_join_next().is_none(), "nobody is told anything");
    scene.disturb();
    holder.let_go(&scene).await;
    let answers = calls.join_all().await;
    let firsts = answers.iter().filter(|answer| !answer.is_replay).count();
    assert_eq!(firsts, 1);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (201, &answers[0].body));
    }
    // Longer than anybody waits: nothing is done and nothing is kept, and everybody may try again.
    let words = json!({"client_id": client_id(), "content": "slower"});
    let key = client_id();
    let holder = Holder::of(&scene, &thread).await;
    let calls = (0..3).map(|server| {
        let (ann, path, words, key) = (ann.clone(), path.clone(), words.clone(), key.clone());
        async move {
            ann.ask_at(server, Method::POST, &path, Some(&words), Some(&key))
                .await
        }
    });
    for answer in scene.all_at_once(calls).await {
        let told = body(&answer);
        assert_eq!(
            (answer.status, &told["code"]),
            (503, &json!("store_unavailable"))
        );
    }
    holder.let_go(&scene).await;
    is_done_once(&ann, &path, &words, &key, 2).await;
    for device in &mut devices {
        device.hears(&thread, 2..=3).await;
    }
    assert_eq!(bob.words(&thread).await, ["slow", "slower"]);
}

/// Of five statements that add to a log the first is undone as one of two that collided, the second as a deadlock. What
/// counts them is a sequence: it is not undone.
const UNDO: &str = "
CREATE SEQUENCE undone;
CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE number bigint := nextval('undone');
BEGIN
  IF number % 5 = 1 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40001'; END IF;
  IF number % 5 = 2 THEN RAISE EXCEPTION 'forced' USING ERRCODE = '40P01'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER undo BEFORE INSERT ON log EXECUTE FUNCTION undo()";
const UNDO_NO_MORE: &str = "DROP TRIGGER undo ON log; DROP FUNCTION undo; DROP SEQUENCE undone";

pub(crate) async fn ec_c08_ec_m13_ec_m14_what_the_database_undoes_is_done_again_and_has_one_effect(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let sent: Vec<(String, Value)> = (0..20)
        .map(|n| {
            let content = format!("words {n}");
            (
                client_id(),
                json!({"client_id": client_id(), "content": content}),
            )
        })
        .collect();
    sql(&scene, UNDO);
    let mut told = Vec::new();
    // In rounds, for what waits together is stored together.
    for round in sent.chunks(4) {
        let calls = (0..4 * 9).map(|n| {
            let (ann, path) = (ann.clone(), messages(&thread));
            let (key, words) = round[n % 4].clone();
            async move {
                let answer = ann.ask(Method::POST, &path, Some(&words), Some(&key)).await;
                let seq = success(&answer)["message"]["seq"].as_u64().unwrap();
                (key, seq, answer.is_replay)
            }
        });
        told.extend(scene.all_at_once(calls).await);
    }
    let stored: u64 = sql(&scene, "SELECT last_value FROM undone")
        .parse()
        .unwrap();
    sql(&scene, UNDO_NO_MORE);
    assert!(
        stored >= 7,
        "five rounds, two of them undone at first: {stored}"
    );
    let places: BTreeSet<(&String, u64)> = told.iter().map(|(key, seq, _)| (key, *seq)).collect();
    assert_eq!(places.len(), 20, "each repeat has the place of the first");
    let seqs: BTreeSet<u64> = places.iter().map(|(_, seq)| *seq).collect();
    assert!(seqs.into_iter().eq(1..=20), "and no number was used up");
    let firsts = told.iter().filter(|(_, _, is_replay)| !is_replay).count();
    assert_eq!(firsts, 20);
    for device in &mut devices {
        device.hears(&thread, 2..=21).await;
    }
    assert_eq!(bob.words(&thread).await.len(), 20);
}

/// There is no room for a stored answer.
const FULL: &str = "
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: no space left' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON answers EXECUTE FUNCTION full_disk()";
const FULL_NO_MORE: &str = "DROP TRIGGER full_disk ON answers; DROP FUNCTION full_disk";

pub(crate) async fn ec_f11_ec_r07_without_room_for_the_answer_there_is_no_effect(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let (path, key) = (messages(&thread), client_id());
    let words = json!({"client_id": client_id(), "content": "in the end"});
    sql(&scene, FULL);
    let calls = (0..6).map(|n| {
        let (ann, path, words, key) = (ann.clone(), path.clone(), words.clone(), key.clone());
        async move {
            ann.ask_at(n % 3, Method::POST, &path, Some(&words), Some(&key))
                .await
        }
    });
    for answer in scene.all_at_once(calls).await {
        assert_eq!(answer.status, 503, "{}", body(&answer));
    }
    assert_eq!(ann.words(&thread).await, [""; 0]);
    let client_ids = format!(
        "SELECT count(*) FROM client_ids WHERE sender_id = '{}'",
        ann.id
    );
    assert_eq!(sql(&scene, &client_ids), "0", "nor a trace of it");
    sql(&scene, FULL_NO_MORE);
    is_done_once(&ann, &path, &words, &key, 1).await;
    for device in &mut devices {
        device.hears(&thread, 2..=2).await;
    }
}

pub(crate) async fn ec_f07_a_thousand_calls_that_are_given_up_leave_no_transaction_open(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let path = messages(&thread);
    let all: Vec<(String, Value)> = (0..1_000)
        .map(|n| {
            let content = format!("words {n}");
            (
                client_id(),
                json!({"client_id": client_id(), "content": content}),
            )
        })
        .collect();
    for (n, (key, words)) in all.iter().enumerate() {
        let (ann, path, words, key) = (ann.clone(), path.clone(), words.clone(), key.clone());
        let call = async move {
            let answer = ann.try_at(n % 3, Method::POST, &path, Some(&words), Some(&key));
            drop(answer.await);
        };
        let call = tokio::spawn(call);
        // Given up somewhere: before it was sent, on its way, at the database, or with its answer.
        for _ in 0..n % 40 {
            tokio::task::yield_now().await;
        }
        if n % 4 == 0 {
            sleep(Duration::from_micros(n as u64 * 3)).await;
        }
        call.abort();
    }
    let given_up = sql(&scene, "SELECT clock_timestamp()");
    scene.disturb();
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE xact_start < '{given_up}'
         AND application_name LIKE 'semel%'"
    );
    until(&scene, &open, "0").await;
    let mut calls = JoinSet::new();
    let all = Arc::new(all);
    for worker in 0..8 {
        let (ann, path, all) = (ann.clone(), path.clone(), Arc::clone(&all));
        calls.spawn(async move {
            for (n, (key, words)) in all.iter().enumerate().skip(worker).step_by(8) {
                let server = (n + 1) % 3;
                let answer = ann.ask_at(server, Method::POST, &path, Some(words), Some(key));
                let message = success(&answer.await)["message"].clone();
                assert_eq!(message["content"], words["content"]);
            }
        });
    }
    calls.join_all().await;
    let words: BTreeSet<String> = bob.words(&thread).await.into_iter().collect();
    assert_eq!(words.len(), 1_000);
    let view = bob.get(&format!("/api/chat/threads/{thread}")).await;
    assert_eq!(view["thread"]["last_seq"], 1_000);
}
