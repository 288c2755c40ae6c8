//! `semel doctor`.

use std::process::ExitCode;

use semel_backends::sqlite;
use semel_server::config::Config;

use super::{Failure, Outcome};
use crate::output;

/// Exit status when the database could not be looked at.
pub(crate) const COULD_NOT_LOOK: u8 = 2;

/// Looks for damage. Exit status 0: none; 1: some; 2: could not look.
pub(crate) fn run(config: &Config) -> Outcome {
    let directory = &config.database_dir;
    output::note(format_args!("Looking through {} …", directory.display()));
    let findings = sqlite::doctor(directory)
        .map_err(|error| Failure::because("could not look", &error).with_code(COULD_NOT_LOOK))?;
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
