//! Good histories that were spoilt in one way each: the checker names the right invariant, and no other.

mod changes;
mod delivery;
mod logs;
mod sends;
mod spoil;

use std::collections::BTreeSet;

use semel_check::{Event, Invariant, Options, Verdict, check_events};
use spoil::History;

/// How to spoil a history; false if this one has nothing to spoil in this way.
type Spoil = fn(&mut History) -> bool;

const SEEDS: u64 = 24;

/// Spoils histories of several seeds. Each must be caught, and nothing but `expected` may be named.
fn caught(expected: &[Invariant], spoil: Spoil) {
    caught_with(expected, &[], spoil);
}

/// The same, where `possible` may be named too: one wrong number may put others in a wrong light.
fn caught_with(expected: &[Invariant], possible: &[Invariant], spoil: Spoil) {
    let expected: BTreeSet<_> = expected.iter().copied().collect();
    let mut spoilt = 0;
    for seed in 1..=SEEDS {
        let mut history = History::new(seed);
        if !spoil(&mut history) {
            continue;
        }
        spoilt += 1;
        let events: Vec<Event> = history.in_order();
        let report = check_events(&events, Options::expecting(vec![]));
        let named = report.counts.keys().copied();
        let named: BTreeSet<_> = named
            .filter(|invariant| !possible.contains(invariant))
            .collect();
        assert_eq!(
            report.verdict(),
            Verdict::Violated,
            "seed {seed} was not caught: {report}"
        );
        assert_eq!(named, expected, "seed {seed}: {report}");
        for violation in &report.violations {
            assert!(
                !violation.events.is_empty(),
                "seed {seed}: no time line: {report}"
            );
        }
    }
    assert!(
        spoilt >= 3,
        "only {spoilt} of {SEEDS} histories could be spoilt so"
    );
}

/// Changes histories in a way that is none of their faults.
fn good(change: Spoil) {
    let mut changed = 0;
    for seed in 1..=SEEDS {
        let mut history = History::new(seed);
        changed += u32::from(change(&mut history));
        let report = check_events(&history.in_order(), Options::expecting(vec![]));
        assert_eq!(report.verdict(), Verdict::Passed, "seed {seed}: {report}");
    }
    assert!(
        changed >= 3,
        "only {changed} of {SEEDS} could be changed so"
    );
}

#[test]
fn a_violation_is_told_with_its_time_line() {
    let mut history = History::new(1);
    assert!(sends::acknowledge_what_was_never_stored(&mut history));
    let report = check_events(&history.in_order(), Options::parse("nothing").unwrap());
    let text = report.to_string();
    for part in [
        "S1 What was acknowledged is in the final log",
        "and is nowhere",
        "+0.000000 s  session",
        "calls send",
        "send succeeds",
        "person 1 is person-1",
        "VIOLATED",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_seq_that_is_given_twice_is_told_as_that() {
    let mut history = History::new(1);
    assert!(logs::give_a_seq_twice(&mut history));
    let report = check_events(&history.in_order(), Options::expecting(vec![]));
    assert!(report.to_string().contains("was given twice"), "{report}");
}
