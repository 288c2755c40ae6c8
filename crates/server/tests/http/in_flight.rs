//! Repeats while the first request is still on its way, and what happens when nobody waits for it any more.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Method, StatusCode};
use semel_core::{
    Command, Reply,
    ports::{Ledger, LedgerError, Question},
};
use serde_json::{Value, json};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::support::{Answer, Call, Client, TestServer, client_id, messages};

/// Between the server and the store: sends wait here until the door is opened.
struct Door {
    inner: Arc<dyn Ledger>,
    side: Side,
    is_open: Semaphore,
    arrived: watch::Sender<usize>,
}

/// Where sends wait.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// Before they reach the store.
    Before,
    /// After the store has committed them.
    After,
}

impl Door {
    async fn server(side: Side) -> (TestServer, Arc<Self>) {
        let mut door = None;
        let between = |inner| {
            let made = Arc::new(Self {
                inner,
                side,
                is_open: Semaphore::new(0),
                arrived: watch::Sender::new(0),
            });
            door = Some(Arc::clone(&made));
            made as Arc<dyn Ledger>
        };
        let server = TestServer::start_over(between).await;
        (server, door.unwrap())
    }

    /// Waits until so many sends have come to the door.
    async fn has_seen(&self, count: usize) {
        let mut arrived = self.arrived.subscribe();
        arrived.wait_for(|seen| *seen >= count).await.unwrap();
    }

    fn open(&self) {
        self.is_open.add_permits(Semaphore::MAX_PERMITS);
    }

    async fn pass(&self) {
        self.arrived.send_modify(|seen| *seen += 1);
        drop(self.is_open.acquire().await.unwrap());
    }
}

#[async_trait]
impl Ledger for Door {
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError> {
        let is_send = command.action.name() == "Send";
        if is_send && self.side == Side::Before {
            self.pass().await;
        }
        let reply = self.inner.submit(command).await;
        if is_send && self.side == Side::After {
            self.pass().await;
        }
        reply
    }

    async fn answer(&self, question: Question) -> Result<(), LedgerError> {
        self.inner.answer(question).await
    }

    async fn answer_first(&self, question: Question) -> Result<(), LedgerError> {
        self.inner.answer_first(question).await
    }

    fn incarnation(&self) -> String {
        self.inner.incarnation()
    }

    fn health(&self) -> Result<(), String> {
        self.inner.health()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// A server with a door, ann, and her thread with bob.
async fn scene(side: Side) -> (TestServer, Arc<Door>, Client, String) {
    let (server, door) = Door::server(side).await;
    let [ann, bob] = server.people(["ann", "bob"]).await;
    let thread = ann.direct(&bob).await;
    (server, door, ann, thread)
}

fn send(who: &Client, thread: &str, body: &Value) -> Call {
    who.call(Method::POST, &messages(thread))
        .key("k")
        .json(body)
}

fn words(content: &str) -> Value {
    json!({"client_id": client_id(), "content": content})
}

/// The caller waits until the other side has the request, and no longer.
async fn give_up(call: Call, door: &Door, seen: usize) {
    let sending = tokio::spawn(call.send());
    door.has_seen(seen).await;
    sending.abort();
    assert!(sending.await.is_err_and(|error| error.is_cancelled()));
}

async fn message_count(who: &Client, thread: &str) -> usize {
    let page = who.get(&messages(thread)).await.success();
    page["messages"].as_array().unwrap().len()
}

/// Nothing answers in the name of a request that is on its way: a repeat waits for it and gets its answer. As no action
/// has an outside effect, there is no `in_flight` to be told.
#[tokio::test]
async fn ec_c04_story_d7_repeats_beside_a_slow_first_wait_for_its_answer() {
    for side in [Side::Before, Side::After] {
        let (_server, door, ann, thread) = scene(side).await;
        let body = words("once");
        let mut calls = JoinSet::new();
        for _ in 0..20 {
            calls.spawn(send(&ann, &thread, &body).send());
        }
        door.has_seen(20).await;
        assert!(calls.try_join_next().is_none(), "nobody is told anything");
        door.open();
        let answers: Vec<Answer> = calls.join_all().await;
        let firsts = answers.iter().filter(|answer| !answer.is_replay()).count();
        assert_eq!(firsts, 1);
        for answer in &answers {
            assert_eq!(
                (answer.status.as_u16(), &answer.body),
                (201, &answers[0].body)
            );
        }
        assert_eq!(message_count(&ann, &thread).await, 1);
    }
}

#[tokio::test]
async fn ec_c05_another_body_beside_a_slow_first_is_refused() {
    let (_server, door, ann, thread) = scene(Side::After).await;
    let first = tokio::spawn(send(&ann, &thread, &words("first")).send());
    door.has_seen(1).await;
    let other = tokio::spawn(send(&ann, &thread, &words("other")).send());
    door.has_seen(2).await;
    door.open();
    first.await.unwrap().expect(StatusCode::CREATED);
    other.await.unwrap().problem("idempotency_key_reused");
    assert_eq!(message_count(&ann, &thread).await, 1);
}

#[tokio::test]
async fn ec_f04_ec_f08_story_d1_story_d3_a_retry_after_a_timeout_gets_the_one_result() {
    for side in [Side::Before, Side::After] {
        let (_server, door, ann, thread) = scene(side).await;
        let body = words("once");
        // A gateway that gives up hangs up; its client tries again at once, and again.
        for attempt in 1..=3 {
            give_up(send(&ann, &thread, &body), &door, attempt).await;
        }
        let waits = tokio::spawn(send(&ann, &thread, &body).send());
        door.has_seen(4).await;
        door.open();
        let answer = waits.await.unwrap().expect(StatusCode::CREATED);
        assert_eq!(answer.success()["message"]["seq"], 1);
        assert_eq!(message_count(&ann, &thread).await, 1);
        // What was given up has run to its end.
        let again = send(&ann, &thread, &body).send().await;
        assert!(again.is_replay());
        assert_eq!(again.body, answer.body);
    }
}

#[tokio::test]
async fn ec_f04_story_d9_without_a_key_the_retry_is_a_success_too() {
    let (_server, door, ann, thread) = scene(Side::After).await;
    let body = words("once");
    let call = || ann.call(Method::POST, &messages(&thread)).json(&body);
    give_up(call(), &door, 1).await;
    door.open();
    let again = call().send().await.expect(StatusCode::OK).success();
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["message"]["content"], "once");
    assert_eq!(message_count(&ann, &thread).await, 1);
}

#[tokio::test]
async fn ec_f07_a_thousand_requests_that_are_given_up_leave_nothing_half() {
    let (_server, door, ann, thread) = scene(Side::Before).await;
    door.open();
    let path = messages(&thread);
    let all: Vec<(String, Value)> = (0..1_000)
        .map(|n| (format!("k{n}"), words(&format!("words {n}"))))
        .collect();
    let call = |key: &str, body: &Value| ann.call(Method::POST, &path).key(key).json(body).send();
    for (n, (key, body)) in all.iter().enumerate() {
        // Given up somewhere: before it was sent, on its way, at the store, or with its answer.
        let sending = tokio::spawn(call(key, body));
        for _ in 0..n % 40 {
            tokio::task::yield_now().await;
        }
        sending.abort();
    }
    let view = async || {
        let path = format!("/api/chat/threads/{thread}");
        ann.get(&path).await.success()["thread"].clone()
    };
    for (key, body) in &all {
        let limit = Duration::from_secs(30);
        let answer = tokio::time::timeout(limit, call(key, body)).await.unwrap();
        let message = answer.expect(StatusCode::CREATED).success()["message"].clone();
        assert_eq!(message["content"], body["content"]);
    }
    let view = view().await;
    assert_eq!(view["last_seq"], 1_000);
    assert_eq!(view["last_rev"], 1_001);
}
