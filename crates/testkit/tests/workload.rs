//! The mixed workload on the real program, with two kills: its history passes, and fails once it is spoiled.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use semel_check::{
    Action, Event, Kind, Options, Verdict, check_events,
    history::{Header, Reader},
};
use semel_load::{
    Sign, finale,
    record::{DoctorCheck, NodeState, Recorder},
    workload::{Plan, Workload},
};
use semel_protocol::UserId;
use semel_testkit::{Semel, binary, random, token};
use tokio::time::{Instant, sleep, timeout};

/// Messages that are acknowledged before each kill, and at the end.
const ACKNOWLEDGED_MIN: u64 = 400;
/// Time in which that must happen.
const PROGRESS: Duration = Duration::from_mins(1);
/// Time in which everything must come to rest.
const REST: Duration = Duration::from_mins(1);
/// The only fault: the server is killed.
const KILL: u8 = 1;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_p1_everything_at_once_with_kills_keeps_every_invariant() {
    let seed = random() as u64;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.history");
    run(seed, directory.path(), &path).await;

    let report = finale::judge(&path, Options::faults()).unwrap();
    assert_eq!(report.verdict(), Verdict::Passed, "seed {seed}: {report}");

    let events: Vec<Event> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
    for (what, spoiled) in [
        ("S1", without_an_acknowledged_row(&events)),
        ("S7", with_an_entry_applied_twice(&events)),
        ("S10", with_another_stored_answer(&events)),
    ] {
        let report = check_events(&spoiled, Options::faults());
        let found: Vec<String> = report
            .violations
            .iter()
            .map(|one| format!("{:?}", one.invariant))
            .collect();
        assert!(
            found.iter().any(|one| one == what),
            "{what} was broken, found {found:?}"
        );
    }
}

async fn run(seed: u64, directory: &Path, path: &Path) {
    let mut server = Semel::start(binary(), &directory.join("data")).unwrap();
    let recorder = Recorder::start(path, Header::default()).unwrap();
    recorder.node(0, NodeState::Started);
    let sign: Sign = Arc::new(|user: &UserId| token(user.as_str()));
    let addresses = vec![server.address.clone()];
    let plan = Plan::tiny(seed);
    let load = Workload::start(plan, addresses, sign, recorder.clone())
        .await
        .unwrap();
    for round in 0..2 {
        progress(&load).await;
        recorder.fault(KILL, "kill");
        recorder.node(0, NodeState::Killed);
        server.kill().unwrap();
        server.restart().unwrap();
        recorder.node(0, NodeState::Started);
        recorder.heal(KILL);
        progress(&load).await;
        load.crash_client(round).await;
    }
    progress(&load).await;
    let rest = load.quiesce(REST).await.unwrap();
    let addresses = [server.address.clone()];
    finale::read(&rest, &addresses, &recorder).await.unwrap();
    let doctor = Command::new(binary())
        .env_remove("SEMEL_BINARY")
        .args(["doctor", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .unwrap();
    let findings = u64::from(!doctor.status.success());
    for check in DoctorCheck::ALL {
        recorder.doctor(0, check, findings);
    }
    recorder.finish().unwrap();
}

/// Returns when some more messages are acknowledged.
async fn progress(load: &Workload) {
    let wanted = load.acknowledged() + ACKNOWLEDGED_MIN;
    let more = async {
        while load.acknowledged() < wanted {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let begin = Instant::now();
    let moved = timeout(PROGRESS, more).await;
    assert!(
        moved.is_ok(),
        "{} of {wanted} after {:?}",
        load.acknowledged(),
        begin.elapsed()
    );
}

/// No reader finds some message at the end that was acknowledged.
fn without_an_acknowledged_row(events: &[Event]) -> Vec<Event> {
    let acknowledged = |event: &&Event| (event.kind, event.action) == (Kind::Ok, Action::Send);
    let victim = events.iter().filter(acknowledged).nth(20).unwrap();
    let is_row = |event: &Event| {
        (event.kind, event.action) == (Kind::Final, Action::Send) && event.key == victim.key
    };
    let left: Vec<_> = events
        .iter()
        .copied()
        .filter(|event| !is_row(event))
        .collect();
    assert!(left.len() < events.len());
    left
}

fn with_an_entry_applied_twice(events: &[Event]) -> Vec<Event> {
    let applied =
        |event: &Event| event.kind == Kind::Apply && event.rev > 10 && event.action == Action::Send;
    let at = events.iter().position(applied).unwrap();
    let mut spoiled = events.to_vec();
    spoiled.insert(at, events[at]);
    spoiled
}

/// Some answer to a repeat under an idempotency key differs from the first.
fn with_another_stored_answer(events: &[Event]) -> Vec<Event> {
    let mut seen = std::collections::HashSet::new();
    let repeated = |event: &Event| {
        (event.kind, event.action) == (Kind::Ok, Action::React)
            && event.hash != 0
            && !seen.insert(event.key)
    };
    let at = events.iter().position(repeated).unwrap();
    let mut spoiled = events.to_vec();
    spoiled[at].hash ^= 1;
    spoiled
}
