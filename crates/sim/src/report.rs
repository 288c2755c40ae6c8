//! What many runs come to, for people and for programs.

use std::{collections::BTreeMap, fmt::Write, fs, io, path::Path, time::Duration};

use semel_check::Sometimes;
use semel_sim::{Fault, Outcome};
use serde_json::json;

/// What many runs come to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    commit: String,
    seeds: u64,
    operations: u64,
    simulated: Duration,
    events: u64,
    faults: Vec<u64>,
    coverage: Vec<u64>,
    /// Of all hashes, whatever their order.
    hash: u64,
    /// Seeds that broke something, with how much.
    pub(crate) broken: BTreeMap<u64, Vec<String>>,
}

impl Summary {
    /// Of nothing so far, by the program as it is now.
    pub(crate) fn new() -> Self {
        Self {
            commit: semel_load::commit(),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.operations += outcome.operations;
        self.simulated += outcome.time;
        self.events += outcome.history.len() as u64;
        add(&mut self.faults, &outcome.faults);
        add(&mut self.coverage, &outcome.coverage);
        self.hash = self
            .hash
            .wrapping_add(outcome.hash.wrapping_mul(outcome.seed.wrapping_mul(2) + 1));
        if !outcome.violations.is_empty() {
            self.broken.insert(outcome.seed, outcome.violations.clone());
        }
    }

    fn faults(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.faults.iter().copied().chain(std::iter::repeat(0));
        Fault::ALL.iter().map(|fault| fault.name()).zip(counts)
    }

    fn coverage(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.coverage.iter().copied().chain(std::iter::repeat(0));
        Sometimes::ALL.iter().map(|what| what.name()).zip(counts)
    }

    /// For people.
    pub(crate) fn text(&self, time: Duration) -> String {
        let mut text = String::new();
        let list = |pairs: &mut dyn Iterator<Item = (&'static str, u64)>| {
            let pairs: Vec<String> = pairs
                .map(|(name, count)| format!("{name} {count}"))
                .collect();
            pairs.join(", ")
        };
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{} seeds, {} operations, {} events, {:.1} simulated hours in {:.1} s: {} seeds a minute",
            self.seeds,
            self.operations,
            self.events,
            self.simulated.as_secs_f64() / 3_600.0,
            time.as_secs_f64(),
            u128::from(self.seeds) * 60_000 / time.as_millis().max(1),
        );
        let _ = writeln!(text, "faults: {}", list(&mut self.faults()));
        let _ = writeln!(text, "seen: {}", list(&mut self.coverage()));
        let _ = writeln!(text, "hash of all: {:016x}", self.hash);
        if !self.never().is_empty() {
            let _ = writeln!(text, "never happened: {}", self.never().join(", "));
        }
        let _ = write!(text, "{} seeds broke something", self.broken.len());
        text
    }

    /// What never happened over all runs, although it should sometimes.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        let all = self.faults().chain(self.coverage());
        all.filter(|(_, count)| *count == 0)
            .map(|(name, _)| name)
            .collect()
    }

    /// For programs.
    pub(crate) fn write(&self, path: &Path, time: Duration) -> io::Result<()> {
        let report = json!({
            "what": "simulate",
            "commit": self.commit,
            "seeds": self.seeds,
            "operations": self.operations,
            "events": self.events,
            "simulated_seconds": self.simulated.as_secs(),
            "seconds": time.as_secs_f64(),
            "faults": self.faults().collect::<BTreeMap<_, _>>(),
            "coverage": self.coverage().collect::<BTreeMap<_, _>>(),
            "never": self.never(),
            "hash": format!("{:016x}", self.hash),
            "violations": self.broken,
        });
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, format!("{report:#}\n"))
    }
}

fn add(sums: &mut Vec<u64>, more: &[u64]) {
    sums.resize(more.len(), 0);
    for (sum, number) in sums.iter_mut().zip(more) {
        *sum += number;
    }
}

/// What was broken, and how to see it again.
pub(crate) fn broken(outcome: &Outcome) -> String {
    let mut text = format!(
        "seed {} broke {}:\n",
        outcome.seed,
        outcome.violations.len()
    );
    for violation in &outcome.violations {
        text.push_str("  ");
        text.push_str(violation);
        text.push('\n');
    }
    // Writing into a string does not fail.
    let _ = write!(
        text,
        "  cargo run --release -p semel-sim -- --seed {} --trace",
        outcome.seed
    );
    text
}
