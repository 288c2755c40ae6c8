//! What campaigns came to, for people and as JSON.

use std::{collections::BTreeMap, fs, io, path::Path, process::Command, time::Duration};

use semel_testkit::{
    campaign::{Campaign, Outcome},
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
            elapsed: Duration::ZERO,
        }
    }

    pub(crate) fn take(&mut self, seed: u64, outcome: &Outcome) {
        self.seeds.push(seed);
        for (kind, count) in &outcome.faults {
            *self.faults.entry(*kind).or_default() += count;
        }
        self.acknowledged += outcome.acknowledged;
        self.other_calls += outcome.other_calls;
        self.events += outcome.events;
        self.violations += outcome.violations;
        self.elapsed += outcome.elapsed;
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
            (self.seeds.len() as u64, target.runs, "runs"),
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
            "seconds": self.elapsed.as_secs(),
        });
        let path = folder.join(format!("faults-{}.json", self.campaign));
        fs::write(path, format!("{report:#}\n"))
    }
}

/// The commit of the working tree, with a plus if something in it is not committed.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let plus = if changed.is_some_and(|changed| changed.is_empty()) {
        ""
    } else {
        "+"
    };
    format!("{commit}{plus}")
}
