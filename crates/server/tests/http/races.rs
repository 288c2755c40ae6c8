//! One thread for one set of people, however many ask for it at once, over HTTP and directly at the ledger.

use std::{collections::BTreeSet, sync::Arc};

use semel_core::{Command, actions::Outcome};
use semel_protocol::UserId;
use semel_server::convert;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    ask::{Ask, SEPARATORS, Told, check},
    support::{Client, TestServer, client_id},
};

/// How many call at once.
const COUNTS: [usize; 5] = [1, 2, 5, 150, 10_000];
/// Connections of the clients at any moment: more are more files than a process may open.
const CONNECTIONS_MAX: usize = 200;
async fn over_http(ask: Ask, who: Client, body: Value) -> Told {
    let answer = who.post(ask.path(), body).await;
    ask.told(answer.status.as_u16(), &answer.success())
}

async fn at_the_ledger(ask: Ask, app: Arc<semel_server::app::App>, who: &str, body: Value) -> Told {
    let action = match ask {
        Ask::CreateOrGet => convert::create_or_get(serde_json::from_value(body).unwrap()),
        Ask::StartConversation => {
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
                over_http(ask, who, ask.body(set, n, &client_id())).await
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
            calls.spawn({
                let body = ask.body(set, n, &client_id());
                at_the_ledger(ask, app, set[n % set.len()], body)
            });
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
        let told = over_http(Ask::CreateOrGet, caller.clone(), body).await;
        assert!(told.is_new, "{set:?}");
        threads.insert(told.thread);
    }
    assert_eq!(threads.len(), sets.len());
}
