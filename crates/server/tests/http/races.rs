//! One thread for one set of people, however many ask for it at once, over HTTP and directly at the ledger.

use std::{collections::BTreeSet, sync::Arc};

use semel_core::{Command, actions::Outcome};
use semel_protocol::UserId;
use semel_server::convert;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::support::{Client, TestServer, client_id, text};

/// How many call at once.
const COUNTS: [usize; 5] = [1, 2, 5, 150, 10_000];
/// Connections of the clients at any moment: more are more files than a process may open.
const CONNECTIONS_MAX: usize = 200;
/// Ids that contain what might separate them, one of which is the beginning of another.
const SEPARATORS: [&str; 5] = ["a", "a_b", "a,b", "a:b", "b|c"];

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Ask {
    CreateOrGet,
    StartConversation,
}

/// What a caller was told.
struct Told {
    thread: String,
    is_new: bool,
    seq: Option<u64>,
}

impl Ask {
    /// The `n`-th request, by the `n`-th person of the set: in their order of it, with one twice.
    fn body(self, set: &[&str], n: usize) -> Value {
        let mut people = set.to_vec();
        people.rotate_left(n % set.len());
        if n.is_multiple_of(3) {
            people.reverse();
            people.push(people[0]);
        }
        let kind = if set.len() == 2 { "direct" } else { "group" };
        let mut body = json!({"participants": people, "thread_type": kind});
        if self == Self::StartConversation {
            body["message_content"] = json!(format!("words {n}"));
            body["client_id"] = json!(client_id());
        }
        body
    }

    async fn over_http(self, who: Client, body: Value) -> Told {
        let path = match self {
            Self::CreateOrGet => "/api/chat/create-or-get",
            Self::StartConversation => "/api/chat/start-conversation",
        };
        let answer = who.post(path, body).await;
        let data = answer.success();
        let is_new = match self {
            Self::CreateOrGet => data["created"] == true,
            Self::StartConversation => data["is_existing_thread"] == false,
        };
        assert_eq!(answer.status.as_u16() == 201, is_new);
        Told {
            thread: text(&data["thread"]["id"]),
            is_new,
            seq: data["message"]["seq"].as_u64(),
        }
    }

    async fn at_the_ledger(self, app: Arc<semel_server::app::App>, who: &str, body: Value) -> Told {
        let action = match self {
            Self::CreateOrGet => convert::create_or_get(serde_json::from_value(body).unwrap()),
            Self::StartConversation => {
                convert::start_conversation(serde_json::from_value(body).unwrap())
            }
        };
        let command = Command {
            actor: UserId::parse(who).unwrap(),
            action,
            idempotency: None,
            request_id: String::new(),
        };
        let reply = app.ledger.submit(command).await.unwrap();
        match reply.result.unwrap().unwrap() {
            Outcome::Thread {
                thread, created, ..
            } => Told {
                thread: thread.thread.id.to_string(),
                is_new: created,
                seq: None,
            },
            Outcome::Conversation {
                thread,
                sent,
                is_existing_thread,
            } => Told {
                thread: thread.thread.id.to_string(),
                is_new: !is_existing_thread,
                seq: Some(sent.message.seq),
            },
            other => panic!("{other:?}"),
        }
    }
}

/// One thread, made by one of the calls; every message of theirs in it at a place of its own.
fn check(ask: Ask, told: &[Told], count: usize) {
    assert_eq!(told.len(), count);
    assert_eq!(told.iter().filter(|it| it.is_new).count(), 1, "{count}");
    assert!(told.iter().all(|it| it.thread == told[0].thread), "{count}");
    if ask == Ask::StartConversation {
        let seqs: BTreeSet<u64> = told.iter().map(|it| it.seq.unwrap()).collect();
        assert!(seqs.into_iter().eq(1..=count as u64), "{count}");
    }
}

async fn set_of(set: &[&str]) -> (TestServer, Vec<Client>) {
    let server = TestServer::start().await;
    let mut clients = Vec::new();
    for id in set {
        clients.extend(server.people([*id]).await);
    }
    (server, clients)
}

async fn race_over_http(ask: Ask, set: &'static [&'static str]) {
    for count in COUNTS {
        let (_server, clients) = set_of(set).await;
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut calls = JoinSet::new();
        for n in 0..count {
            let who = clients[n % set.len()].clone();
            let connections = Arc::clone(&connections);
            calls.spawn(async move {
                let _one = connections.acquire().await.unwrap();
                ask.over_http(who, ask.body(set, n)).await
            });
        }
        check(ask, &calls.join_all().await, count);
    }
}

async fn race_at_the_ledger(ask: Ask, set: &'static [&'static str]) {
    for count in COUNTS {
        let (server, _) = set_of(set).await;
        let mut calls = JoinSet::new();
        for n in 0..count {
            let app = Arc::clone(&server.app);
            calls.spawn(ask.at_the_ledger(app, set[n % set.len()], ask.body(set, n)));
        }
        check(ask, &calls.join_all().await, count);
    }
}

#[tokio::test]
async fn req_a1_req_a6_ec_v01_ec_c07_story_c1_c3_c4_creating_a_direct_thread_over_http() {
    race_over_http(Ask::CreateOrGet, &["ann", "bob"]).await;
}

#[tokio::test]
async fn ec_v01_ec_c07_req_a8_starting_a_direct_thread_over_http() {
    race_over_http(Ask::StartConversation, &["ann", "bob"]).await;
}

#[tokio::test]
async fn req_a2_req_a3_req_a6_creating_a_group_with_separators_over_http() {
    race_over_http(Ask::CreateOrGet, &SEPARATORS).await;
}

#[tokio::test]
async fn req_a2_req_a3_req_a8_starting_a_group_with_separators_over_http() {
    race_over_http(Ask::StartConversation, &SEPARATORS).await;
}

#[tokio::test]
async fn req_a6_ec_v01_creating_a_direct_thread_at_the_ledger() {
    race_at_the_ledger(Ask::CreateOrGet, &["ann", "bob"]).await;
}

#[tokio::test]
async fn req_a8_ec_v01_starting_a_direct_thread_at_the_ledger() {
    race_at_the_ledger(Ask::StartConversation, &["a|b", "c"]).await;
}

#[tokio::test]
async fn req_a2_req_a3_req_a6_creating_a_group_with_separators_at_the_ledger() {
    race_at_the_ledger(Ask::CreateOrGet, &SEPARATORS).await;
}

#[tokio::test]
async fn req_a2_req_a3_req_a8_starting_a_group_with_separators_at_the_ledger() {
    race_at_the_ledger(Ask::StartConversation, &SEPARATORS).await;
}

/// Sets whose ids are the same characters, parted elsewhere, are different sets.
#[tokio::test]
async fn req_a3_ids_that_contain_separators_are_told_apart() {
    let ids = ["a", "b", "a,b", "b,c", "c", "a_b", "b_c"];
    let (_server, clients) = set_of(&ids).await;
    let mut threads = BTreeSet::new();
    let sets: [&[&str]; 6] = [
        &["a", "b,c"],
        &["a,b", "c"],
        &["a", "b", "c"],
        &["a_b", "c"],
        &["a", "b_c"],
        &["a", "b"],
    ];
    for set in sets {
        let caller = clients.iter().find(|client| client.id == set[0]).unwrap();
        let body = json!({"participants": set, "thread_type": "group"});
        let told = Ask::CreateOrGet.over_http(caller.clone(), body).await;
        assert!(told.is_new, "{set:?}");
        threads.insert(told.thread);
    }
    assert_eq!(threads.len(), sets.len());
}
