//! Short runs of campaigns.

use std::{env::temp_dir, time::Duration};

use semel_load::workload::Plan;
use semel_testkit::{
    binary,
    campaign::{Campaign, Outcome, Run},
    faults::{Kind, StageError},
    skip,
};

/// Other tests run at the same time: what is promised of times is measured by `make faults`.
const BOUNDS: u32 = 6;

pub(crate) fn plan_of(campaign: Campaign, seed: u64, millis: u64) -> Run {
    let duration = Duration::from_millis(millis);
    Run {
        campaign,
        seed,
        duration,
        plan: Plan::tiny(seed),
        binary: binary().to_owned(),
        scratch: temp_dir(),
        keep: temp_dir().join("semel-faults"),
        command: format!("the test of campaign {campaign}"),
        commit: String::new(),
        is_lying: false,
        bounds: BOUNDS,
        limit: Run::limit_of(duration),
    }
}

pub(crate) async fn run(run: &Run) -> Option<Outcome> {
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
pub(crate) async fn passes(campaign: Campaign, seed: u64, millis: u64, least: &[(Kind, u64)]) {
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
