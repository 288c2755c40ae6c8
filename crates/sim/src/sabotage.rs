//! What the simulation is worth: whether it finds every defect, and how soon.

use std::{fs, io, path::Path, process::ExitCode};

use semel_sabotage::{Defect, choose};
use semel_sim::{Options, run};
use serde_json::{Value, json};

/// Tells of each defect by which seed it was found. Fails if one was not.
#[expect(clippy::print_stdout, reason = "a program tells what it found")]
pub(crate) fn find_every_defect(seeds: u64, report: Option<&Path>) -> ExitCode {
    let (mut lines, mut is_complete) = (Vec::new(), true);
    for defect in Defect::ALL {
        let found = find(*defect, seeds);
        let (caught_by, after) = match &found {
            Some((seed, violation)) => {
                let invariant = violation.split(':').next().unwrap_or_default();
                (format!("simulation: {invariant}"), format!("seed {seed}"))
            }
            None => ("**nothing**".to_owned(), format!("{seeds} seeds")),
        };
        println!("{:22} {caught_by} after {after}", defect.name());
        is_complete &= found.is_some();
        lines.push(json!({ "defect": defect.name(), "caught_by": caught_by, "after": after }));
    }
    if let Some(path) = report
        && let Err(error) = write(path, &lines)
    {
        println!("the report cannot be written: {error}");
        return ExitCode::from(2);
    }
    if is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The first seed that finds a defect, and what it finds.
fn find(defect: Defect, seeds: u64) -> Option<(u64, String)> {
    choose(Some(defect));
    let mut found = (1..=seeds).filter_map(|seed| {
        let violation = run(seed, &Options::default())
            .violations
            .into_iter()
            .next()?;
        Some((seed, violation))
    });
    let first = found.next();
    choose(None);
    first
}

fn write(path: &Path, lines: &[Value]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{:#}\n", json!({ "sabotage": lines })))
}
