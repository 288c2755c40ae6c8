//! What was measured, beside what was to be reached.

use std::{collections::BTreeMap, io, path::Path};

use semel_load::scenario::thousands;
use serde_json::json;

/// Measures in the order of the table: name, what it is, unit, floor, aim.
const TABLE: &[(&str, &str, Unit, &str, &str)] = &[
    (
        "messages_per_second",
        "acknowledged durable messages/s, 50 senders",
        Unit::Count,
        "20,000",
        "35,000",
    ),
    ("ack_p50", "  acknowledgement p50", Unit::Micros, "", ""),
    (
        "ack_p99",
        "  acknowledgement p99",
        Unit::Micros,
        "8 ms",
        "4 ms",
    ),
    ("ack_p99_9", "  acknowledgement p99.9", Unit::Micros, "", ""),
    (
        "deliveries_of_pairs",
        "  entries on screens/s, both sides",
        Unit::Count,
        "",
        "",
    ),
    (
        "syncs_per_message",
        "  fsyncs per message",
        Unit::Ratio,
        "",
        "",
    ),
    (
        "syncs_per_second",
        "  fsyncs/s, slowed down by strace",
        Unit::Count,
        "",
        "",
    ),
    (
        "bare_batch_1",
        "SQLite alone, rows/s, 1 a commit",
        Unit::Count,
        "",
        "",
    ),
    (
        "bare_batch_32",
        "SQLite alone, rows/s, 32 a commit",
        Unit::Count,
        "",
        "",
    ),
    (
        "bare_batch_256",
        "SQLite alone, rows/s, 256 a commit",
        Unit::Count,
        "",
        "",
    ),
    (
        "unloaded_ack_p50",
        "unloaded acknowledgement p50",
        Unit::Micros,
        "0.35 ms",
        "0.2 ms",
    ),
    (
        "screen_p50",
        "send to screen at 500/s, p50",
        Unit::Micros,
        "0.5 ms",
        "0.3 ms",
    ),
    (
        "screen_p99",
        "send to screen at 500/s, p99",
        Unit::Micros,
        "1.5 ms",
        "0.6 ms",
    ),
    (
        "deliveries_per_second",
        "deliveries/s, thread of 100 people",
        Unit::Count,
        "150,000",
        "250,000",
    ),
    (
        "group_ack_p99",
        "  acknowledgement p99",
        Unit::Micros,
        "",
        "",
    ),
    (
        "connection_kib",
        "memory per idle connection, KiB",
        Unit::Ratio,
        "30",
        "8",
    ),
    (
        "connects_per_second",
        "connects/s, with a token",
        Unit::Count,
        "3,000",
        "6,000",
    ),
    (
        "start",
        "start to ready, empty database",
        Unit::Micros,
        "100 ms",
        "50 ms",
    ),
    ("idle_mb", "memory at rest, MB", Unit::Ratio, "25", "15"),
];

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Micros,
    Ratio,
}

/// Measures by name.
#[derive(Default)]
pub(crate) struct Report(BTreeMap<&'static str, f64>);

impl Report {
    /// A number of things.
    pub(crate) fn count(&mut self, name: &'static str, value: f64) {
        self.0.insert(name, value);
    }

    /// A time in microseconds.
    pub(crate) fn micros(&mut self, name: &'static str, value: u64) {
        self.0.insert(name, value as f64);
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        line(&format!(
            "{:<46}{:>12}{:>10}{:>10}",
            "", "measured", "floor", "aim"
        ));
        for (name, what, unit, floor, aim) in TABLE {
            let value = self
                .0
                .get(name)
                .map_or("-".to_owned(), |value| shown(*value, *unit));
            line(&format!("{what:<46}{value:>12}{floor:>10}{aim:>10}"));
        }
    }

    /// Writes every measure; times in microseconds.
    pub(crate) fn write_json(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, format!("{:#}\n", json!(self.0)))
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => thousands(value.round() as u64),
        Unit::Micros => format!("{:.2} ms", value / 1_000.0),
        Unit::Ratio if value < 1.0 => format!("{value:.4}"),
        Unit::Ratio => format!("{value:.1}"),
    }
}

/// A line of the result.
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
fn line(text: &str) {
    println!("{text}");
}

/// What is going on.
#[expect(clippy::print_stderr, reason = "progress goes beside the result")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart() {
        let all = [
            shown(25_148.4, Unit::Count),
            shown(1_250.0, Unit::Micros),
            shown(0.0441, Unit::Ratio),
            shown(12.34, Unit::Ratio),
        ];
        assert_eq!(all, ["25,148", "1.25 ms", "0.0441", "12.3"]);
    }
}
