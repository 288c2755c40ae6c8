//! Whether what everybody saw is as it must be.

use std::path::PathBuf;

use semel_backends::sqlite;
use semel_check::{Options, Sometimes, check_file, history::Header};
use semel_load::{
    record::{DoctorCheck, Recorder},
    scenario::Plan,
};
use tempfile::TempDir;

use super::server::Server;
use crate::commands::Failure;

/// Share of the calls that may end with an unknown outcome.
const UNKNOWN_PERCENT_MAX: u8 = 50;

/// A run that is written down.
pub(super) struct Judge {
    directory: TempDir,
    recorder: Recorder,
}

/// What was found.
pub(super) struct Verdict {
    /// For people.
    pub(super) text: String,
    /// For programs.
    pub(super) name: String,
    pub(super) violations: usize,
    pub(super) is_good: bool,
}

impl Judge {
    pub(super) fn begin(plan: &Plan) -> Result<Self, Failure> {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::because("cannot make a temporary directory", &error))?;
        let header = Header {
            seed: plan.seed,
            commit: env!("CARGO_PKG_VERSION").to_owned(),
            command: format!("semel load --scenario {} --check", plan.scenario.name()),
            options: [("expect".to_owned(), "acknowledged,converged".to_owned())].into(),
        };
        let path = directory
            .path()
            .join(format!("{}.history", plan.scenario.name()));
        let recorder = Recorder::start(&path, header)
            .map_err(|error| Failure::because("cannot write a history", &error))?;
        Ok(Self {
            directory,
            recorder,
        })
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Judges, with what the database of our own server finds when it looks through itself. A history that shows
    /// something wrong is kept.
    pub(super) fn end(self, server: Option<&Server>) -> Result<Verdict, Failure> {
        if let Some(server) = server {
            let findings = sqlite::doctor(server.data_dir(), &|_| {})
                .map_err(|error| Failure::because("cannot look through the database", &error))?;
            for check in DoctorCheck::ALL {
                self.recorder.doctor(0, check, findings.len() as u64);
            }
        }
        let path: PathBuf = self
            .recorder
            .finish()
            .map_err(|error| Failure::because("cannot write the history", &error))?;
        let options = Options {
            expect: vec![Sometimes::Acknowledged, Sometimes::Converged],
            acknowledged_min: 1,
            unknown_percent_max: UNKNOWN_PERCENT_MAX,
        };
        let report = check_file(&path, options)
            .map_err(|error| Failure::because("cannot read the history", &error))?;
        let is_good = report.exit_code() == 0;
        let mut text = report.to_string();
        if !is_good {
            let _kept = self.directory.keep();
            text = format!("{text}The history is kept: semel check {}", path.display());
        }
        Ok(Verdict {
            text,
            name: format!("{:?}", report.verdict()).to_lowercase(),
            violations: report.violations.len(),
            is_good,
        })
    }
}
