//! `semel restored`.

use std::process::ExitCode;

use semel_backends::postgres;
use semel_server::{config::Config, world::SystemEntropy};

use super::{Failure, Outcome, block_on};
use crate::output;

/// Tells a database of `PostgreSQL` that it was brought back from a backup.
pub(crate) fn run(config: &Config) -> Outcome {
    let Some(address) = &config.postgres else {
        return Err(Failure::new(
            "`semel restored` is for PostgreSQL; `semel restore FILE` does all of it for SQLite. Name the database with \
             --database-url or DATABASE_URL.",
        ));
    };
    let report = block_on(postgres::restored(address, &SystemEntropy))?
        .map_err(|error| Failure::because("nothing was changed", &error))?;
    output::result(format_args!(
        "The database is now called {}, and its {} threads have another epoch: devices will notice and sync from \
         scratch. The servers may start.",
        report.incarnation, report.threads,
    ));
    Ok(ExitCode::SUCCESS)
}
