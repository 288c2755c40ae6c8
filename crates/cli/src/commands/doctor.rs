//! `semel doctor`.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use semel_backends::{Progress, doctor::Finding, postgres, sqlite};
use semel_server::config::Config;

use super::{Failure, Outcome, block_on};
use crate::output;

/// Exit status when the database could not be looked at.
pub(crate) const COULD_NOT_LOOK: u8 = 2;

/// Looks for damage. Exit status 0: none; 1: some; 2: could not look.
pub(crate) fn run(config: &Config) -> Outcome {
    let findings = look(config)?;
    for finding in &findings {
        output::result(finding);
    }
    if findings.is_empty() {
        output::result("Nothing found: the database is sound.");
        return Ok(ExitCode::SUCCESS);
    }
    output::note(format_args!("{} found.", findings.len()));
    Ok(ExitCode::FAILURE)
}

fn look(config: &Config) -> Result<Vec<Finding>, Failure> {
    let failed = |error| Failure::because("could not look", &error).with_code(COULD_NOT_LOOK);
    let bar = ProgressBar::no_length();
    let tell = |progress: Progress| show(&bar, progress);
    let Some(address) = &config.postgres else {
        let directory = &config.database_dir;
        output::note(format_args!("Looking through {} …", directory.display()));
        let findings = sqlite::doctor(directory, &tell);
        bar.finish_and_clear();
        return findings.map_err(failed);
    };
    output::note(format_args!(
        "Looking through the database on {} …",
        address.hosts()
    ));
    let report = block_on(postgres::doctor(address, &tell))?;
    bar.finish_and_clear();
    let report = report.map_err(failed)?;
    for note in &report.notes {
        output::note(format_args!("Note: {note}."));
    }
    Ok(report.findings)
}

/// How far the check is, on a terminal.
fn show(bar: &ProgressBar, progress: Progress) {
    let template = match progress.total {
        0 => "{spinner} {msg} ({elapsed})",
        _ => "{spinner} {msg} {pos} of {len} {wide_bar} {eta}",
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    bar.set_message(progress.what);
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    bar.tick();
}
