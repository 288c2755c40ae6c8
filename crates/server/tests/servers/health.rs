//! `/health/ready` follows the database and tells of Redis; a start without either.

use std::time::Duration;

use super::{
    database::Database,
    place::{OwnPostgres, Server},
    redis::Redis,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d9_a_server_is_ready_while_its_database_is_and_not_longer() {
    let Some(postgres) = OwnPostgres::new() else {
        return;
    };
    let server = Server::start(&postgres.url(), None).await;
    server.becomes(200, "ok").await;
    postgres.kill().unwrap();
    let body = server.becomes(503, "unavailable").await;
    assert_eq!(body["part"], "database", "{body}");
    assert!(body["reason"].is_string(), "{body}");
    assert_eq!(server.probe("/health/live").await.0, 200);
    postgres.restart().unwrap();
    let body = server.becomes(200, "ok").await;
    assert!(body.get("part").is_none(), "{body}");
    // It is as good as before.
    server.group(&["ann", "bob"]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn req_d9_without_redis_a_server_starts_and_is_ready_and_says_that_it_is_degraded() {
    let (Some(database), Some(redis)) = (Database::new(), Redis::start()) else {
        return;
    };
    redis.kill().unwrap();
    let server = Server::start(&database.url, Some(&redis.url())).await;
    let body = server.becomes(200, "degraded").await;
    assert_eq!(body["part"], "redis", "{body}");
    server.group(&["ann", "bob"]).await;
    redis.restart().unwrap();
    server.becomes(200, "ok").await;
    redis.kill().unwrap();
    server.becomes(200, "degraded").await;
    assert_eq!(server.probe("/health").await.1["redis"], "unavailable");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_the_database_for_as_long_as_is_set() {
    let Some(postgres) = OwnPostgres::new() else {
        return;
    };
    postgres.kill().unwrap();
    let start = |seconds| {
        let url = postgres.url();
        async move {
            let patience = Duration::from_secs(seconds);
            Server::start_with(&url, None, |config| config.start = patience).await
        }
    };
    let error = start(1).await.err().unwrap().to_string();
    assert!(error.contains("tried for 1 s, `start_seconds`"), "{error}");
    let starting = tokio::spawn(start(30));
    postgres.restart().unwrap();
    starting.await.unwrap().unwrap().stop().await;

    // What time does not mend is told at once.
    let url = postgres.url().replace("/postgres", "/nothing");
    let began = std::time::Instant::now();
    let error = Server::start_with(&url, None, |_| {}).await.err().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "it went on trying"
    );
    let chain = format!("{error}: {:?}", std::error::Error::source(&error));
    assert!(chain.contains("does not exist"), "{chain}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_somebody_who_holds_a_table() {
    /// Longer than a statement waits for a lock, so that the first attempt fails.
    const HELD: &str = "BEGIN; LOCK TABLE leases; SELECT pg_sleep(9.5); COMMIT";
    let Some(database) = Database::new() else {
        return;
    };
    Server::start(&database.url, None).await.stop().await;
    std::thread::scope(|scope| {
        let held = scope.spawn(|| database.ask(HELD));
        let is_held = "SELECT count(*) FROM pg_locks JOIN pg_class c ON c.oid = relation
            WHERE relname = 'leases' AND mode = 'AccessExclusiveLock' AND granted";
        while database.ask(is_held) == "0" {
            assert!(!held.is_finished(), "nobody holds the table");
        }
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let server = Server::start(&database.url, None).await;
                assert!(held.is_finished(), "it did not have to wait");
                server.becomes(200, "ok").await;
                server.stop().await;
            });
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_no_writes_is_told_as_that() {
    let Some(database) = Database::new() else {
        return;
    };
    let set = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$";
    database.ask(set);
    let start = Server::start_with(&database.url, None, |config| {
        config.start = Duration::from_secs(1);
    });
    let error = start.await.err().unwrap().to_string();
    assert!(error.contains("takes no writes"), "{error}");
    assert!(!error.contains("no database server answers"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_is_not_ready_first_and_gives_its_leases_back() {
    let Some(database) = Database::new() else {
        return;
    };
    let notice = Duration::from_millis(700);
    let server = Server::start_with(&database.url, None, |config| config.drain_notice = notice);
    let server = server.await.unwrap();
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    assert_eq!(database.ask("SELECT count(*) FROM leases"), "4");
    let url = server.running.url();
    let stopping = tokio::spawn(server.stop());
    let wait = async {
        loop {
            let answer = reqwest::get(format!("{url}/health/ready")).await.unwrap();
            if answer.status() == 503 {
                return answer.json::<serde_json::Value>().await.unwrap();
            }
        }
    };
    let body = tokio::time::timeout(notice, wait).await.unwrap();
    assert_eq!(body["part"], "drain", "{body}");
    // Balancers have not noticed yet: it serves on.
    ann.say(&thread, "still here").await;
    let closing = ann.event("closing", |_| true).await;
    assert_eq!(closing["code"], "shutting_down");
    assert!(
        closing["retry_after_ms"].as_u64().unwrap() < 2_000,
        "{closing}"
    );
    stopping.await.unwrap();
    assert_eq!(database.ask("SELECT count(*) FROM leases"), "0");
}
