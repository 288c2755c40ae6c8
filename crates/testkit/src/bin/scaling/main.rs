//! How cost grows with servers, threads, members and connections: the same load on `SQLite` and on one, two and three
//! servers of one `PostgreSQL` database, in one go.
//!
//! The generator and everything that it loads share the machine. So what a message costs is told as processor time, by who
//! took it; how fast it went is told beside it.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures have few digits that mean something"
)]

mod cost;
mod document;
mod figures;
mod growth;
mod load;
mod metrics;
mod reckon;
mod rig;
mod share;
mod still;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use figures::Figures;
use rig::{Engine, Services};
use semel_load::commit;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measure how cost grows, and write the tables of docs/SCALING.md.
#[derive(Clone, Debug, Parser)]
#[command(name = "scaling")]
struct Options {
    /// Seconds of each load
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Servers at most
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=8))]
    servers: u8,
    /// Where the figures go
    #[arg(long, default_value = "target/scaling.json", value_name = "FILE")]
    report: PathBuf,
    /// Where the tables go
    #[arg(long, default_value = document::PATH, value_name = "FILE")]
    document: PathBuf,
    /// Measure nothing: write the tables anew from the figures of the last time
    #[arg(long)]
    again: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match measured(&options).and_then(|(figures, commit)| written(&options, &figures, &commit)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("scaling: {}", chain(&*error)));
            ExitCode::FAILURE
        }
    }
}

fn measured(options: &Options) -> Result<(Figures, String)> {
    if options.again {
        return Figures::read(&options.report);
    }
    // The tree may be another one when it ends.
    let commit = commit();
    raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok((runtime.block_on(measure(options))?, commit))
}

fn written(options: &Options, figures: &Figures, commit: &str) -> Result<()> {
    if !options.again {
        figures.write(&options.report, commit)?;
    }
    for table in document::tables(figures, commit) {
        line(&table.text);
    }
    document::write(&options.document, figures, commit)
}

async fn measure(options: &Options) -> Result<Figures> {
    let time = Duration::from_secs(options.seconds);
    let servers = usize::from(options.servers);
    let mut figures = Figures::default();
    note("starting PostgreSQL and Redis …");
    let services = Services::start()?;
    let services = Some(&services);
    let engines = || {
        [Engine::Sqlite]
            .into_iter()
            .chain((1..=servers).map(Engine::Postgres))
    };
    for engine in engines() {
        note(&format!("load: {} …", engine.text()));
        growth::measure(&mut figures, engine, services, time).await?;
    }
    for engine in [Engine::Sqlite, Engine::Postgres(servers)] {
        note(&format!("connections: {} …", engine.text()));
        still::connections(&mut figures, engine, services, time).await?;
    }
    if let Some(services) = services {
        match growth::shares(servers) {
            Ok(shares) => {
                for count in 1..=servers {
                    note(&format!(
                        "load, each server held to a share of a core: {count} …"
                    ));
                    growth::held(&mut figures, &shares[..count], services, time).await?;
                }
            }
            Err(error) => note(&format!(
                "servers cannot be held to a share of a core here: {error}"
            )),
        }
        note("looking for what other servers did …");
        still::looks(&mut figures, services, servers, time).await?;
    }
    let cores = std::thread::available_parallelism()?.get();
    figures.set("machine.cores", cores as f64);
    figures.set("asked.seconds", time.as_secs_f64());
    figures.set("asked.servers", servers as f64);
    Ok(figures)
}

fn raise_file_limit() -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A line of the result.
#[expect(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn line(text: &str) {
    println!("{text}");
}

/// What is going on.
#[expect(clippy::print_stderr, reason = "progress goes beside the result")]
fn note(text: &str) {
    eprintln!("{text}");
}
