//! What one device may ask for, and that others do not wait for it.

use serde_json::{Value, json};

use super::support::{Server, client_id};

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_wait_leave_room_for_sends() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut ann = server.device("ann").await;
    ann.say(&thread, "to be read").await;
    let read = json!({"thread_id": thread, "seq": 1});
    let mut reads = Vec::new();
    for _ in 0..200 {
        reads.push(ann.emit("read", &read).await);
    }
    ann.say(&thread, "meanwhile").await;
    for number in reads {
        let answer = ann.ack(number).await;
        assert_eq!(answer["status"], "success", "{answer}");
    }
    let mut codes = Vec::new();
    for _ in 0..400 {
        codes.push(ann.emit("read", &read).await);
    }
    let mut refused = 0;
    for number in codes {
        refused += usize::from(code(&ann.ack(number).await) == "rate_limited");
    }
    assert!(refused > 0, "reads have a bound too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_floods_positions_is_slowed_down_and_nobody_else() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    server.people(&["eve"]).await;
    let (mut ann, mut bob) = (server.device("ann").await, server.device("bob").await);
    let mut eves = [server.device("eve").await, server.device("eve").await];
    let mut limited = 0;
    for round in 0..20 {
        for eve in &mut eves {
            let mut numbers = Vec::new();
            for _ in 0..60 {
                let at = json!({"thread_id": client_id(), "seq": 1});
                numbers.push(eve.emit("delivered", &at).await);
            }
            for number in numbers {
                limited += usize::from(code(&eve.ack(number).await) == "rate_limited");
            }
        }
        let sent = ann.say(&thread, &format!("meanwhile {round}")).await;
        bob.entries(&thread, sent["rev"].as_u64().unwrap()).await;
    }
    assert!(limited > 0);
    let at = json!({"thread_id": thread, "seq": 1});
    bob.done("delivered", &at).await;
    ann.event("delivered", |told| told["user_id"] == "bob")
        .await;
    server
        .realtime
        .shutdown(std::time::Duration::from_secs(10))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_much_waits_for_their_own_questions() {
    let server = Server::start().await;
    let thread = server.group(&["ann", "bob"]).await;
    let mut anns = Vec::new();
    for _ in 0..6 {
        anns.push(server.device("ann").await);
    }
    let mut bob = server.device("bob").await;
    let mut asked = Vec::new();
    for ann in &mut anns {
        let mut numbers = Vec::new();
        for _ in 0..60 {
            numbers.push(ann.emit("sync", &json!({})).await);
        }
        asked.push(numbers);
    }
    bob.done("sync", &json!({})).await;
    bob.say(&thread, "meanwhile").await;
    for (ann, numbers) in anns.iter_mut().zip(asked) {
        for number in numbers {
            let answer = ann.ack(number).await;
            let is_well = answer["status"] == "success" || code(&answer) == "overloaded";
            assert!(is_well, "{answer}");
        }
    }
    anns[0].done("sync", &json!({})).await;
}
