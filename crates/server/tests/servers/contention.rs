//! Many who want the same thing at once.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{database::Database, place::Server, support::client_id};

/// Calls that wait at a time.
const WAITING: usize = 60;
/// How long everything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Somebody else has the thread until there is a line in this table.
const HOLD: &str = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM given_back) LOOP PERFORM pg_sleep(0.05); END LOOP; END $$";

/// Processor time of this process, in hundredths of a second.
fn processor_time() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // Counted from behind the name, which may have anything in it.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Waits until a connection to the database is in this state.
async fn until(database: &Database, state: &str) {
    let ask = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {state}"
    );
    let begun = Instant::now();
    while database.ask(&ask).trim() == "0" {
        assert!(begun.elapsed() < PATIENCE, "nobody is in {state}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until this process does next to nothing; those who ask again and again never come to that.
async fn come_to_rest() {
    let begun = Instant::now();
    loop {
        let (before, since) = (processor_time(), Instant::now());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let spent = Duration::from_millis(10 * (processor_time() - before));
        let share = spent.as_secs_f64() / since.elapsed().as_secs_f64();
        if share < 0.3 {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{share} of a processor was busy with waiting"
        );
    }
}

/// Synapse CVE-2026-45078: who waited for a lock asked again and again, until nothing else was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_cve_31_who_waits_for_what_others_have_waits_at_rest() {
    let Some(database) = Database::new() else {
        return;
    };
    let server = Server::start(&database.url, None).await;
    let thread = server.group(&["ann", "bob"]).await;
    let other = server.group(&["cyd", "dee"]).await;
    database.ask("CREATE TABLE given_back ()");
    let holder = database.ask_meanwhile(format!(
        "BEGIN; SELECT 1 FROM threads WHERE id = '{thread}' FOR UPDATE; {HOLD}; COMMIT"
    ));
    until(&database, "wait_event = 'PgSleep'").await;
    let say = |who: &'static str, thread: &str, number: usize| {
        let body = json!({"client_id": client_id(), "content": format!("{number}")});
        let path = format!("/api/chat/threads/{thread}/messages");
        let server = &server;
        async move { server.patiently(who, "POST", &path, body).await }
    };
    let all = async {
        let calls = (0..WAITING).map(|number| say("ann", &thread, number));
        futures_util::future::join_all(calls).await
    };
    let meanwhile = async {
        until(&database, "wait_event_type = 'Lock'").await;
        come_to_rest().await;
        database.ask("INSERT INTO given_back DEFAULT VALUES");
    };
    let (said, ()) = tokio::join!(all, meanwhile);
    holder.join().unwrap();
    // Each was done once, when its turn came.
    let mut seqs: Vec<_> = said
        .iter()
        .map(|data| data["message"]["seq"].as_u64().unwrap())
        .collect();
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), WAITING);
    say("cyd", &other, 0).await;
    server.stop().await;
}
