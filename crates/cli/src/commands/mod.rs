//! One file for each command.

mod backup;
mod config;
mod doctor;
mod failure;
mod health;
mod load;
mod new_secret;
mod restore;
mod restored;
mod serve;
mod token;
mod transfer;
mod user;

use std::{future::Future, process::ExitCode};

use clap::CommandFactory as _;
use semel_server::config::{Config, Sources};

pub(crate) use failure::{Failure, Outcome};

use crate::args::{Cli, Command, DatabaseArgs, ServeArgs, SettingsArgs};

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Outcome {
    let settings = &cli.settings;
    match cli.command {
        Command::Serve(args) => serve::run(load(settings, serve_flags(args))?),
        Command::Token(args) => token::run(&load(settings, vec![])?, &args),
        Command::User(command) => user::run(&load(settings, vec![])?, command),
        Command::Backup { to } => backup::run(&load(settings, vec![])?, &to),
        Command::Restore { from, replace } => {
            restore::run(&load(settings, vec![])?, &from, replace)
        }
        Command::Restored(database) => restored::run(&load(settings, database_flag(database))?),
        Command::NewSecret(database) => new_secret::run(&load(settings, database_flag(database))?),
        Command::Doctor(database) => match load(settings, database_flag(database)) {
            Ok(config) => doctor::run(&config),
            Err(failure) => Err(failure.with_code(doctor::COULD_NOT_LOOK)),
        },
        Command::Transfer(args) => transfer::run(&args),
        Command::Check {
            file,
            expect,
            lines,
        } => {
            let mut output = std::io::stdout().lock();
            let code = semel_check::run_cli(&file, expect.as_deref(), lines, &mut output);
            Ok(ExitCode::from(code))
        }
        Command::Config(crate::args::ConfigCommand::Print) => {
            config::print(&load(settings, vec![])?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(args) => crate::demo::run(settings, &args),
        Command::Load(args) => load::run(settings, &args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "semel", &mut script);
            crate::output::result(String::from_utf8_lossy(&script).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Health { url } => health::run(settings, url.as_deref()),
    }
}

/// The settings, from everywhere.
pub(crate) fn load(
    settings: &SettingsArgs,
    flags: Vec<(&'static str, String)>,
) -> Result<Config, Failure> {
    let data_dir = settings.data_dir.clone().map(|value| ("data_dir", value));
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let sources = Sources {
        file: settings.config.clone(),
        environment: environment.collect(),
        flags: data_dir.into_iter().chain(flags).collect(),
    };
    Config::load(sources).map_err(|error| Failure::new(error.to_string()))
}

fn serve_flags(args: ServeArgs) -> Vec<(&'static str, String)> {
    let flags = [
        ("listen", args.listen),
        ("metrics_listen", args.metrics_listen),
        ("log_format", args.log_format),
        ("log_filter", args.log_filter),
    ];
    flags
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn database_flag(args: DatabaseArgs) -> Vec<(&'static str, String)> {
    let url = args.database_url.map(|url| ("database_url", url));
    url.into_iter().collect()
}

/// Runs what is async to its end, on one thread: for commands that do one thing.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    Ok(runtime.block_on(work))
}
