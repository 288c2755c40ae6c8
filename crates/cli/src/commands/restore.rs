//! `semel restore`.

use std::{path::Path, process::ExitCode};

use semel_backends::sqlite::{self, Existing};
use semel_server::{config::Config, serve, world::SystemEntropy};

use super::{Failure, Outcome};
use crate::output;

/// Puts a backup in the place of the database.
pub(crate) fn run(config: &Config, from: &Path, replace: bool) -> Outcome {
    if let Some(address) = &config.postgres {
        return Err(Failure::new(format!(
            "the database is on a PostgreSQL server ({}): bring it back by its own means (`pg_restore`, or a recovery to \
             a point in time) while no server runs, then run `semel restored`",
            address.hosts()
        )));
    }
    let directory = &config.database_dir;
    let database = directory.join("semel.db");
    let is_there = database.exists();
    if is_there && !replace {
        return Err(Failure::new(format!(
            "{} is there already; say --replace to put the backup in its place (a copy of it is kept)",
            database.display()
        )));
    }
    // What is there now may be wanted again.
    let time = serve::now().to_string().replace(':', "-");
    let aside = directory.join(format!("semel-before-restore-{time}.db"));
    let existing = if replace {
        Existing::Replace(aside.clone())
    } else {
        Existing::Keep
    };
    output::note(format_args!("Restoring {} …", from.display()));
    let report = sqlite::restore(from, directory, &existing, &SystemEntropy)
        .map_err(|error| Failure::because("nothing was restored", &error))?;
    if is_there {
        output::note(format_args!("Kept what was there as {}", aside.display()));
    }
    output::result(format_args!(
        "{}: {} entries, checked. Devices will notice that it is another database and sync from scratch.",
        report.path.display(),
        report.entries,
    ));
    Ok(ExitCode::SUCCESS)
}
