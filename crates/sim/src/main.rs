//! `simulate`: many seeds, on all cores; or one seed, told line by line.

mod report;
mod sabotage;

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use report::Summary;
use semel_sim::{Options, run};

/// Runs that are told in full when something is broken; the others are counted.
const TOLD_MAX: usize = 10;

/// So many seeds must show everything that should sometimes happen.
const SEEDS_TELLING: u64 = 200;

/// Runs the whole of Semel under a seeded scheduler, with faults, and judges what clients saw.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Begin no more seeds after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Run this seed alone, twice, and compare.
    #[arg(long)]
    seed: Option<u64>,
    /// Tell what happens, line by line. With --seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Give the server or the clients this defect, to see it found (names as in `semel-sabotage`).
    #[arg(long)]
    sabotage: Option<semel_sabotage::Defect>,
    /// Give it every defect, one after the other, each until it is found or so many seeds have not found it.
    #[arg(long, value_name = "SEEDS", conflicts_with_all = ["seed", "sabotage"])]
    every_defect: Option<u64>,
    /// Go on after a broken invariant.
    #[arg(long)]
    keep_going: bool,
    /// Write the report for programs to this file.
    #[arg(long)]
    report: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    semel_sabotage::choose(args.sabotage);
    match (args.seed, args.every_defect) {
        (Some(seed), _) => one(seed, args.trace),
        (None, Some(seeds)) => sabotage::find_every_defect(seeds, args.report.as_deref()),
        (None, None) => many(&args),
    }
}

/// Replays a seed.
#[expect(clippy::print_stdout, reason = "a program tells what it found")]
fn one(seed: u64, is_told: bool) -> ExitCode {
    let outcome = run(seed, &Options { is_told });
    for line in &outcome.lines {
        println!("{line}");
    }
    let again = run(seed, &Options::default());
    println!(
        "seed {seed}: {} operations in {:?} of simulated time, hash {:016x}",
        outcome.operations, outcome.time, outcome.hash
    );
    if again.hash != outcome.hash {
        println!(
            "the second run has hash {:016x}: the simulation is broken",
            again.hash
        );
        return ExitCode::from(2);
    }
    if outcome.violations.is_empty() {
        return ExitCode::SUCCESS;
    }
    let options = semel_check::Options::expecting(vec![]);
    let judged = semel_check::check_events(&outcome.history, options);
    println!("{judged}");
    for violation in &outcome.violations {
        println!("BROKEN {violation}");
    }
    ExitCode::FAILURE
}

/// Runs many seeds, one thread for each core.
#[expect(clippy::print_stdout, reason = "a program tells what it found")]
fn many(args: &Args) -> ExitCode {
    let begin = Instant::now();
    let bar = ProgressBar::new(args.seeds);
    let style = "{bar:32} {pos}/{len} seeds, {per_sec}, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let summary = Mutex::new(Summary::new());
    let work = || {
        while !is_over.load(Relaxed) {
            let place = next.fetch_add(1, Relaxed);
            let is_late = args
                .seconds
                .is_some_and(|seconds| begin.elapsed() >= Duration::from_secs(seconds));
            if place >= args.seeds || is_late {
                return;
            }
            let outcome = run(args.from + place, &Options::default());
            let is_broken = !outcome.violations.is_empty();
            let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
            summary.add(&outcome);
            if is_broken && summary.broken.len() <= TOLD_MAX {
                bar.suspend(|| println!("{}", report::broken(&outcome)));
            }
            if is_broken && !args.keep_going {
                is_over.store(true, Relaxed);
            }
            bar.inc(1);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
    bar.finish_and_clear();
    let summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{}", summary.text(begin.elapsed()));
    if let Some(path) = &args.report
        && let Err(error) = summary.write(path, begin.elapsed())
    {
        println!("cannot write {}: {error}", path.display());
        return ExitCode::from(2);
    }
    if !summary.broken.is_empty() {
        ExitCode::FAILURE
    } else if args.seeds >= SEEDS_TELLING && !summary.never().is_empty() {
        // Many runs in which something never happened say nothing about it.
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
