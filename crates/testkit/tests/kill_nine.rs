//! The server is killed at random moments while people write. What it acknowledged must be there, once, at its place.
//! `SEMEL_KILLS` says how often (5 when not set).

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod load;

use std::{sync::Arc, time::Duration};

use load::{Load, Plan};
use semel_testkit::{Semel, binary, random};
use tokio::time::{sleep, timeout};

/// Longest time between a start and the next kill, in milliseconds.
const LIFE_MILLIS_MAX: u64 = 400;
/// Time in which everybody must have been acknowledged again after a start.
const RECOVERY: Duration = Duration::from_mins(1);

fn kills() -> usize {
    std::env::var("SEMEL_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p1_p2_kill_nine_loses_nothing_and_doubles_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Semel::start(binary(), directory.path()).unwrap();
    let load = Load::start(
        &server.address,
        Plan {
            patient: 6,
            hasty: 3,
            keyed: 2,
        },
    )
    .await;
    for round in 0..kills() {
        let life = Duration::from_millis(random() as u64 % LIFE_MILLIS_MAX);
        sleep(life).await;
        server.kill().unwrap();
        server.restart().unwrap();
        let moved = timeout(RECOVERY, load.everybody_is_acknowledged_again()).await;
        assert!(
            moved.is_ok(),
            "after kill {round} somebody was not acknowledged any more"
        );
    }
    let load = Arc::new(load);
    let report = timeout(RECOVERY, load.finish())
        .await
        .expect("every outbox drains");
    assert!(report.acknowledged > 0);
    let arrived = load::verify(&load, &report).await;
    tell(&format!(
        "{} kills, {} acknowledged messages, {} without an answer, of which {arrived} had arrived",
        kills(),
        report.acknowledged,
        report.unanswered,
    ));
}

#[expect(
    clippy::print_stderr,
    reason = "whoever runs it for long wants to see what it did"
)]
fn tell(text: &str) {
    eprintln!("{text}");
}
