//! One link that people follow on two servers at once.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{database::Database, place::Server, redis::Redis};

const PEOPLE: usize = 60;
const USES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_invite_5_two_servers_let_in_as_many_as_one_link_allows() {
    let (Some(database), Some(redis)) = (Database::new(), Redis::start()) else {
        return;
    };
    let one = Server::start(&database.url, Some(&redis.url())).await;
    let two = Server::start(&database.url, Some(&redis.url())).await;
    let thread = one.group(&["ann", "bob"]).await;
    let invites = format!("/api/chat/threads/{thread}/invites");
    let made = one.http("ann", "POST", &invites, json!({"uses_max": USES}));
    let invite = made.await["invite"].clone();
    // Both servers show the same link.
    let listed = two.http("ann", "GET", &invites, Value::Null).await;
    assert_eq!(listed["invites"], json!([invite]));
    let mut device = two.device("bob").await;
    device.done("sync", &json!({})).await;
    let mut joins = JoinSet::new();
    for number in 0..PEOPLE {
        // Some come to both servers at once.
        for server in if number % 3 == 0 {
            vec![&one, &two]
        } else {
            vec![[&one, &two][number % 2]]
        } {
            let who = format!("guest-{number}");
            let url = format!("{}/api/invites/join", server.running.url());
            let request = reqwest::Client::new().post(url);
            let request = request.bearer_auth(server.token(&who));
            let request = request.json(&json!({"token": invite["token"]}));
            joins.spawn(async move {
                let answer = request.send().await.unwrap();
                let status = answer.status();
                let body: Value = answer.json().await.unwrap();
                (who, status, body)
            });
        }
    }
    let (mut came, mut inside) = (0, BTreeSet::new());
    while let Some(joined) = joins.join_next().await {
        let (who, status, body) = joined.unwrap();
        if status.is_success() {
            came += usize::from(body["data"]["joined"] == true);
            inside.insert(who);
        } else {
            assert_eq!(
                (status, &body["code"]),
                (StatusCode::NOT_FOUND, &json!("not_found"))
            );
        }
    }
    assert_eq!((came, inside.len()), (USES, USES));
    for server in [&one, &two] {
        let listed = server.http("ann", "GET", &invites, Value::Null).await;
        assert_eq!(listed["invites"][0]["uses"], USES);
    }
    let path = format!("/api/chat/threads/{thread}");
    let seen = two.http("ann", "GET", &path, Value::Null).await["thread"].clone();
    assert_eq!(seen["participant_count"], USES + 2);
    // Who was there is told of each of them, in order.
    let last = seen["last_rev"].as_u64().unwrap();
    let told = device.entries(&thread, last).await;
    let told: BTreeSet<String> = told
        .iter()
        .map(|entry| {
            assert_eq!(entry["type"], "participants_added");
            entry["actor_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(told, inside);
    one.stop().await;
    two.stop().await;
}
