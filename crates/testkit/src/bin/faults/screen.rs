//! What whoever runs it sees.

use std::{fmt::Write as _, io::Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use semel_testkit::campaign::{Campaign, Figures, Outcome, Progress};

use crate::report::Tally;

pub(crate) struct Screen {
    style: ProgressStyle,
}

/// The bar of one run. Dropping it takes it away.
pub(crate) struct Bar(ProgressBar);

impl Screen {
    pub(crate) fn new() -> Self {
        let template = "{prefix} [{bar:30}] {elapsed_precise} {msg}";
        let style = ProgressStyle::with_template(template);
        Self {
            style: style.unwrap_or_else(|_| ProgressStyle::default_bar()),
        }
    }

    pub(crate) fn run(&self, campaign: Campaign, seed: u64, before: String) -> Bar {
        let bar = ProgressBar::new(1_000).with_style(self.style.clone());
        let before = if before.is_empty() {
            before
        } else {
            format!(" ({before})")
        };
        bar.set_prefix(format!("{campaign} {seed}{before}"));
        bar.enable_steady_tick(std::time::Duration::from_secs(1));
        Bar(bar)
    }
}

impl Bar {
    pub(crate) fn show(&self, progress: &Progress<'_>) {
        self.0.set_position(progress.per_mille);
        self.0.set_message(format!(
            "{} acknowledged, {}",
            progress.acknowledged, progress.phase
        ));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A line for a run that is over.
pub(crate) fn run(campaign: Campaign, seed: u64, outcome: &Outcome) {
    let verdict = match outcome.failure {
        Some(_) if outcome.is_invalid => "PROVES NOTHING",
        Some(_) => "FAILED",
        None => "passed",
    };
    let mut faults = String::new();
    for (kind, count) in &outcome.faults {
        let comma = if faults.is_empty() { "" } else { ", " };
        // Writing to a text does not fail.
        let _ = write!(faults, "{comma}{count} × {kind}");
    }
    if outcome.figures != Figures::default() {
        let _ = write!(faults, "; {}", outcome.figures);
    }
    let (acknowledged, events) = (outcome.acknowledged, outcome.events);
    let seconds = outcome.elapsed.as_secs_f64();
    say(&format!(
        "{campaign} {seed}: {verdict} in {seconds:.1} s; {acknowledged} acknowledged, {events} events; {faults}"
    ));
}

/// The sums.
pub(crate) fn table(tallies: &[Tally]) {
    let mut text = format!(
        "\n{:18}{:>6}{:>9}{:>8}{:>14}{:>12}{:>12}{:>12}{:>9}",
        "campaign",
        "runs",
        "invalid",
        "faults",
        "acknowledged",
        "other",
        "events",
        "violations",
        "seconds"
    );
    let mut line = |name: &str, numbers: [u64; 8]| {
        let [
            runs,
            invalid,
            faults,
            acknowledged,
            other,
            events,
            violations,
            seconds,
        ] = numbers;
        let _ = write!(
            text,
            "\n{name:18}{runs:>6}{invalid:>9}{faults:>8}{acknowledged:>14}{other:>12}{events:>12}{violations:>12}{seconds:>9}"
        );
    };
    let mut sums = [0; 8];
    for tally in tallies {
        let numbers = [
            tally.runs(),
            tally.invalid,
            tally.fault_count(),
            tally.acknowledged,
            tally.other_calls,
            tally.events,
            tally.violations,
            tally.elapsed.as_secs(),
        ];
        for (sum, number) in sums.iter_mut().zip(numbers) {
            *sum += number;
        }
        line(tally.campaign.name(), numbers);
    }
    line("sum", sums);
    let mut figures = Figures::default();
    for tally in tallies {
        figures.merge(&tally.figures);
    }
    if figures != Figures::default() {
        let _ = write!(text, "\nlongest: {figures}");
    }
    say(&text);
}

pub(crate) fn say(text: &str) {
    // Whoever closes the pipe wants no more.
    let _ = writeln!(std::io::stdout(), "{text}");
}
