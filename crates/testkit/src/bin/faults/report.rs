//! What campaigns came to, for people and as JSON.

use std::{collections::BTreeMap, fs, io, path::Path, time::Duration};

use semel_testkit::{
    campaign::{Campaign, Figures, Outcome},
    faults::Kind,
};
use serde_json::json;

use crate::options::Target;

/// The sum of a campaign's runs.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    pub(crate) campaign: Campaign,
    pub(crate) commit: String,
    pub(crate) seeds: Vec<u64>,
    pub(crate) faults: BTreeMap<Kind, u64>,
    pub(crate) acknowledged: u64,
    pub(crate) other_calls: u64,
    pub(crate) events: u64,
    pub(crate) violations: u64,
    /// Runs that showed nothing; they are in none of the other numbers.
    pub(crate) invalid: u64,
    pub(crate) figures: Figures,
    pub(crate) elapsed: Duration,
}

impl Tally {
    pub(crate) fn new(campaign: Campaign, commit: String) -> Self {
        Self {
            campaign,
            commit,
            seeds: vec![],
            faults: BTreeMap::new(),
            acknowledged: 0,
            other_calls: 0,
            events: 0,
            violations: 0,
            invalid: 0,
            figures: Figures::default(),
            elapsed: Duration::ZERO,
        }
    }

    pub(crate) fn take(&mut self, seed: u64, outcome: &Outcome) {
        self.elapsed += outcome.elapsed;
        if outcome.is_invalid {
            self.invalid += 1;
            return;
        }
        self.seeds.push(seed);
        self.figures.merge(&outcome.figures);
        for (kind, count) in &outcome.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
        self.acknowledged += outcome.acknowledged;
        self.other_calls += outcome.other_calls;
        self.events += outcome.events;
        self.violations += outcome.violations;
    }

    /// How many runs there were.
    pub(crate) fn runs(&self) -> u64 {
        self.seeds.len() as u64 + self.invalid
    }

    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.faults.get(&kind).copied().unwrap_or(0)
    }

    pub(crate) fn fault_count(&self) -> u64 {
        self.faults.values().sum()
    }

    /// How far it is, in words.
    pub(crate) fn progress(&self, target: &Target) -> String {
        let parts = [
            (self.runs(), target.runs, "runs"),
            (self.count(Kind::Kill), target.kills, "kills"),
            (self.count(Kind::PowerCut), target.cuts, "cuts"),
            (self.acknowledged, target.acknowledged, "acknowledged"),
        ];
        let wanted = parts.iter().filter(|(_, wanted, _)| *wanted > 0);
        let parts: Vec<_> = wanted
            .map(|(done, wanted, what)| format!("{done} of {wanted} {what}"))
            .collect();
        parts.join(", ")
    }

    /// As `faults-CAMPAIGN.json`.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let faults: serde_json::Map<_, _> = self
            .faults
            .iter()
            .map(|(kind, count)| (kind.name().to_owned(), json!(count)))
            .collect();
        let longest: serde_json::Map<_, _> = self
            .figures
            .iter()
            .map(|(figure, longest)| {
                let told =
                    json!({"times": longest.count, "seconds_max": longest.most.as_secs_f64()});
                (figure.name().to_owned(), told)
            })
            .collect();
        let report = json!({
            "commit": self.commit,
            "campaign": self.campaign.name(),
            "seeds": self.seeds,
            "faults": faults,
            "kills": self.count(Kind::Kill),
            "power_cuts": self.count(Kind::PowerCut),
            "acknowledged_sends": self.acknowledged,
            "other_operations": self.other_calls,
            "events": self.events,
            "violations": self.violations,
            "invalid_runs": self.invalid,
            "longest": longest,
            "seconds": self.elapsed.as_secs(),
        });
        let path = folder.join(format!("faults-{}.json", self.campaign));
        fs::write(path, format!("{report:#}\n"))
    }
}
