//! `make cluster`: several servers with all that they need, to look at and to break.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this program talks to whoever runs it"
)]
#![expect(clippy::doc_markdown, reason = "the text of --help has no marks")]

mod orders;

use std::{
    collections::HashMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use clap::Parser;
use semel_services::{Affinity, Algorithm, Balance, Balancer};
use semel_testkit::{
    SECRET, binary,
    cluster::{Cluster, Plan},
    token,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::block_in_place,
};

use crate::orders::{Order, orders};

/// How many people get a token.
const PEOPLE: usize = 3;

/// Starts several servers on one PostgreSQL database, with Redis between them and HAProxy in front, fills them with a real
/// chat log, and tells how to look at them and what to break. Ctrl-C ends all of it.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  make cluster                                       three servers
  make cluster CLUSTER='--servers 2 --standby'       two, and a standby that takes part in every commit
  make cluster CLUSTER='--without-redis'             they find each other's messages in the database")]
struct Options {
    /// How many servers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    servers: u8,
    /// Let nothing count as stored before a standby of PostgreSQL has it
    #[arg(long)]
    standby: bool,
    /// Start no Redis
    #[arg(long)]
    without_redis: bool,
    /// IRC log whose people and words to fill it with
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Lines of it
    #[arg(long, default_value_t = 150)]
    lines: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let source = error.source().map(|source| format!(": {source}"));
            eprintln!("error: {error}{}", source.unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let directory = tempfile::tempdir()?;
    let plan = Plan {
        servers: options.servers.into(),
        synchronous_standby: options.standby,
        redis: !options.without_redis,
        balancer: Some(Balance {
            algorithm: Algorithm::LeastConnections,
            affinity: Affinity::Cookie,
        }),
        ..Plan::default()
    };
    let tell = |what: &str| println!("starting {what} …");
    let mut cluster = Cluster::start_in(directory.path(), plan, tell).await?;
    let front = cluster.balancer.as_ref().map(Balancer::url);
    let front = front.unwrap_or_default();
    println!("filling it with a chat log …");
    let log = match &options.log {
        Some(log) => log.clone(),
        None => shipped_log()?,
    };
    block_in_place(|| fill(&log, options.lines, &front))?;
    show(&cluster, &front, &speakers(&log, options.lines)?);
    println!("Ready after {:.0} s.", started.elapsed().as_secs_f64());
    let mut orders = orders();
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hang_up.recv() => break,
            Some(order) = orders.recv() => follow(&mut cluster, order),
        }
    }
    println!("\nEnding everything …");
    block_in_place(|| drop(cluster));
    println!("Nothing is left.");
    Ok(())
}

/// Plays a log through the balancer, as `semel demo` does.
fn fill(log: &Path, lines: usize, front: &str) -> Result<(), Box<dyn Error>> {
    let mut demo = Command::new(binary());
    demo.arg("demo")
        .arg(log)
        .args(["--url", front, "--max-lines"]);
    let status = demo
        .arg(lines.to_string())
        .env("JWT_SECRET_KEY", SECRET)
        // What names the program is no setting of it.
        .env_remove("SEMEL_BINARY")
        .status()?;
    if !status.success() {
        return Err(format!("the log was not played: `semel demo` ended with {status}").into());
    }
    Ok(())
}

/// The first of the logs that come with the program.
fn shipped_log() -> Result<PathBuf, Box<dyn Error>> {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/testdata/ubuntu-irc");
    let mut found = Vec::new();
    for entry in fs::read_dir(&logs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "txt") {
            found.push(path);
        }
    }
    found.sort();
    let first = found.into_iter().next();
    first.ok_or_else(|| format!("no log is in {}", logs.display()).into())
}

/// Those who say most, as `semel demo` names them.
fn speakers(log: &Path, lines: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let text = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for line in text.lines().take(lines) {
        let said = line
            .split_once("] <")
            .and_then(|(_, rest)| rest.split_once('>'));
        if let Some((nick, _)) = said {
            *counts
                .entry(format!("irc-{}", nick.to_lowercase()))
                .or_default() += 1;
        }
    }
    let mut names: Vec<_> = counts.into_iter().collect();
    names.sort_by(|(a, some), (b, more)| more.cmp(some).then_with(|| a.cmp(b)));
    Ok(names
        .into_iter()
        .take(PEOPLE)
        .map(|(name, _)| name)
        .collect())
}

fn show(cluster: &Cluster, front: &str, people: &[String]) {
    println!(
        "\nOpen {front} in several browser profiles and paste a token, or open one of these:\n"
    );
    for name in people {
        println!("  {name}\n    {front}/#token={}\n", token(name));
    }
    for (number, server) in (1..).zip(&cluster.servers) {
        println!(
            "server {number}    {}   pid {}",
            server.address,
            server.pid()
        );
    }
    println!("PostgreSQL  {}", cluster.postgres.url("semel"));
    if let Some(standby) = &cluster.standby {
        println!("standby     {}", standby.url("semel"));
    }
    if let Some(redis) = &cluster.redis {
        println!("Redis       {}", redis.url());
    }
    println!("\nWrite on both sides, and meanwhile try one of these (type it, then Enter):\n");
    println!("  {}\n\nCtrl-C ends everything.", Order::HELP.join("\n  "));
}

fn follow(cluster: &mut Cluster, order: Result<Order, String>) {
    let done = order.and_then(|order| block_in_place(|| order.follow(cluster)));
    match done {
        Ok(told) => println!("{told}"),
        Err(why) => println!("{why}"),
    }
}
