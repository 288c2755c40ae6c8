//! `semel new-secret`.

use std::process::ExitCode;

use semel_server::{config::Config, serve};

use super::{Failure, Outcome, block_on};
use crate::output;

/// Lets servers with another signing secret use a database.
pub(crate) fn run(config: &Config) -> Outcome {
    if config.postgres.is_none() {
        return Err(Failure::new(
            "`semel new-secret` is for several servers on PostgreSQL. With SQLite a new secret holds from the next start on.",
        ));
    }
    block_on(serve::accept_secret(config))?
        .map_err(|error| Failure::because("nothing was changed", &error))?;
    output::result(
        "Servers with this signing secret may use the database. Start all of them anew with it: until the last one is, \
         each refuses tokens of the other secret.",
    );
    Ok(ExitCode::SUCCESS)
}
