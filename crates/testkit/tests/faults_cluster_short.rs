//! Each campaign of faults of several servers for some seconds, judged by the checker. `make faults` does the same for long.

mod campaign;

use campaign::passes;
use semel_testkit::{campaign::Campaign, faults::Kind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p1_p3_p4_servers_that_end_or_stand_still_lose_nothing_while_others_go_on() {
    let least = [(Kind::Kill, 1), (Kind::Restart, 1), (Kind::Pause, 1)];
    passes(Campaign::ClusterServers, 26, 3_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b1_b5_b6_a_database_that_ends_or_is_locked_loses_nothing() {
    let least = [(Kind::DatabaseKill, 1), (Kind::LockedTable, 1)];
    passes(Campaign::ClusterPostgres, 71, 4_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_b2_a_standby_that_takes_over_has_everything_that_was_acknowledged() {
    passes(Campaign::ClusterFailover, 38, 4_000, &[(Kind::Failover, 1)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_r1_r2_r3_without_redis_nothing_is_lost_and_with_it_delivery_is_quick_again() {
    let least = [(Kind::RedisKill, 1), (Kind::RedisWayBroken, 1)];
    passes(Campaign::ClusterRedis, 18, 4_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_n4_r3_requests_that_arrive_again_at_another_server_have_one_effect() {
    let least = [(Kind::Repeats, 1), (Kind::DatabaseWayBroken, 1)];
    passes(Campaign::ClusterNetwork, 4, 4_000, &least).await;
}
