//! `semel backup`.

use std::{path::Path, process::ExitCode};

use semel_backends::sqlite;
use semel_server::config::Config;

use super::{Failure, Outcome};
use crate::output;

/// Copies the database to a file.
pub(crate) fn run(config: &Config, to: &Path) -> Outcome {
    if let Some(address) = &config.postgres {
        return Err(Failure::new(format!(
            "the database is on a PostgreSQL server ({}), which is backed up by its own means: `pg_dump --format=custom` \
             for a copy in one file, `pg_basebackup` and an archive of the write-ahead log to go back to any point in \
             time; run `semel restored` after bringing one back",
            address.hosts()
        )));
    }
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
