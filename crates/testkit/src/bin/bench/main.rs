//! The benchmark: the built server, loaded from outside by the scenarios of `semel load`, and what only somebody sees who
//! started the process: its start, its memory, its fsyncs.
//!
//! The generator shares the machine with the server and runs on one thread: what it takes, the server does not have.

#![expect(
    clippy::cast_precision_loss,
    reason = "measures have few digits that mean something"
)]

mod idle;
mod load;
mod report;
mod syncs;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use load::{Server, plan};
use report::Report;
use semel_backends::sqlite::bare_insert_rate;
use semel_load::scenario::{Rate, Scenario, Summary, Times};

/// Senders of the main load, each in a thread of two.
const SENDERS: usize = 50;
/// Messages a second of the gentle load.
const GENTLE_PER_SECOND: u32 = 500;
/// People of the large group.
const CROWD: usize = 100;
/// Connections that do nothing.
const IDLE_CONNECTIONS: usize = 2_000;
/// Messages in a transaction of the database engine alone.
const BARE_BATCHES: [(&str, u32); 3] = [
    ("bare_batch_1", 1),
    ("bare_batch_32", 32),
    ("bare_batch_256", 256),
];

const USAGE: &str = "usage: bench [--seconds N] [--json FILE]";

struct Options {
    seconds: u64,
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        report::note(USAGE);
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::note(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn options() -> Option<Options> {
    let mut options = Options {
        seconds: 10,
        json: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => options.seconds = arguments.next()?.parse().ok()?,
            "--json" => options.json = Some(arguments.next()?.into()),
            _ => return None,
        }
    }
    Some(options)
}

async fn run(options: &Options) -> load::Result<()> {
    let duration = Duration::from_secs(options.seconds);
    let short = duration.min(Duration::from_secs(4));
    let mut report = Report::default();

    report::note("start and memory at rest …");
    idle::at_rest(&mut report)?;
    report::note("memory of idle connections …");
    let rest = plan(
        Scenario::Idle,
        Rate::PerSecond(0),
        IDLE_CONNECTIONS,
        Duration::ZERO,
    );
    let rest = Server::start()?.load(&rest).await?;
    for name in ["connection_kib", "connects_per_second"] {
        report.count(name, measure(&rest, name)?);
    }

    report::note("one sender …");
    let server = Server::start()?;
    let alone = server
        .load(&plan(Scenario::Pairs, Rate::Max, 2, short))
        .await?;
    report.micros("unloaded_ack_p50", times(&alone, "ack")?.p50);
    report::note("50 senders …");
    let full = plan(Scenario::Pairs, Rate::Max, 2 * SENDERS, duration);
    let loaded = server.load(&full).await?;
    report.count("messages_per_second", loaded.achieved.done_per_second);
    let ack = times(&loaded, "ack")?;
    report.micros("ack_p50", ack.p50);
    report.micros("ack_p99", ack.p99);
    report.micros("ack_p99_9", ack.p99_9);
    report.count(
        "deliveries_of_pairs",
        measure(&loaded, "deliveries_per_second")?,
    );
    report::note("fsyncs …");
    let again = plan(Scenario::Pairs, Rate::Max, 2 * SENDERS, short);
    syncs::per_message(&server, &again, &mut report).await?;
    report::note("500 messages a second …");
    let gentle = Rate::PerSecond(GENTLE_PER_SECOND);
    let gentle = server
        .load(&plan(Scenario::Pairs, gentle, 2 * SENDERS, duration))
        .await?;
    let screen = times(&gentle, "screen")?;
    report.micros("screen_p50", screen.p50);
    report.micros("screen_p99", screen.p99);
    report::note("a group of 100 …");
    let crowd = server
        .load(&plan(Scenario::Group100, Rate::Max, CROWD, duration))
        .await?;
    report.count(
        "deliveries_per_second",
        measure(&crowd, "deliveries_per_second")?,
    );
    report.micros("group_ack_p99", times(&crowd, "ack")?.p99);
    drop(server);

    report::note("SQLite alone …");
    for (name, batch) in BARE_BATCHES {
        let directory = tempfile::tempdir()?;
        report.count(name, bare_insert_rate(directory.path(), batch, short)?);
    }
    report.print();
    match &options.json {
        Some(path) => Ok(report.write_json(path)?),
        None => Ok(()),
    }
}

fn measure(summary: &Summary, name: &str) -> load::Result<f64> {
    let found = summary.measure(name);
    found.ok_or_else(|| format!("{} did not measure {name}", summary.scenario).into())
}

fn times<'a>(summary: &'a Summary, name: &str) -> load::Result<&'a Times> {
    let found = summary.times_us.get(name);
    found.ok_or_else(|| format!("{} did not time {name}", summary.scenario).into())
}
