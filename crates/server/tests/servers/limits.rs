//! How often one person and one address may do something, on two servers.

use std::time::Duration;

use semel_server::limits::Rate;
use serde_json::{Value, json};

use super::{database::Database, place::Server, redis::Redis, support::client_id};

const AT_ONCE: u32 = 20;

async fn server(database: &Database, redis: &str) -> Server {
    let set = |config: &mut semel_server::config::Config| {
        config.rates.of_person = Rate {
            per_second: 1,
            at_once: AT_ONCE,
        };
    };
    let server = Server::start_with(&database.url, Some(redis), set);
    server.await.unwrap()
}

/// Says something over HTTP. None when it was stored, else the seconds of `Retry-After` and the problem.
async fn say(server: &Server, who: &str, thread: &str) -> Option<(u64, Value)> {
    let url = format!(
        "{}/api/chat/threads/{thread}/messages",
        server.running.url()
    );
    let body = json!({"client_id": client_id(), "content": "hello"});
    let request = reqwest::Client::new()
        .post(url)
        .bearer_auth(server.token(who));
    let answer = request.json(&body).send().await.unwrap();
    if answer.status().is_success() {
        return None;
    }
    assert_eq!(answer.status(), 429);
    let wait = answer.headers()["retry-after"].to_str().unwrap().parse();
    Some((wait.unwrap(), answer.json().await.unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_conn_8_what_one_person_does_counts_on_all_servers_and_without_redis_on_each() {
    let (Some(database), Some(redis)) = (Database::new(), Redis::start()) else {
        return;
    };
    let one = server(&database, &redis.url()).await;
    let two = server(&database, &redis.url()).await;
    for server in [&one, &two] {
        server.becomes(200, "ok").await;
    }
    // Made by somebody else, so that nothing of it counts for ann.
    let thread = one.group(&["bob", "ann"]).await;
    let mut said = 0;
    let (wait, problem) = loop {
        match say(&one, "ann", &thread).await {
            None => said += 1,
            Some(refused) => break refused,
        }
        assert!(said <= AT_ONCE + 10, "it has no end");
    };
    assert!(said >= AT_ONCE);
    assert_eq!(problem["code"], "rate_limited");
    assert!(wait >= 1 && problem["retry_after_ms"].as_u64().unwrap() >= 1);
    // The other server learns of it from the first exchanges.
    let mut elsewhere = 0;
    while say(&two, "ann", &thread).await.is_none() {
        elsewhere += 1;
        assert!(elsewhere < AT_ONCE, "each server counts by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Over a socket as well.
    let mut ann = two.device("ann").await;
    let message = json!({"thread_id": thread, "client_id": client_id(), "content": "hello"});
    let mut refused = ann.call("message:send", &message).await;
    if refused["status"] == "success" {
        refused = ann.call("message:send", &message).await;
    }
    assert_eq!(refused["error"]["code"], "rate_limited", "{refused}");

    redis.kill().unwrap();
    two.becomes(200, "degraded").await;
    let began = std::time::Instant::now();
    let mut alone = 0;
    while say(&two, "bob", &thread).await.is_none() {
        alone += 1;
        assert!(alone <= AT_ONCE + 10, "it has no end");
    }
    assert!(alone >= AT_ONCE - 2, "{alone}");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "nobody waits for it"
    );
    one.stop().await;
    two.stop().await;
}

async fn knock(server: &Server, forwarded_for: &str) -> u16 {
    let url = format!(
        "{}/socket.io/?EIO=4&transport=polling",
        server.running.url()
    );
    let request = reqwest::Client::new().get(url);
    let answer = request.header("x-forwarded-for", forwarded_for).send();
    let answer = answer.await.unwrap();
    if answer.status() != 200 {
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
    }
    answer.status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_does_not_keep_newcomers_out() {
    let Some(database) = Database::new() else {
        return;
    };
    for is_trusted in [true, false] {
        let server = Server::start_with(&database.url, None, |config| {
            config.admission.connecting_per_address_max = 3;
            if is_trusted {
                config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
            }
        });
        let server = server.await.unwrap();
        for _ in 0..3 {
            assert_eq!(knock(&server, "192.0.2.1").await, 200);
        }
        assert_eq!(knock(&server, "192.0.2.1").await, 503);
        // Whom nobody believes has the address from which they come.
        let other = if is_trusted { 200 } else { 503 };
        assert_eq!(knock(&server, "192.0.2.2").await, other);
        server.stop().await;
    }
}
