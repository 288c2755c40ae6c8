//! `semel demo`: a real IRC log, replayed by as many real clients as it has people, with faults put in; then a look
//! whether everything is there once and everybody saw the same.

mod check;
mod dice;
mod log;
mod person;
mod play;
mod script;
mod speak;
mod tally;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use semel_client::Counts;
use semel_server::{
    config::Config,
    serve,
    world::{SystemClock, SystemEntropy},
};

use self::{check::Findings, dice::Dice, play::Stage, script::Script, tally::Tally};
use crate::{
    args::SettingsArgs,
    commands::{Failure, Outcome, load},
    output,
};

/// Flags of `demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// IRC log: lines like `[HH:MM] <nick> text` and `=== nick [host] has joined #channel`
    pub(crate) file: PathBuf,
    /// Server to use; its tokens are signed as `semel token` does [default: a server of its own, in a temporary
    /// directory]
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Lines a second [default: as fast as they are acknowledged]
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) speed: Option<u32>,
    /// Chooses where faults are put in
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How much of what is said goes wrong on the way: repeats, lost answers, broken connections
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) faults: u8,
    /// Lines to read
    #[arg(long, value_name = "LINES")]
    pub(crate) max_lines: Option<usize>,
}

/// Replays a log. Exit status 0 when everybody saw the same log with everything in it once, 1 otherwise.
pub(crate) fn run(settings: &SettingsArgs, args: &DemoArgs) -> Outcome {
    let name = args.file.display();
    let bytes = std::fs::read(&args.file)
        .map_err(|error| Failure::because(format!("cannot read {name}"), &error))?;
    let mut lines = log::parse(&bytes);
    lines.truncate(args.max_lines.unwrap_or(usize::MAX));
    let script = script::write(&lines, &mut Dice::new(args.seed), args.faults);
    if script.founders.len() < 2 {
        return Err(Failure::new(format!(
            "{name} has no two people; is it an IRC log?"
        )));
    }
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    runtime.block_on(perform(settings, args, &script))
}

async fn perform(settings: &SettingsArgs, args: &DemoArgs, script: &Script) -> Outcome {
    let Some(url) = &args.url else {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::because("cannot make a temporary directory", &error))?;
        let config = Config::for_directory(directory.path());
        let server = serve::start(config.clone())
            .await
            .map_err(|error| Failure::because("cannot start a server", &error))?;
        let url = server.url();
        let outcome = replay(&url, &config, args, script).await;
        server.stop().await;
        return outcome;
    };
    replay(url, &load(settings, vec![])?, args, script).await
}

async fn replay(url: &str, config: &Config, args: &DemoArgs, script: &Script) -> Outcome {
    let stage = Stage {
        address: url
            .parse()
            .map_err(|error| Failure::because(format!("`{url}` cannot be used"), &error))?,
        tokens: serve::tokens(config)
            .map_err(|error| Failure::because("cannot read or make the signing secret", &error))?,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        tally: Arc::new(Tally::default()),
    };
    let bar = progress_bar(script.says() as u64);
    let ticks = bar.clone();
    let started = tokio::time::Instant::now();
    let played = play::play(&stage, script, args.speed, move || ticks.inc(1)).await?;
    let took = started.elapsed();
    bar.set_message("comparing what everybody saw");
    let findings = check::check(&played, &stage.tally)
        .await
        .map_err(|error| Failure::because("cannot read the log back", &error))?;
    bar.finish_and_clear();
    let counts: Vec<Counts> = played
        .people
        .values()
        .map(|one| one.session.counts())
        .collect();
    print_summary(script, &stage.tally, &counts, &findings, took);
    let all_is_well = findings.complaints.is_empty();
    Ok(if all_is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn progress_bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} lines, {per_sec} {msg}");
    let bar = ProgressBar::new(length);
    bar.set_style(style.expect("the template is valid"));
    bar
}

fn print_summary(
    script: &Script,
    tally: &Tally,
    counts: &[Counts],
    findings: &Findings,
    took: Duration,
) {
    let sum = |of: fn(&Counts) -> u64| counts.iter().map(of).sum::<u64>();
    let socket_attempts = sum(|one| one.attempts);
    let http_attempts = tally::read(&tally.http_attempts);
    let reconnects = sum(|one| one.connections).saturating_sub(counts.len() as u64);
    let row = |what: &str, value: String| output::result(format_args!("{what:<38}{value}"));
    row(
        "lines read",
        format!("{} ({} without words)", script.lines, script.skipped),
    );
    row("people, each a Socket.IO client", counts.len().to_string());
    row("threads", findings.threads.to_string());
    row(
        "messages acknowledged",
        tally.acknowledged().len().to_string(),
    );
    row(
        "attempts",
        format!("{socket_attempts} by socket, {http_attempts} by HTTP"),
    );
    row("messages stored", findings.stored.to_string());
    row("entries delivered", findings.delivered.to_string());
    row(
        "repeats absorbed by client id",
        tally::read(&tally.absorbed_by_client_id).to_string(),
    );
    row(
        "repeats absorbed by idempotency key",
        tally::read(&tally.absorbed_by_key).to_string(),
    );
    row(
        "conversations found, not made",
        tally::read(&tally.absorbed_by_people).to_string(),
    );
    row(
        "repeated entries ignored by clients",
        sum(|one| one.repeats).to_string(),
    );
    row(
        "gaps fetched by clients",
        sum(|one| one.fetches).to_string(),
    );
    row("broken connections, all back", reconnects.to_string());
    row("time", format!("{:.1} s", took.as_secs_f64()));
    for complaint in &findings.complaints {
        output::result(format_args!("WRONG  {complaint}"));
    }
    let verdict = if findings.complaints.is_empty() {
        "Every message is there once, in order, and every client saw the same log."
    } else {
        "Not everything is as it should be."
    };
    output::result(verdict);
}
