//! Each campaign of faults for some seconds, judged by the checker. `make faults` does the same for long.

mod campaign;

use std::time::Duration;

use campaign::{passes, plan_of, run};
use semel_testkit::{
    campaign::{Campaign, Run},
    faults::Kind,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p1_kill_nine_loses_nothing_and_doubles_nothing() {
    passes(Campaign::Kill, 1, 3_000, &[(Kind::Kill, 4)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p3_p4_pauses_and_restarts_lose_nothing() {
    let least = [(Kind::Pause, 1), (Kind::Restart, 1)];
    passes(Campaign::Pause, 1, 3_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d1_power_cuts_lose_nothing() {
    passes(Campaign::Power, 1, 2_500, &[(Kind::PowerCut, 2)]).await;
}

/// What a campaign of power cuts is worth: it sees what is lost when a disk only says that it has it. Of several cuts, as the
/// kernel writes to the disk of its own accord too, and one may come just after that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d1_a_disk_that_lies_is_found_out() {
    let keep = tempfile::tempdir().unwrap();
    let lying = Run {
        is_lying: true,
        keep: keep.path().to_owned(),
        ..plan_of(Campaign::Power, 1, 4_000)
    };
    let Some(outcome) = run(&lying).await else {
        return;
    };
    // Lost acknowledgements, or so much lost that the run cannot even come to rest.
    assert!(outcome.violations > 0, "{:?}", outcome.failure);
    assert!(outcome.kept.unwrap().join("history").is_file());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d4_d5_d6_bad_disks_lose_nothing() {
    let least = [(Kind::SyncErrors, 1), (Kind::FullDisk, 1)];
    passes(Campaign::Disk, 410, 3_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_n1_to_n7_bad_networks_lose_nothing_and_double_nothing() {
    let least = [(Kind::Repeats, 1), (Kind::Cuts, 1)];
    passes(Campaign::Network, 214, 5_000, &least).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_t1_clocks_that_jump_lose_nothing() {
    passes(Campaign::Clock, 7, 3_500, &[(Kind::ClockJump, 1)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_c1_clients_that_crash_lose_nothing() {
    passes(Campaign::Client, 1, 1_500, &[(Kind::ClientCrash, 3)]).await;
}

/// A run without a fault has passed nothing, and violated nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_which_nothing_went_wrong_proves_nothing() {
    let keep = tempfile::tempdir().unwrap();
    let calm = Run {
        keep: keep.path().to_owned(),
        ..plan_of(Campaign::Kill, 1, 50)
    };
    let outcome = run(&calm).await.unwrap();
    assert!(outcome.is_invalid && outcome.violations == 0, "{outcome:?}");
    let failure = outcome.failure.unwrap();
    assert!(failure.contains("never happened: fault"), "{failure}");
}

/// What waits for ever must not keep a whole campaign waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_does_not_end_has_failed() {
    let keep = tempfile::tempdir().unwrap();
    let endless = Run {
        keep: keep.path().to_owned(),
        limit: Duration::from_millis(500),
        ..plan_of(Campaign::Kill, 1, 60_000)
    };
    let outcome = run(&endless).await.unwrap();
    assert_eq!(outcome.violations, 1, "{outcome:?}");
    let failure = outcome.failure.unwrap();
    assert!(failure.starts_with("is not over after 500ms"), "{failure}");
    assert!(outcome.kept.unwrap().join("history").is_file());
}
