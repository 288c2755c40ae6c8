//! Checks files.

use std::{error::Error, io::Write, path::Path};

use crate::{
    Checker, Event, Options, Report,
    explain::Collector,
    history::{self, HistoryError, Reader},
};

/// Exit code for a history that cannot be read.
const UNREADABLE: u8 = 3;

/// Checks a file of either form. A second pass collects the time lines of violations, if there are any.
pub fn check_file(path: &Path, options: Options) -> Result<Report, HistoryError> {
    let mut checker = Checker::new(options);
    for event in Reader::open(path)? {
        checker.push(event?);
    }
    let mut report = checker.finish();
    if !report.violations.is_empty() {
        let mut collector = Collector::new(&mut report);
        for event in Reader::open(path)? {
            collector.push(&event?);
        }
        collector.finish();
    }
    Ok(report)
}

/// Checks events that are in memory.
pub fn check_events(events: &[Event], options: Options) -> Report {
    let mut checker = Checker::new(options);
    for event in events {
        checker.push(*event);
    }
    let mut report = checker.finish();
    let mut collector = Collector::new(&mut report);
    for event in events {
        collector.push(event);
    }
    collector.finish();
    report
}

/// The command `semel check FILE`: prints what was found, and how to run it again. What the run must have shown is
/// `expect` as [`Options::parse`] reads it; left out, the header's option `expect`; without it, everything. With
/// `lines`, prints the history as JSON lines instead. Returns the exit code: 0 passed, 1 violated, 2 invalid, 3
/// unreadable.
pub fn run_cli(path: &Path, expect: Option<&str>, lines: bool, output: &mut dyn Write) -> u8 {
    let result = if lines {
        print_lines(path, output).map(|()| 0)
    } else {
        print_report(path, expect, output)
    };
    result.unwrap_or_else(|error| {
        let mut text = format!("failed to check {}: {error}", path.display());
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        // Nothing is left to do when even this cannot be printed: the exit code says it.
        let _ = writeln!(output, "{text}");
        UNREADABLE
    })
}

fn print_report(
    path: &Path,
    expect: Option<&str>,
    output: &mut dyn Write,
) -> Result<u8, HistoryError> {
    let header = Reader::open(path)?.header().clone();
    let expect = expect.or_else(|| header.options.get("expect").map(String::as_str));
    let options = Options::parse(expect.unwrap_or("faults")).map_err(HistoryError::Expect)?;
    let report = check_file(path, options)?;
    write!(output, "{report}")?;
    writeln!(output, "seed {}, commit {}", header.seed, header.commit)?;
    if !header.command.is_empty() {
        writeln!(output, "run it again: {}", header.command)?;
    }
    Ok(report.exit_code())
}

fn print_lines(path: &Path, output: &mut dyn Write) -> Result<(), HistoryError> {
    let mut reader = Reader::open(path)?;
    let mut writer = history::LinesWriter::new(output, reader.header())?;
    for event in &mut reader {
        writer.write(&event?)?;
    }
    writer.finish()?;
    Ok(())
}
