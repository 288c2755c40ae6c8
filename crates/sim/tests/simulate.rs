//! Some seeds with every build: they break nothing, they are what they say, and they see what they are there for.

use std::{sync::Mutex, thread};

use semel_check::Sometimes;
use semel_sim::{Fault, Options, Outcome, run};

/// Enough that everything happens that should sometimes happen.
const SEEDS: u64 = 30;

fn outcomes(seeds: impl Iterator<Item = u64> + Send) -> Vec<Outcome> {
    let (seeds, outcomes) = (Mutex::new(seeds), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = seeds.lock().expect("no run panics").next();
                    let Some(seed) = seed else { return };
                    let outcome = run(seed, &Options::default());
                    outcomes.lock().expect("no run panics").push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no run panics");
    outcomes.sort_by_key(|outcome| outcome.seed);
    outcomes
}

#[test]
fn seeds_break_nothing_and_everything_happens_that_should() {
    let outcomes = outcomes(1..=SEEDS);
    for outcome in &outcomes {
        let (seed, violations) = (outcome.seed, &outcome.violations);
        assert!(violations.is_empty(), "seed {seed}: {violations:#?}");
    }
    let sum = |count: &dyn Fn(&Outcome) -> u64| outcomes.iter().map(count).sum::<u64>();
    for (place, what) in Sometimes::ALL.iter().enumerate() {
        let count = sum(&|outcome| outcome.coverage[place]);
        assert!(count > 0, "never happened: {}", what.name());
    }
    for (place, fault) in Fault::ALL.iter().enumerate() {
        let count = sum(&|outcome| outcome.faults[place]);
        assert!(count > 0, "never happened: {}", fault.name());
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let (first, second) = (outcomes(100..=103), outcomes(100..=103));
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one.hash, other.hash, "seed {}", one.seed);
        assert_eq!(one.history, other.history);
    }
    assert_ne!(first[0].hash, first[1].hash);
}

#[test]
fn a_run_can_be_told() {
    let told = run(100, &Options { is_told: true });
    assert!(
        told.lines
            .iter()
            .any(|line| line.contains("everything is healed"))
    );
    assert_eq!(told.hash, run(100, &Options::default()).hash);
}
