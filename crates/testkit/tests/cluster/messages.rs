//! A client id: one message, wherever and however often it is sent.

use std::sync::Arc;

use semel_client::{Api, Destination, IdMaker, Method, NewThread, Session, SessionOptions};
use semel_protocol::{DeviceId, ThreadId};
use semel_testkit::{now, random, token, token_for};
use serde_json::{Value, json};

use crate::scene::{Scene, body, client_id, messages, refusal, success, text};

/// In seconds.
const HOUR: i64 = 60 * 60;

pub(crate) async fn ec_m01_ec_m08_ec_m13_ec_m14_story_d1_story_d4_a_hundred_times_at_three_servers_is_one_message(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut listeners = bob.devices().await;
    let id = client_id();
    // By HTTP, by HTTP with a key, and from devices, each at every server.
    let calls = (0..100).map(|n| {
        let (ann, thread, id) = (ann.clone(), thread.clone(), id.clone());
        async move {
            let mut words = json!({"client_id": id, "content": "once"});
            let answer = if n % 3 == 0 {
                words["thread_id"] = json!(thread);
                let device = ann.device_at(n % 9 / 3).await;
                let answer = device.emit("message:send", &words).await;
                assert_eq!(answer["status"], "success", "{answer}");
                answer["data"].clone()
            } else {
                let key = (n % 3 == 1).then(client_id);
                let path = messages(&thread);
                success(
                    &ann.ask(Method::POST, &path, Some(&words), key.as_deref())
                        .await,
                )
            };
            (answer["message"].clone(), answer["duplicate"] == false)
        }
    });
    let answers = scene.all_at_once(calls).await;
    assert_eq!(answers.iter().filter(|(_, is_new)| *is_new).count(), 1);
    let first = &answers[0].0;
    assert!(answers.iter().all(|(message, _)| message == first));
    assert_eq!(first["seq"], 1);
    // No number was used up, and nothing was told twice.
    assert_eq!(ann.say(&thread, "next").await["seq"], 2);
    for device in &mut listeners {
        device.hears(&thread, 2..=3).await;
    }
    assert_eq!(bob.words(&thread).await, ["once", "next"]);
}

pub(crate) async fn ec_m02_ec_m04_ec_m05_ec_m07_ec_m16_client_ids_mean_the_same_at_every_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let path = messages(&thread);
    let words = json!({"client_id": client_id(), "content": "mine"});
    let sent = success(&ann.post(&path, words.clone()).await)["message"].clone();
    // Other words under it are refused.
    let mut other = words.clone();
    other["content"] = json!("other");
    for _ in 0..3 {
        let refused = refusal(&ann.post(&path, other.clone()).await);
        assert_eq!(refused, (409, "client_id_reused".to_owned()));
    }
    scene.disturb();
    // Nobody can burn it for another.
    let of_bob = success(&bob.post(&path, words.clone()).await);
    assert_eq!(
        (&of_bob["duplicate"], &of_bob["message"]["seq"]),
        (&json!(false), &json!(2))
    );
    // What was deleted is not brought back.
    let message = format!("{path}/{}", text(&sent["id"]));
    success(&ann.ask(Method::DELETE, &message, None, None).await);
    for _ in 0..3 {
        let again = success(&ann.post(&path, words.clone()).await);
        assert_eq!(again["duplicate"], true);
        assert!(again["message"]["deleted_at"].is_string(), "{again}");
        assert_eq!(again["message"]["content"], "");
    }
    // The same words twice are two; a refused message takes no place.
    assert_eq!(ann.say(&thread, "ok").await["seq"], 3);
    let long = json!({"client_id": client_id(), "content": "x".repeat(100_000)});
    for _ in 0..3 {
        let status = ann.post(&path, long.clone()).await.status;
        assert!((400..500).contains(&status), "{status}");
    }
    assert_eq!(ann.say(&thread, "ok").await["seq"], 4);
}

pub(crate) async fn ec_m10_a_retry_with_a_new_token_at_another_server_is_the_same_message(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let path = messages(&thread);
    let words = json!({"client_id": client_id(), "content": "once"});
    let send = async |server: usize, seconds| {
        let address = scene.cluster.servers[server].address.clone();
        let ann = Api::new(address, &token_for(&ann.id, seconds));
        ann.ask(Method::POST, &path, Some(&words), None)
            .await
            .unwrap()
    };
    let first = success(&send(0, HOUR).await)["message"].clone();
    scene.disturb();
    for server in 0..3 {
        let refused = refusal(&send(server, -HOUR).await);
        assert_eq!(refused, (401, "unauthenticated".to_owned()));
        let again = success(&send(server, 2 * HOUR).await);
        assert_eq!(
            (&again["duplicate"], &again["message"]),
            (&json!(true), &first)
        );
    }
    assert_eq!(bob.words(&thread).await, ["once"]);
}

pub(crate) async fn ec_m19_a_reaction_from_three_servers_is_there_once_and_gone_once(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = ann.devices().await;
    let id = text(&ann.say(&thread, "look").await["id"]);
    let heart = format!("{}/{id}/reactions/%E2%9D%A4", messages(&thread));
    let (mut rev, mut message) = (2, Value::Null);
    for method in [Method::PUT, Method::DELETE, Method::PUT] {
        let calls = (0..12).map(|_| {
            let (bob, heart, method) = (bob.clone(), heart.clone(), method.clone());
            async move { success(&bob.ask(method, &heart, None, None).await)["message"].clone() }
        });
        let answers = scene.all_at_once(calls).await;
        rev += 1;
        assert!(answers.iter().all(|answer| answer["rev"] == rev));
        message = answers[0].clone();
    }
    assert_eq!(message["reactions"][0]["count"], 1);
    for device in &mut devices {
        device.hears(&thread, 2..=rev).await;
    }
    assert_eq!(ann.log(&thread).await.len() as u64, rev);
}

pub(crate) async fn ec_m20_req_b8_a_batch_that_is_repeated_elsewhere_is_stored_once_in_its_order(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let one = json!({"client_id": client_id(), "content": "a"});
    let two = json!({"client_id": client_id(), "content": "b"});
    let batch = json!({"thread_id": thread, "messages": [one, two, one]});
    let calls = (0..9).map(|n| {
        let (ann, batch) = (ann.clone(), batch.clone());
        async move {
            let device = ann.device_at(n % 3).await;
            device.emit("message:send", &batch).await
        }
    });
    for answer in scene.all_at_once(calls).await {
        assert_eq!(answer["status"], "success", "{answer}");
        let results = answer["data"]["results"].as_array().unwrap();
        let seqs: Vec<_> = results
            .iter()
            .map(|it| &it["data"]["message"]["seq"])
            .collect();
        assert_eq!(seqs, [1, 2, 1], "{answer}");
    }
    assert_eq!(bob.words(&thread).await, ["a", "b"]);
}

/// An app that dies with a draft, and finds another server when it is started again.
pub(crate) async fn ec_m22_req_b7_story_d3_a_draft_is_sent_again_to_another_server_and_is_one_message(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let to = Destination::Thread(ThreadId(thread.parse().unwrap()));
    let mut ids = IdMaker::new(random());
    let app = |server: usize| {
        let (session, mut notes) = Session::start(SessionOptions::to(
            &scene.cluster.servers[server % 3].address,
            token(&ann.id),
            DeviceId("phone".to_owned()),
            NewThread::WholeLog,
            random() as u64,
        ));
        tokio::spawn(async move { while notes.recv().await.is_some() {} });
        session
    };
    let mut drafts = Vec::new();
    for round in 0..9_usize {
        let (id, draft) = (ids.next(now()), format!("draft {round}"));
        let before = app(round);
        let answer = before.enqueue(to.clone(), id, draft.clone()).await;
        if round % 3 == 0 {
            drop(answer.await);
        } else if round % 3 == 1 {
            before.cut().await;
        }
        drop(before);
        scene.disturb();
        let after = app(round + 1);
        let stored = after.send(to.clone(), id, draft.clone()).await;
        assert_eq!(stored.unwrap().message.seq, round as u64 + 1);
        after.stop().await;
        drafts.push(draft);
    }
    assert_eq!(bob.words(&thread).await, drafts);
}

pub(crate) async fn req_b6_a_read_position_from_three_servers_only_grows(scene: Arc<Scene>) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    for n in 0..12 {
        ann.say(&thread, &format!("words {n}")).await;
    }
    let calls = (1..=12_u64).rev().map(|seq| {
        let (bob, path) = (bob.clone(), format!("/api/chat/threads/{thread}/read"));
        async move {
            let answer = bob.post(&path, json!({"seq": seq})).await;
            assert_eq!(answer.status, 200, "{}", body(&answer));
            success(&answer)["read_seq"].as_u64().unwrap() >= seq
        }
    });
    assert!(
        scene
            .all_at_once(calls)
            .await
            .into_iter()
            .all(|is_so| is_so)
    );
    for _ in 0..3 {
        let path = format!("/api/chat/threads/{thread}");
        let view = bob.get(&path).await["thread"].clone();
        assert_eq!(
            (&view["read_seq"], &view["unread_count"]),
            (&json!(12), &json!(0))
        );
    }
}
