//! The benchmark: the built server, driven from outside over Socket.IO by a generator that shares the machine with it.
//!
//! Everything runs on one thread here, and nothing that arrives is parsed where a look at the text is enough: what the
//! generator takes, the server does not have.

#![expect(
    clippy::cast_precision_loss,
    reason = "measures have few digits that mean something"
)]

mod bare;
mod fan_out;
mod idle;
mod load;
mod report;
mod syncs;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use report::Report;
use semel_testkit::{Semel, binary};

/// Senders of the main load, each in a thread of two.
const SENDERS: usize = 50;
/// Messages a second of the gentle load.
const GENTLE_PER_SECOND: u32 = 500;
/// People of the large group.
const CROWD: usize = 100;
/// Connections that do nothing.
const IDLE_CONNECTIONS: usize = 2_000;

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
    idle::connections(IDLE_CONNECTIONS, &mut report).await?;

    let directory = tempfile::tempdir()?;
    let server = Semel::start(binary(), directory.path())?;
    report::note("one sender …");
    let alone = load::closed_loop(&server, 1, short).await?;
    report.micros("unloaded_ack_p50", alone.latency.value_at_quantile(0.5));
    report::note("50 senders …");
    let full = load::closed_loop(&server, SENDERS, duration).await?;
    report.count("messages_per_second", full.per_second());
    for (name, quantile) in [("ack_p50", 0.5), ("ack_p99", 0.99), ("ack_p99_9", 0.999)] {
        report.micros(name, full.latency.value_at_quantile(quantile));
    }
    report.count(
        "received_per_second",
        full.received as f64 / full.elapsed.as_secs_f64(),
    );
    report::note("fsyncs …");
    syncs::per_message(&server, SENDERS, short, &mut report).await?;
    report::note("500 messages a second …");
    let gentle = load::open_loop(&server, SENDERS, GENTLE_PER_SECOND, duration).await?;
    report.micros("screen_p50", gentle.value_at_quantile(0.5));
    report.micros("screen_p99", gentle.value_at_quantile(0.99));
    report::note("a group of 100 …");
    fan_out::deliveries(&server, CROWD, duration, &mut report).await?;
    drop(server);

    report::note("SQLite alone …");
    bare::insert_rates(short, &mut report)?;
    report.print();
    match &options.json {
        Some(path) => Ok(report.write_json(path)?),
        None => Ok(()),
    }
}
