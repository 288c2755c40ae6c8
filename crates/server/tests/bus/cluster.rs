//! A cluster of Redis, and Redis behind a sentinel.

use super::{
    across::{NEVER, are_online, hears},
    here::Place,
    redis::Redis,
    support::until,
};

async fn two_servers_hear_of_each_other(url: String) {
    let place = Place::new(Some(url), NEVER);
    let [one, two] = place.servers().await;
    let (mut rev, mut threads) = (1, Vec::new());
    for _ in 0..8 {
        threads.push(one.group(&["ann", "bob"]).await);
    }
    let (mut ann, mut bob) = (one.device("ann").await, two.device("bob").await);
    for _ in 0..3 {
        rev += 1;
        for thread in &threads {
            ann.say(thread, "hello").await;
            hears(&mut bob, thread, rev..=rev).await;
        }
    }
    are_online(&mut ann, &["bob"]).await;
    bob.hang_up().await;
    let gone = ann.event("presence", |_| true).await;
    assert_eq!(gone["online"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_hear_of_each_other_over_a_cluster() {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let timeout = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let Some(node) = Redis::with(&timeout) else {
            return;
        };
        nodes.push(node);
    }
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for (node, (first, last)) in nodes.iter().zip(slots) {
        let add = ["CLUSTER", "ADDSLOTSRANGE", first, last];
        assert_eq!(node.command(&add).unwrap(), "OK");
    }
    for node in &nodes[1..] {
        let port = node.address().port().to_string();
        let meet = ["CLUSTER", "MEET", "127.0.0.1", &port];
        assert_eq!(nodes[0].command(&meet).unwrap(), "OK");
    }
    until("the cluster is whole", || {
        nodes.iter().all(|node| {
            let state = node.command(&["CLUSTER", "INFO"]).unwrap();
            state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
        })
    })
    .await;
    // One is enough to learn of the others.
    two_servers_hear_of_each_other(format!("redis+cluster://{}", nodes[0].address())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_hear_of_each_other_by_what_a_sentinel_names() {
    let Some(primary) = Redis::start() else {
        return;
    };
    let Some(sentinel) = Redis::sentinel("main", &primary) else {
        return;
    };
    let url = format!("redis+sentinel://127.0.0.1:1,{}/main", sentinel.address());
    two_servers_hear_of_each_other(url).await;
}
