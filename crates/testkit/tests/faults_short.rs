//! Each campaign of faults for some seconds, judged by the checker. `make faults` does the same for long.

use std::{env::temp_dir, time::Duration};

use semel_load::workload::Plan;
use semel_testkit::{
    binary,
    campaign::{Campaign, Outcome, Run},
    faults::{Kind, StageError},
    skip,
};

fn plan_of(campaign: Campaign, seed: u64, millis: u64) -> Run {
    Run {
        campaign,
        seed,
        duration: Duration::from_millis(millis),
        plan: Plan::tiny(seed),
        binary: binary().to_owned(),
        scratch: temp_dir(),
        keep: temp_dir().join("semel-faults"),
        command: format!("the test of campaign {campaign}"),
        commit: String::new(),
        is_lying: false,
    }
}

async fn run(run: &Run) -> Option<Outcome> {
    match run.run(&|_| {}).await {
        Ok(outcome) => Some(outcome),
        Err(StageError::Missing(missing)) => {
            skip(missing.part, &missing.reason);
            None
        }
        Err(StageError::Io(error)) => panic!("{error}"),
    }
}

/// A campaign passes, and these faults happened in it at least so often.
async fn passes(campaign: Campaign, seed: u64, millis: u64, least: &[(Kind, u64)]) {
    let planned = plan_of(campaign, seed, millis);
    let Some(outcome) = run(&planned).await else {
        return;
    };
    let (schedule, kept) = (planned.schedule(), &outcome.kept);
    let failure = outcome.failure.as_deref();
    assert_eq!(failure, None, "seed {seed}, kept in {kept:?}:\n{schedule}");
    for (kind, count) in least {
        let happened = outcome.faults.get(kind).copied().unwrap_or(0);
        assert!(happened >= *count, "{happened} × {kind} in\n{schedule}");
    }
}

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

/// What a campaign of power cuts is worth: it sees what is lost when a disk only says that it has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_d1_a_disk_that_lies_is_found_out() {
    let keep = tempfile::tempdir().unwrap();
    let lying = Run {
        is_lying: true,
        keep: keep.path().to_owned(),
        ..plan_of(Campaign::Power, 1, 2_000)
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
