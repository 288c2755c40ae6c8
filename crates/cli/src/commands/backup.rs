//! `semel backup`.

use std::{path::Path, process::ExitCode};

use semel_backends::sqlite;
use semel_server::config::Config;

use super::{Failure, Outcome};
use crate::output;

/// Copies the database to a file.
pub(crate) fn run(config: &Config, to: &Path) -> Outcome {
    output::note(format_args!("Copying {} …", config.database_dir.display()));
    let report = sqlite::backup(&config.database_dir, to)
        .map_err(|error| Failure::because("no backup was made", &error))?;
    output::result(format_args!(
        "{}: {} entries, {} bytes, checked. Restore it with `semel restore {0}`.",
        report.path.display(),
        report.entries,
        report.bytes,
    ));
    Ok(ExitCode::SUCCESS)
}
