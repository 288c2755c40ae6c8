//! A Redis that takes connections and refuses what is asked of it: it is tried with pauses, and does not count meanwhile.

use std::time::{Duration, Instant};

use super::{
    across::hears,
    here::{Place, Server},
    redis::Redis,
};

/// How often servers look in these tests.
const LOOK: Duration = Duration::from_secs(1);
/// How long the trouble is watched.
const WATCHED: Duration = Duration::from_secs(4);
/// Connections that a server may make meanwhile: one a second, and some in the beginning.
const CONNECTIONS_MAX: u64 = 8;

/// Connections that were ever made, but for those of the test.
fn connections(redis: &Redis, own: &mut u64) -> u64 {
    *own += 1;
    let info = redis.command(&["INFO", "stats"]).unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    line.unwrap().trim().parse::<u64>().unwrap() - *own
}

fn order(redis: &Redis, words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    redis.command(&words).unwrap();
}

async fn tried_with_pauses(trouble: &str, mended: &str) {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new(Some(redis.url()), LOOK);
    let [one, two]: [Server; 2] = place.servers().await;
    let thread = one.group(&["ann", "bob"]).await;
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    order(&redis, trouble);
    one.is_cut_off().await;
    two.is_cut_off().await;
    let mut own = 0;
    let before = connections(&redis, &mut own);
    let began = Instant::now();
    let mut rev = 1;
    while began.elapsed() < WATCHED {
        rev += 1;
        ann.say(&thread, "meanwhile").await;
        hears(&mut bob, &thread, rev..=rev).await;
        assert!(!one.is_connected() && !two.is_connected(), "it counts");
    }
    let made = connections(&redis, &mut own) - before;
    assert!(made <= 2 * CONNECTIONS_MAX, "{made} connections");
    order(&redis, mended);
    one.is_back().await;
    two.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r4_a_redis_without_memory_is_tried_with_pauses() {
    tried_with_pauses("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r4_a_redis_that_became_a_replica_is_tried_with_pauses() {
    tried_with_pauses("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r4_a_redis_that_lets_nobody_publish_is_tried_with_pauses() {
    let mended = "ACL SETUSER default +spublish +eval +evalsha";
    tried_with_pauses("ACL SETUSER default -spublish -eval -evalsha", mended).await;
}

/// The trial does not need it: then a connection has to last until it counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r4_a_redis_that_refuses_later_does_not_count_in_between() {
    tried_with_pauses("ACL SETUSER default -zadd", "ACL SETUSER default +zadd").await;
}
