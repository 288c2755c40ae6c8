//! Writes the tables of `docs/RELIABILITY.md` from the reports that `make faults`, `make simulate` and `make sabotage` leave
//! in `target/reports`. What is not there keeps its lines.

use std::{collections::BTreeMap, error::Error, fmt::Write, fs, path::Path};

use serde_json::Value;

const DOCUMENT: &str = "docs/RELIABILITY.md";
const REPORTS: &str = "target/reports";
/// Mark before each table; [`END`] comes after it.
const RUNS: &str = "<!-- runs: written by `make faults` and `make simulate` -->\n";
const SABOTAGE: &str = "<!-- sabotage: written by `make sabotage` -->\n";
const END: &str = "<!-- end -->";

const RUNS_HEAD: &str = "| run | commit | seeds | faults | acknowledged sends · other operations | events judged | violations \
                         | proved nothing | longest | minutes |\n|---|---|---|---|---|---|---|---|---|---|\n";
const SABOTAGE_HEAD: &str = "| defect | caught by | after |\n|---|---|---|\n";

fn main() -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(DOCUMENT)?;
    let (mut runs, mut defects) = (rows_between(&text, RUNS)?, rows_between(&text, SABOTAGE)?);
    for path in reports()? {
        let report: Value = serde_json::from_slice(&fs::read(&path)?)?;
        if let Some(found) = report.get("sabotage").and_then(Value::as_array) {
            for line in found {
                let (name, row) = defect(line);
                defects.insert(name, row);
            }
        } else {
            let (name, row) = run(&report);
            runs.insert(name, row);
        }
    }
    let text = replaced(&text, RUNS, RUNS_HEAD, &runs)?;
    let text = replaced(&text, SABOTAGE, SABOTAGE_HEAD, &defects)?;
    fs::write(DOCUMENT, text)?;
    Ok(())
}

fn reports() -> Result<Vec<std::path::PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    if Path::new(REPORTS).exists() {
        for entry in fs::read_dir(REPORTS)? {
            let path = entry?.path();
            paths.extend(
                path.extension()
                    .is_some_and(|it| it == "json")
                    .then_some(path),
            );
        }
    }
    paths.sort();
    Ok(paths)
}

type Rows = BTreeMap<String, String>;

/// The part of the document behind a mark, without the mark and the end.
fn part<'a>(text: &'a str, mark: &str) -> Result<&'a str, Box<dyn Error>> {
    let (_, after) = text.split_once(mark).ok_or("a mark is missing")?;
    let (part, _) = after.split_once(END).ok_or("an end mark is missing")?;
    Ok(part)
}

fn rows_between(text: &str, mark: &str) -> Result<Rows, Box<dyn Error>> {
    let lines = part(text, mark)?.lines().skip(2);
    let row = |line: &str| {
        let name = line.trim_start_matches("| ").split(" |").next()?;
        Some((name.to_owned(), format!("{line}\n")))
    };
    Ok(lines.filter_map(row).collect())
}

fn replaced(text: &str, mark: &str, head: &str, rows: &Rows) -> Result<String, Box<dyn Error>> {
    let old = format!("{mark}{}", part(text, mark)?);
    let body: String = rows.values().map(String::as_str).collect();
    let head = if rows.is_empty() { "" } else { head };
    Ok(text.replace(&old, &format!("{mark}{head}{body}")))
}

fn number(report: &Value, name: &str) -> u64 {
    report.get(name).and_then(Value::as_f64).unwrap_or(0.0) as u64
}

fn text<'a>(report: &'a Value, name: &str) -> &'a str {
    report
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or("unknown")
}

fn run(report: &Value) -> (String, String) {
    let name = match report.get("campaign").and_then(Value::as_str) {
        Some(campaign) => format!("faults: {campaign}"),
        None => "simulation".to_owned(),
    };
    let commit: String = text(report, "commit").chars().take(12).collect();
    let seeds = match report.get("seeds") {
        Some(Value::Array(seeds)) => spans(seeds),
        _ => grouped(number(report, "seeds")),
    };
    let acknowledged = report
        .get("acknowledged_sends")
        .or_else(|| report.pointer("/coverage/acknowledged"));
    let acknowledged = acknowledged.and_then(Value::as_u64).unwrap_or(0);
    let others = match report.get("other_operations") {
        Some(others) => others.as_u64().unwrap_or(0),
        None => number(report, "operations").saturating_sub(acknowledged),
    };
    let violations = match report.get("violations") {
        Some(Value::Object(broken)) => broken.len() as u64,
        other => other.and_then(Value::as_u64).unwrap_or(0),
    };
    let row = format!(
        "| {name} | {commit} | {seeds} | {} | {} · {} | {} | {violations} | {} | {} | {:.1} |\n",
        faults(report),
        grouped(acknowledged),
        grouped(others),
        grouped(number(report, "events")),
        number(report, "invalid_runs"),
        longest(report),
        report.get("seconds").and_then(Value::as_f64).unwrap_or(0.0) / 60.0,
    );
    (name, row)
}

fn faults(report: &Value) -> String {
    let faults = report.get("faults").and_then(Value::as_object);
    let named = faults.into_iter().flatten();
    let named = named.filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0));
    let parts: Vec<_> = named
        .map(|(name, count)| format!("{name} {}", grouped(count.as_u64().unwrap_or(0))))
        .collect();
    parts.join(", ")
}

/// What took longest after trouble, of what is measured.
fn longest(report: &Value) -> String {
    let told = report.get("longest").and_then(Value::as_object);
    let parts = told.into_iter().flatten().map(|(name, longest)| {
        let seconds = longest.get("seconds_max").and_then(Value::as_f64);
        let times = number(longest, "times");
        format!("{name} {:.1} s ({times} times)", seconds.unwrap_or(0.0))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// `1–5, 9` of consecutive seeds.
fn spans(seeds: &[Value]) -> String {
    let mut seeds: Vec<u64> = seeds.iter().filter_map(Value::as_u64).collect();
    seeds.sort_unstable();
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == seed => *last = seed,
            _ => spans.push((seed, seed)),
        }
    }
    let parts = spans.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}–{last}")
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn defect(line: &Value) -> (String, String) {
    let name = text(line, "defect").to_owned();
    let row = format!(
        "| {name} | {} | {} |\n",
        text(line, "caught_by"),
        text(line, "after")
    );
    (name, row)
}

/// `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        // Writing into a string does not fail.
        let _ = write!(text, "{digit}");
    }
    text
}
