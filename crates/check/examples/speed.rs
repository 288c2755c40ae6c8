//! How fast the checker is: writes a good history of about ten million events to a file, then reads and checks it.
//!
//! `cargo run --release -p semel-check --example speed [EVENTS] [trouble]`: with `trouble`, everything goes wrong that
//! the model knows, in a few long threads.

use std::{
    io::{Write, stdout},
    time::Instant,
};

use semel_check::{
    Options, Verdict, check_file,
    history::{self, Header},
    model::{self, Plan},
};

/// Of the model: four events to a call, two final readers, four devices.
const EVENTS_PER_CALL: u64 = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trouble = std::env::args()
        .nth(2)
        .is_some_and(|text| text == "trouble");
    let wanted = std::env::args()
        .nth(1)
        .map_or(Ok(10_000_000), |text| text.parse::<u64>())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("history");
    let plan = Plan {
        calls: wanted / EVENTS_PER_CALL,
        people: 2,
        threads: if trouble { 4 } else { 100 },
        trouble,
        ..Plan::small(1)
    };
    let mut writer = history::create(&path, &Header::default())?;
    let mut result = Ok(());
    model::write(&plan, |event| {
        if result.is_ok() {
            result = writer.write(&event);
        }
    });
    result?;
    writer.finish()?;
    let begin = Instant::now();
    let report = check_file(&path, Options::load())?;
    let took = begin.elapsed();
    assert_eq!(report.verdict(), Verdict::Passed, "{report}");
    let per_second = u128::from(report.events) * 1_000 / took.as_millis().max(1);
    writeln!(
        stdout(),
        "{} events in {took:.2?}: {per_second} per second",
        report.events
    )?;
    Ok(())
}
