//! Campaigns of faults against the built server, each run judged by the checker.
//!
//! Exit status: 0 everything passed, 1 something was violated, 2 the harness could not do its work, 3 nothing was violated,
//! but a run did not show what it is there for, so that it proves nothing.

mod options;
mod report;
mod screen;

use std::{fs, io, process::ExitCode};

use clap::Parser;
use options::{Options, Target};
use report::Tally;
use screen::Screen;
use semel_testkit::{
    binary,
    campaign::{Campaign, Outcome, Run},
    faults::StageError,
    schedule::Schedule,
    skip,
};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};

/// Exit status when the harness could not do its work.
const COULD_NOT_RUN: u8 = 2;
/// Exit status when a run proved nothing.
const PROVED_NOTHING: u8 = 3;
/// Runs of a campaign that may prove nothing before it is given up.
const INVALID_RUNS_MAX: u64 = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.print {
        for (campaign, target) in options.targets() {
            for seed in (options.seed..).take(target.runs as usize) {
                let schedule = Schedule::from_seed(seed, &campaign.mix(), options.duration());
                screen::say(&format!("{campaign} {seed}:\n{schedule}"));
            }
        }
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime.and_then(|runtime| runtime.block_on(run_or_stop(&options)));
    match done {
        Ok(tallies) if tallies.iter().any(|tally| tally.violations > 0) => ExitCode::FAILURE,
        Ok(tallies) if tallies.iter().any(|tally| tally.invalid > 0) => {
            ExitCode::from(PROVED_NOTHING)
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            screen::say(&format!("faults: {error}"));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// Ctrl-C and SIGTERM end it, and what was mounted and started with it.
async fn run_or_stop(options: &Options) -> io::Result<Vec<Tally>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let stopped = || io::Error::new(io::ErrorKind::Interrupted, "stopped");
    tokio::select! {
        done = run_all(options) => done,
        asked = ctrl_c() => Err(asked.err().unwrap_or_else(stopped)),
        _ = terminated.recv() => Err(stopped()),
    }
}

/// What the campaigns came to.
async fn run_all(options: &Options) -> io::Result<Vec<Tally>> {
    fs::create_dir_all(&options.reports)?;
    // Built first: it is not part of any run.
    binary();
    let screen = Screen::new();
    let mut tallies = vec![];
    for (campaign, target) in options.targets() {
        let mut tally = Tally::new(campaign, semel_load::commit());
        run_campaign(options, &mut tally, &target, &screen).await?;
        tally.write(&options.reports)?;
        let has_failed = tally.violations > 0;
        tallies.push(tally);
        if has_failed {
            break;
        }
    }
    let acknowledged: u64 = tallies.iter().map(|tally| tally.acknowledged).sum();
    let is_well = tallies.iter().all(|tally| tally.violations == 0);
    // The rest with power cuts, if they are among them: each one more says most about what is durable.
    let place = tallies
        .iter()
        .position(|tally| tally.campaign == Campaign::Power);
    let place = place.or_else(|| tallies.len().checked_sub(1));
    if let Some(place) = place
        && is_well
        && acknowledged < options.until_acknowledged
    {
        let tally = &mut tallies[place];
        let target = Target {
            acknowledged: tally.acknowledged + options.until_acknowledged - acknowledged,
            ..Target::default()
        };
        run_campaign(options, tally, &target, &screen).await?;
        tally.write(&options.reports)?;
    }
    screen::table(&tallies);
    Ok(tallies)
}

/// Runs until the target is reached, or something is violated.
async fn run_campaign(
    options: &Options,
    tally: &mut Tally,
    target: &Target,
    screen: &Screen,
) -> io::Result<()> {
    let campaign = tally.campaign;
    while !target.is_reached(tally) && tally.invalid < INVALID_RUNS_MAX {
        let seed = options.seed + tally.runs();
        let run = Run {
            campaign,
            seed,
            duration: options.duration(),
            plan: options.plan(campaign).plan(seed),
            binary: binary().to_owned(),
            scratch: options.scratch(),
            keep: options.keep.clone(),
            command: options.command(campaign, seed),
            commit: tally.commit.clone(),
            is_lying: options.lying_disk,
            bounds: 1,
            limit: Run::limit_of(options.duration()),
        };
        let bar = screen.run(campaign, seed, tally.progress(target));
        let outcome = match run.run(&|progress| bar.show(&progress)).await {
            Ok(outcome) => outcome,
            Err(StageError::Missing(missing)) => {
                drop(bar);
                skip(missing.part, &missing.reason);
                return Ok(());
            }
            Err(StageError::Io(error)) => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("{}: {error}", run.command),
                ));
            }
        };
        drop(bar);
        tally.take(seed, &outcome);
        screen::run(campaign, seed, &outcome);
        if let Outcome {
            failure: Some(failure),
            kept: Some(kept),
            ..
        } = &outcome
        {
            screen::say(&format!("{failure}\nKept in {}", kept.display()));
            screen::say(&format!("Run it again: {}", run.command));
            if !outcome.is_invalid {
                tally.violations = tally.violations.max(1);
                break;
            }
        }
    }
    Ok(())
}
