//! Idempotency keys: what was done at one server is not done again at another.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use semel_client::{Answer, Method};
use semel_testkit::token;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::block_in_place,
    time::timeout,
};

use crate::scene::{Person, Scene, body, client_id, messages, refusal, success, text};

const CREATE: &str = "/api/chat/create-or-get";

/// A group that is another one each time it is made.
fn separate(title: &str, other: &Person) -> Value {
    json!({"participants": [other.id], "thread_type": "group", "distinct": false, "title": title})
}

async fn thread_count(who: &Person) -> usize {
    let threads = who.get("/api/chat/threads").await;
    threads["threads"].as_array().unwrap().len()
}

/// The same call at each server, one after the other.
async fn everywhere(
    who: &Person,
    method: &Method,
    path: &str,
    body: Option<&Value>,
    key: &str,
) -> Vec<Answer> {
    let mut answers = Vec::new();
    for server in 0..3 {
        let answer = who.ask_at(server, method.clone(), path, body, Some(key));
        answers.push(answer.await);
    }
    answers
}

/// One answer and two replays of it.
fn is_one_answer(answers: &[Answer]) {
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_replay, n > 0, "{n}: {}", body(answer));
        assert_eq!(
            (answer.status, &answer.body),
            (answers[0].status, &answers[0].body)
        );
    }
}

pub(crate) async fn ec_c02_ec_f13_req_c4_story_d7_one_key_at_three_servers_at_once_has_one_effect(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let mut devices = bob.devices().await;
    let group = separate("once", &bob);
    for (round, count) in [1, 2, 5, 50].into_iter().enumerate() {
        let key = client_id();
        let calls = (0..count).map(|_| {
            let (ann, group, key) = (ann.clone(), group.clone(), key.clone());
            async move {
                ann.ask(Method::POST, CREATE, Some(&group), Some(&key))
                    .await
            }
        });
        let answers = scene.all_at_once(calls).await;
        let first: Vec<_> = answers.iter().filter(|answer| !answer.is_replay).collect();
        assert_eq!(first.len(), 1, "of {count}");
        for answer in &answers {
            assert_eq!(
                (answer.status, &answer.body),
                (201, &first[0].body),
                "of {count}"
            );
        }
        assert_eq!(thread_count(&ann).await, round + 1);
        let thread = text(&success(first[0])["thread"]["id"]);
        for device in &mut devices {
            device.hears(&thread, 1..=1).await;
        }
    }
}

pub(crate) async fn ec_c05_ec_h11_another_request_with_the_key_is_refused_at_every_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let key = client_id();
    let calls = (0..30).map(|n| {
        let (ann, key) = (ann.clone(), key.clone());
        let group = separate(["one", "two"][n % 2], &bob);
        async move {
            ann.ask(Method::POST, CREATE, Some(&group), Some(&key))
                .await
        }
    });
    let answers = scene.all_at_once(calls).await;
    let done: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    let titles: BTreeSet<String> = done
        .iter()
        .map(|answer| text(&success(answer)["thread"]["title"]))
        .collect();
    assert_eq!((done.len(), titles.len()), (15, 1));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refusal(answer), (422, "idempotency_key_reused".to_owned()));
    }
    assert_eq!(thread_count(&ann).await, 1);
}

pub(crate) async fn ec_h13_the_same_key_with_another_query_is_refused_at_every_server(
    scene: Arc<Scene>,
) {
    let [ann, bob, cem] = scene.people(["ann", "bob", "cem"]).await;
    let thread = ann.group(&[&bob, &cem]).await;
    let path = |choice: &str| {
        let cem = &cem.id;
        format!("/api/chat/threads/{thread}/participants/{cem}?on_conflict={choice}")
    };
    let key = client_id();
    let removed = everywhere(&ann, &Method::DELETE, &path("refuse"), None, &key).await;
    success(&removed[0]);
    is_one_answer(&removed);
    for other in everywhere(&ann, &Method::DELETE, &path("keep_separate"), None, &key).await {
        assert_eq!(refusal(&other), (422, "idempotency_key_reused".to_owned()));
    }
    assert_eq!(ann.log(&thread).await.len(), 2);
}

pub(crate) async fn ec_r01_ec_r02_ec_h19_every_method_is_replayed_at_other_servers(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let (path, key) = (messages(&thread), client_id);
    let first = json!({"client_id": client_id(), "content": "first"});
    let sent = everywhere(&ann, &Method::POST, &path, Some(&first), &key()).await;
    is_one_answer(&sent);
    let message = format!("{path}/{}", text(&success(&sent[0])["message"]["id"]));
    let edit = json!({"content": "second"});
    let (edit_key, heart) = (key(), format!("{message}/reactions/%E2%9D%A4"));
    let edited = everywhere(&ann, &Method::PATCH, &message, Some(&edit), &edit_key).await;
    is_one_answer(&edited);
    scene.disturb();
    is_one_answer(&everywhere(&bob, &Method::PUT, &heart, None, &key()).await);
    is_one_answer(&everywhere(&bob, &Method::DELETE, &heart, None, &key()).await);
    // What was answered is answered again, whatever it has become since.
    let again = ann
        .ask(Method::PATCH, &message, Some(&edit), Some(&edit_key))
        .await;
    assert_eq!((again.is_replay, &again.body), (true, &edited[0].body));
    is_one_answer(&everywhere(&ann, &Method::DELETE, &message, None, &key()).await);
    for device in &mut devices {
        device.hears(&thread, 2..=6).await;
    }
    assert_eq!(ann.log(&thread).await.len(), 6);
}

pub(crate) async fn ec_r04_ec_r05_refusals_are_replayed_elsewhere_and_401_is_not(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let name = scene.person("newcomer").id;
    let (key, group) = (
        client_id(),
        json!({"participants": [bob.id, name], "thread_type": "group"}),
    );
    let refused = everywhere(&ann, &Method::POST, CREATE, Some(&group), &key).await;
    is_one_answer(&refused);
    assert_eq!(refusal(&refused[0]), (422, "unknown_users".to_owned()));
    scene.person("newcomer").get("/api/users/me").await;
    let again = ann
        .ask(Method::POST, CREATE, Some(&group), Some(&key))
        .await;
    assert_eq!((again.is_replay, again.status), (true, 422));
    let fresh = ann
        .ask(Method::POST, CREATE, Some(&group), Some(&client_id()))
        .await;
    assert_eq!((fresh.is_replay, fresh.status), (false, 201));
}

pub(crate) async fn ec_x01_ec_x05_keys_belong_to_their_user_and_forget_what_was_deleted_at_every_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let (key, path) = (client_id(), messages(&thread));
    let words = json!({"client_id": client_id(), "content": "a secret"});
    let of_ann = everywhere(&ann, &Method::POST, &path, Some(&words), &key).await;
    let of_bob = everywhere(&bob, &Method::POST, &path, Some(&words), &key).await;
    is_one_answer(&of_ann);
    is_one_answer(&of_bob);
    assert_eq!(success(&of_bob[0])["message"]["sender_id"], bob.id);
    scene.disturb();
    let id = text(&success(&of_ann[0])["message"]["id"]);
    let gone = ann
        .ask(Method::DELETE, &format!("{path}/{id}"), None, None)
        .await;
    success(&gone);
    for answer in everywhere(&ann, &Method::POST, &path, Some(&words), &key).await {
        assert!(answer.is_replay);
        assert!(
            !body(&answer).to_string().contains("a secret"),
            "{}",
            body(&answer)
        );
    }
}

pub(crate) async fn ec_f04_ec_f08_who_hangs_up_gets_the_one_result_at_another_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    let mut devices = bob.devices().await;
    let calls = (0..30_u64).map(|n| {
        let (ann, path, key) = (ann.clone(), messages(&thread), client_id());
        let words = json!({"client_id": client_id(), "content": format!("words {n}")});
        async move {
            let first = ann.ask(Method::POST, &path, Some(&words), Some(&key));
            let patience = Duration::from_millis(n % 10);
            // Some are answered before, some are not even read.
            let first = timeout(patience, first).await.ok();
            let again = ann.ask(Method::POST, &path, Some(&words), Some(&key)).await;
            let last = ann.ask(Method::POST, &path, Some(&words), Some(&key)).await;
            assert!(last.is_replay);
            for answer in first.iter().chain([&again]) {
                assert_eq!((answer.status, &answer.body), (201, &last.body));
            }
            success(&last)["message"]["seq"].as_u64().unwrap()
        }
    });
    let seqs: BTreeSet<u64> = scene.all_at_once(calls).await.into_iter().collect();
    assert!(seqs.into_iter().eq(1..=30));
    for device in &mut devices {
        device.hears(&thread, 2..=31).await;
    }
}

pub(crate) async fn ec_f05_who_hangs_up_in_the_body_has_done_nothing_at_any_server(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let (key, group) = (client_id(), separate("once", &bob));
    let text = group.to_string();
    for server in &scene.cluster.servers {
        let mut stream = TcpStream::connect(&server.address.authority).await.unwrap();
        let request = format!(
            "POST {CREATE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             idempotency-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{}",
            token(&ann.id),
            text.len(),
            &text[..text.len() - 1],
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        // A server has done with the request when it closes its side.
        let mut rest = Vec::new();
        let closed = stream.read_to_end(&mut rest);
        let closed = timeout(Duration::from_secs(30), closed).await;
        closed.expect("it is closed").unwrap();
    }
    scene.disturb();
    assert_eq!(thread_count(&ann).await, 0);
    let done = everywhere(&ann, &Method::POST, CREATE, Some(&group), &key).await;
    assert_eq!(done[0].status, 201);
    is_one_answer(&done);
    assert_eq!(thread_count(&ann).await, 1);
}

/// As if a day had gone by since somebody's answers were stored.
fn let_answers_expire(scene: &Scene, who: &Person) {
    let age = format!(
        "UPDATE answers SET created_at = created_at - 86400000 WHERE user_id = '{}'",
        who.id
    );
    block_in_place(|| scene.cluster.postgres.sql_in("semel", &age)).unwrap();
}

pub(crate) async fn ec_x07_ec_x08_ec_x10_ec_m11_an_expired_key_is_taken_over_once_at_three_servers(
    scene: Arc<Scene>,
) {
    let [ann, bob] = scene.people(["ann", "bob"]).await;
    let (key, group) = (client_id(), separate("again", &bob));
    is_one_answer(&everywhere(&ann, &Method::POST, CREATE, Some(&group), &key).await);
    let thread = ann.direct(&bob).await;
    let (send_key, path) = (client_id(), messages(&thread));
    let words = json!({"client_id": client_id(), "content": "once"});
    let sent = everywhere(&ann, &Method::POST, &path, Some(&words), &send_key).await;
    is_one_answer(&sent);
    let before = thread_count(&ann).await;
    let_answers_expire(&scene, &ann);
    let calls = (0..30).map(|_| {
        let (ann, group, key) = (ann.clone(), group.clone(), key.clone());
        async move {
            ann.ask(Method::POST, CREATE, Some(&group), Some(&key))
                .await
        }
    });
    let answers = scene.all_at_once(calls).await;
    let firsts: Vec<_> = answers.iter().filter(|answer| !answer.is_replay).collect();
    assert_eq!(firsts.len(), 1);
    assert!(answers.iter().all(|answer| answer.body == firsts[0].body));
    assert_eq!(thread_count(&ann).await, before + 1);
    // What has a client id is found by that, for ever.
    let again = everywhere(&ann, &Method::POST, &path, Some(&words), &send_key).await;
    is_one_answer(&again);
    let (first, again) = (success(&sent[0]), success(&again[0]));
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["message"], first["message"]);
    assert_eq!(bob.words(&thread).await, ["once"]);
}
