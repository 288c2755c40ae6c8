//! What the simulation is worth: it finds every deliberate defect. A file of its own, because a process has one defect at
//! a time.

use std::{
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use semel_sabotage::Defect;

/// Seeds in which a defect must be found.
const SEEDS: u64 = 40;

/// Each in a process of its own, two at a time.
#[test]
fn every_defect_is_found() {
    let (next, missed) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    let work = || {
        while let Some(defect) = Defect::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_simulate"));
            command.args(["--sabotage", defect.name(), "--seeds", &SEEDS.to_string()]);
            let output = command.output().expect("the program runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.code() != Some(1) || !text.contains(" broke ") {
                missed
                    .lock()
                    .expect("no thread panics")
                    .push((defect.name(), text));
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let missed = missed.into_inner().expect("no thread panics");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
