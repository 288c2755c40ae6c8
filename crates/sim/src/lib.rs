//! The whole of Semel under a seeded scheduler: core, lane, hub, sessions of devices, HTTP, and the client, in one thread
//! with simulated time; a disk and a network that fail; people who do everything that can be done. One seed is one run,
//! and the same seed is the same run: [`run`] judges it with the checker of histories.
//!
//! Real are the rules, the lane, the SQL (on a database in memory), delivery, Socket.IO's packets, the HTTP interface,
//! and the client's session. Simulated are the disk's commits, the network, clock and randomness.
//!
//! Invariant: nothing here or below asks this machine for time, randomness, files or threads.

mod calls;
mod chaos;
mod device;
mod dice;
mod disk;
mod faults;
mod finale;
mod journal;
mod ledger;
mod life;
mod network;
mod panics;
mod person;
mod server;
mod world;

use std::time::Duration;

pub use faults::Fault;
use semel_check::{Checker, Event, Sometimes};

/// What a run does besides following its seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Keep what happened as lines for people.
    pub is_told: bool,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of which seed.
    pub seed: u64,
    /// Over everything that happened: equal for equal runs.
    pub hash: u64,
    /// What people did.
    pub operations: u64,
    /// Simulated time.
    pub time: Duration,
    /// What was broken, for people; empty if all is well.
    pub violations: Vec<String>,
    /// How often each fault happened, in the order of [`Fault::ALL`].
    pub faults: Vec<u64>,
    /// How often each thing happened, in the order of [`Sometimes::ALL`].
    pub coverage: Vec<u64>,
    /// What happened, line by line, if it was to be told.
    pub lines: Vec<String>,
    /// What clients saw.
    pub history: Vec<Event>,
}

/// Runs a seed.
///
/// # Panics
/// When there is no runtime or no database in memory to be had.
pub fn run(seed: u64, options: &Options) -> Outcome {
    panics::listen();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("a runtime without threads is to be had");
    let ended = runtime.block_on(world::live(seed, *options));
    drop(runtime);
    let mut violations = ended.violations;
    violations.extend(
        panics::heard()
            .into_iter()
            .map(|what| format!("panic: {what}")),
    );
    let mut checker = Checker::new(semel_check::Options::expecting(vec![]));
    for event in &ended.history {
        checker.push(*event);
    }
    let report = checker.finish();
    violations.extend(
        report
            .violations
            .iter()
            .map(|it| format!("{:?}: {}", it.invariant, it.text)),
    );
    violations.extend(report.reasons.iter().map(|it| format!("history: {it}")));
    Outcome {
        seed,
        hash: ended.hash,
        operations: ended.operations,
        time: ended.time,
        violations,
        faults: ended.faults,
        coverage: Sometimes::ALL
            .iter()
            .map(|what| report.coverage.count(*what))
            .collect(),
        lines: ended.lines,
        history: ended.history,
    }
}
