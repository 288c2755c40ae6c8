//! `semel restore`.

use std::{path::Path, process::ExitCode};

use semel_backends::sqlite::{self, Existing};
use semel_server::{config::Config, serve, world::SystemEntropy};

use super::{Failure, Outcome};
use crate::output;

/// Puts a backup in the place of the database.
pub(crate) fn run(config: &Config, from: &Path, replace: bool) -> Outcome {
    let directory = &config.database_dir;
    let database = directory.join("semel.db");
    if database.exists() {
        if !replace {
            return Err(Failure::new(format!(
                "{} is there already; say --replace to put the backup in its place (a copy of it is kept)",
                database.display()
            )));
        }
        keep_copy(directory)?;
    }
    output::note(format_args!("Restoring {} …", from.display()));
    let report = sqlite::restore(from, directory, Existing::Replace, &SystemEntropy)
        .map_err(|error| Failure::because("nothing was restored", &error))?;
    output::result(format_args!(
        "{}: {} entries, checked. Devices will notice that it is another database and sync from scratch.",
        report.path.display(),
        report.entries,
    ));
    Ok(ExitCode::SUCCESS)
}

/// What is there now may be wanted again.
fn keep_copy(directory: &Path) -> Result<(), Failure> {
    let time = serve::now().to_string().replace(':', "-");
    let copy = directory.join(format!("semel-before-restore-{time}.db"));
    sqlite::backup(directory, &copy).map_err(|error| {
        let what = "the database that is there cannot be copied first; move it away by hand, with \
                    its companions, and restore without --replace";
        Failure::because(what, &error)
    })?;
    output::note(format_args!("Kept what was there as {}", copy.display()));
    Ok(())
}
