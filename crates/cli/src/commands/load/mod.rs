//! `semel load`: load by name on a server of its own or on one that runs, summed up, and judged if asked to.

mod judge;
mod progress;
mod report;
mod server;

use std::{process::ExitCode, sync::Arc, time::Duration};

use semel_backends::sqlite;
use semel_client::{Address, ConnectError};
use semel_core::ports::Entropy as _;
use semel_load::{
    Sign,
    scenario::{self, LoadError, Plan, Rate, Scenario, Tally, Target},
};
use semel_protocol::{Timestamp, UserId};
use semel_server::{
    auth::{Caller, Scope, Tokens},
    serve,
    world::{SystemClock, SystemEntropy},
};

use self::{judge::Judge, progress::Progress, report::Report, server::Server};
use super::{Failure, Outcome, load, serve::raise_file_limit};
use crate::args::{LoadArgs, SettingsArgs};

/// How long the tokens of a run are valid, in milliseconds.
const TOKEN_MILLIS: i64 = 24 * 60 * 60 * 1_000;
/// Messages per transaction of the comparison with `SQLite` alone.
const BARE_BATCHES: [u32; 3] = [1, 32, 256];
/// Seconds of each of its measurements.
const BARE_SECONDS: u64 = 2;
/// Exit status of a program that was interrupted, as shells tell it.
const INTERRUPTED: u8 = 130;

/// Loads a server. Exit status 0 when the server did what it must, 1 otherwise.
pub(crate) fn run(settings: &SettingsArgs, args: &LoadArgs) -> Outcome {
    let plans = plans(args)?;
    check_files(&plans)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    runtime.block_on(async {
        tokio::select! {
            done = run_all(settings, args, &plans) => done,
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(INTERRUPTED)),
        }
    })
}

fn plans(args: &LoadArgs) -> Result<Vec<Plan>, Failure> {
    let scenarios = args.scenarios();
    let is_one = scenarios.len() == 1;
    let plan = |scenario: Scenario| {
        let mut plan = Plan::of(scenario, Duration::from_secs(args.duration), args.seed);
        match args.rate {
            // In a list, those that are open loops only stay so.
            Some(Rate::Max) if !is_one && !plan.may_be_closed() => {}
            Some(rate) => plan.rate = rate,
            None => {}
        }
        plan.connections = args.connections.unwrap_or(plan.connections);
        plan
    };
    let plans: Vec<Plan> = scenarios.into_iter().map(plan).collect();
    if args.check && plans.iter().all(|plan| plan.scenario == Scenario::Idle) {
        return Err(Failure::new(
            "nothing happens in `idle`: there is nothing for --check to judge",
        ));
    }
    Ok(plans)
}

/// Whether there are enough files for the connections: better said now than by the first one that fails.
fn check_files(plans: &[Plan]) -> Result<(), Failure> {
    let allowed = raise_file_limit();
    let needed = plans.iter().map(Plan::files).max().unwrap_or(0) as u64;
    if allowed.is_none_or(|allowed| needed <= allowed) {
        return Ok(());
    }
    let allowed = allowed.unwrap_or_default();
    Err(Failure::new(format!(
        "this needs {needed} open files, and a process here may have {allowed}; raise it (`ulimit -n {needed}`, or \
         LimitNOFILE of a systemd unit), or ask for fewer with --connections"
    )))
}

async fn run_all(settings: &SettingsArgs, args: &LoadArgs, plans: &[Plan]) -> Outcome {
    let mut report = Report::new(&args.url);
    for plan in plans {
        let (target, server) = target(settings, args)?;
        run_one(args, plan, &target, server, &mut report).await?;
    }
    if args.compare_sqlite {
        compare(&mut report)?;
    }
    if let Some(path) = &args.json {
        report.write(path).map_err(|error| {
            Failure::because(format!("cannot write {}", path.display()), &error)
        })?;
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A server of our own, fresh for every scenario, or the one that was named.
fn target(
    settings: &SettingsArgs,
    args: &LoadArgs,
) -> Result<(Target, Option<Arc<Server>>), Failure> {
    let (addresses, tokens, server) = if args.url.is_empty() {
        let server = Server::start()?;
        let tokens = Tokens::new(server.secret().as_bytes(), Arc::new(SystemClock));
        (vec![server.address()], tokens, Some(Arc::new(server)))
    } else {
        (addresses(&args.url)?, tokens(settings, args)?, None)
    };
    let target = Target {
        addresses,
        sign: signer(tokens),
        now: Arc::new(serve::now),
        entropy: SystemEntropy.seed(),
        own: server.clone().map(|server| server as _),
    };
    Ok((target, server))
}

fn addresses(urls: &[String]) -> Result<Vec<Address>, Failure> {
    let address = |url: &String| {
        let parsed = url.parse();
        parsed.map_err(|error| Failure::because(format!("`{url}` cannot be loaded"), &error))
    };
    urls.iter().map(address).collect()
}

fn tokens(settings: &SettingsArgs, args: &LoadArgs) -> Result<Tokens, Failure> {
    if let Some(path) = &args.secret_file {
        let secret = std::fs::read_to_string(path)
            .map_err(|error| Failure::because(format!("cannot read {}", path.display()), &error))?;
        return Ok(Tokens::new(secret.trim().as_bytes(), Arc::new(SystemClock)));
    }
    serve::tokens(&load(settings, vec![])?)
        .map_err(|error| Failure::because("cannot read or make the signing secret", &error))
}

fn signer(tokens: Tokens) -> Sign {
    Arc::new(move |user_id: &UserId| {
        tokens.sign(&Caller {
            user_id: user_id.clone(),
            name: None,
            scope: Scope::Person,
            expires_at: Timestamp(serve::now().0 + TOKEN_MILLIS),
            session_id: None,
            is_verified: false,
        })
    })
}

async fn run_one(
    args: &LoadArgs,
    plan: &Plan,
    target: &Target,
    server: Option<Arc<Server>>,
    report: &mut Report,
) -> Result<(), Failure> {
    let tally = Arc::new(Tally::default());
    let progress = Progress::show(plan.scenario, &tally);
    let is_judged = args.check && plan.scenario != Scenario::Idle;
    let judge = is_judged.then(|| Judge::begin(plan)).transpose()?;
    let recorder = judge.as_ref().map(Judge::recorder);
    let run = scenario::run(target, plan, &tally, recorder).await;
    let run = run.map_err(|error| failed(&error, args))?;
    let verdict = match judge {
        Some(judge) => {
            let written = run.record_end(target, judge.recorder()).await;
            written.map_err(|error| failed(&error, args))?;
            Some(judge.end(server.as_deref())?)
        }
        None => None,
    };
    drop(progress);
    report.add(&run.summary, verdict.as_ref());
    Ok(())
}

/// Says what to do next.
fn failed(error: &LoadError, args: &LoadArgs) -> Failure {
    let advice = match (error, args.url.is_empty()) {
        (LoadError::Connect(_, ConnectError::Refused { .. }), false) => {
            "; does the server take tokens that are signed with this secret? Say --secret-file, or set JWT_SECRET_KEY \
             to the server's"
        }
        (LoadError::Connect(..) | LoadError::Gather(_), false) => {
            "; is the server running there, and may it open so many files? See its log"
        }
        (LoadError::Connect(..) | LoadError::Gather(_), true) => {
            "; ask for fewer with --connections"
        }
        (LoadError::Api(_) | LoadError::Call(_) | LoadError::Finale(_), _)
            if args.url.len() > 1 =>
        {
            "; have all these servers the same database (see database_url in `semel config print`)?"
        }
        _ => "",
    };
    let failure = Failure::because("the run came to nothing: failed to", error);
    Failure::new(format!(
        "{}{advice}",
        failure.message.replace("failed to: ", "failed to ")
    ))
}

fn compare(report: &mut Report) -> Result<(), Failure> {
    for batch in BARE_BATCHES {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::because("cannot make a temporary directory", &error))?;
        let time = Duration::from_secs(BARE_SECONDS);
        let rate = sqlite::bare_insert_rate(directory.path(), batch, time)
            .map_err(|error| Failure::because("cannot measure SQLite", &error))?;
        report.add_bare(batch, rate);
    }
    Ok(())
}
