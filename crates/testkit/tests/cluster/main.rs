//! Several servers on one database. Whoever calls goes to another one each time: what may happen only once happens once, with
//! Redis, when it forgets everything meanwhile, and without it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod apart;
#[path = "../../../server/tests/http/ask.rs"]
mod ask;
mod crashes;
mod database;
mod delivery;
mod device;
mod front;
mod hints;
mod hot;
mod keys;
mod load;
mod messages;
mod people;
mod presence;
mod races;
mod rolling;
mod scene;
mod standby;
mod threads;
mod weather;

use semel_client::Api;
use semel_services::{Affinity, Algorithm, Balance, or_skip};
use semel_testkit::{
    cluster::{Cluster, Plan},
    token,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_of_a_cluster_serves() {
    let plan = Plan {
        synchronous_standby: true,
        links: true,
        balancer: Some(Balance {
            algorithm: Algorithm::RoundRobin,
            affinity: Affinity::Cookie,
        }),
        ..Plan::default()
    };
    let Some(cluster) = or_skip(Cluster::start(plan).await) else {
        return;
    };
    for address in cluster.addresses() {
        let api = Api::new(address, &token("ann"));
        let me = api.get::<serde_json::Value>("/api/users/me").await.unwrap();
        assert_eq!(me.data["user"]["user_id"], "ann", "{me:?}");
    }
}
