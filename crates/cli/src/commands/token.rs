//! `semel token`: signs an access token. Needs the secret, no server.

use std::process::ExitCode;

use semel_protocol::{Timestamp, UserId};
use semel_server::{
    auth::{Caller, Scope},
    config::Config,
    serve,
};

use super::{Failure, Outcome};
use crate::{args::TokenArgs, output};

/// Prints a token and nothing else.
pub(crate) fn run(config: &Config, args: &TokenArgs) -> Outcome {
    let scope = if args.operator {
        Scope::Operator
    } else {
        Scope::Person
    };
    output::result(sign(
        config,
        &args.user,
        args.name.clone(),
        scope,
        args.hours,
    )?);
    Ok(ExitCode::SUCCESS)
}

/// Makes no secret where servers on other machines may have theirs: they would refuse what it signs, or be refused themselves.
pub(crate) fn need_secret(config: &Config) -> Result<(), Failure> {
    if config.postgres.is_none() || serve::has_secret(config) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "there is no signing secret here, and the servers of a PostgreSQL database have one: set JWT_SECRET_KEY to theirs, or choose \
         the data directory of a server with --data-dir (this one is {})",
        config.data_dir.display()
    )))
}

/// Signs a token with the secret of the settings or the data directory.
pub(crate) fn sign(
    config: &Config,
    user_id: &UserId,
    name: Option<String>,
    scope: Scope,
    hours: u32,
) -> Result<String, Failure> {
    need_secret(config)?;
    let tokens = serve::tokens(config)
        .map_err(|error| Failure::because("cannot read or make the signing secret", &error))?;
    let now = serve::now();
    let expires_at = Timestamp(now.0 + i64::from(hours) * 60 * 60 * 1000);
    Ok(tokens.sign(&Caller {
        user_id: user_id.clone(),
        name,
        scope,
        expires_at,
        session_id: None,
        is_verified: false,
    }))
}
