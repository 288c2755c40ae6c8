//! Everything that came of the runs: printed as they end, written as JSON at the end.

use std::{io, path::Path};

use semel_load::scenario::{REPORT_VERSION, Summary, thousands};
use serde_json::{Value, json};

use super::judge::Verdict;
use crate::output;

/// What came of the runs so far.
pub(super) struct Report {
    server: String,
    runs: Vec<Value>,
    bare: Vec<Value>,
    is_good: bool,
}

impl Report {
    pub(super) fn new(urls: &[String]) -> Self {
        let server = match urls {
            [] => "own".to_owned(),
            urls => urls.join(" "),
        };
        Self {
            server,
            runs: Vec::new(),
            bare: Vec::new(),
            is_good: true,
        }
    }

    /// Prints what came of a run, and keeps it.
    pub(super) fn add(&mut self, summary: &Summary, verdict: Option<&Verdict>) {
        if !self.runs.is_empty() {
            output::result("");
        }
        output::result(summary.table().trim_end());
        let mut run = json!(summary);
        if let Some(verdict) = verdict {
            output::result(verdict.text.trim_end());
            run["check"] = json!({ "verdict": verdict.name, "violations": verdict.violations });
            self.is_good &= verdict.is_good;
        }
        self.is_good &= summary.failures.is_empty();
        self.runs.push(run);
    }

    /// Prints what `SQLite` does alone, and keeps it.
    pub(super) fn add_bare(&mut self, messages_per_commit: u32, per_second: f64) {
        let name = format!("SQLite alone, messages/s, {messages_per_commit} a commit");
        output::result(format_args!(
            "{name:<38}{:>12}",
            thousands(per_second.round() as u64)
        ));
        self.bare.push(json!({
            "messages_per_commit": messages_per_commit,
            "messages_per_second": per_second,
        }));
    }

    /// Whether the server did what it must.
    pub(super) fn is_good(&self) -> bool {
        self.is_good
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, format!("{:#}\n", self.json()))
    }

    fn json(&self) -> Value {
        json!({
            "semel_load": REPORT_VERSION,
            "version": env!("CARGO_PKG_VERSION"),
            "server": self.server,
            "runs": self.runs,
            "bare_sqlite": self.bare,
        })
    }
}
