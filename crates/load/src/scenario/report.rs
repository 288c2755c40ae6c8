//! What came of a run: for people as a table, for programs as JSON.
//!
//! Invariant: the names in JSON stay; a new version of this program may add some ([`REPORT_VERSION`] says when not).

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{
    plan::{Plan, Rate},
    tally::{Counters, Tally, Timed},
};

/// Version of the JSON; it changes when a name goes or means something else.
pub const REPORT_VERSION: u32 = 1;
/// Lateness of the generator, at the 99th percentile, above which its figures say more about itself.
const LAG_MICROS_MAX: u64 = 10_000;
/// Share of what was asked for that must have been sent.
const ASKED_PERCENT_MIN: f64 = 99.0;
/// Width of the first column.
const NAME_WIDTH: usize = 38;
const VALUE_WIDTH: usize = 12;

/// What a scenario brought, beside what the tally has.
#[derive(Debug)]
pub(super) struct Outcome {
    elapsed: Duration,
    measures: Vec<Measure>,
    warnings: Vec<String>,
    failures: Vec<String>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// For programs.
    pub name: &'static str,
    /// For people.
    #[serde(skip)]
    pub text: &'static str,
    /// How much.
    pub value: f64,
}

impl Outcome {
    pub(super) fn new(elapsed: Duration) -> Self {
        Self {
            elapsed,
            measures: Vec::new(),
            warnings: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// With so many of something, as a rate.
    pub(super) fn rate(mut self, name: &'static str, text: &'static str, count: u64) -> Self {
        let seconds = self.elapsed.as_secs_f64();
        self.measure(name, text, count as f64 / seconds);
        self
    }

    pub(super) fn measure(&mut self, name: &'static str, text: &'static str, value: f64) {
        self.measures.push(Measure { name, text, value });
    }

    /// Something that whoever reads the figures must know.
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// The server did what it must not do.
    pub(super) fn fail(&mut self, text: impl Into<String>) {
        self.failures.push(text.into());
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    /// Messages a second; none in a closed loop.
    pub rate_per_second: Option<u32>,
    /// Seconds of load.
    pub duration_seconds: f64,
    /// Connections.
    pub connections: usize,
    /// Seed.
    pub seed: u64,
}

/// What was reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Achieved {
    /// Calls that were due.
    pub asked: u64,
    /// Calls that succeeded.
    pub done: u64,
    /// Calls that did not.
    pub failed: u64,
    /// Calls that succeeded, each second.
    pub done_per_second: f64,
    /// Seconds until everything was answered.
    pub elapsed_seconds: f64,
    /// Connections that were accepted.
    pub connected: u64,
    /// Entries that reached a device.
    pub delivered: u64,
    /// Those of them that devices fetched, because they were only told where the thread is.
    pub fetched: u64,
}

/// Times of one kind, in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How many there are.
    pub count: u64,
    /// Half are no longer.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p99_9: u64,
    /// The longest.
    pub max: u64,
}

impl Times {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: histogram.max(),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Which.
    pub scenario: &'static str,
    /// What was asked for.
    pub asked: Asked,
    /// What was reached.
    pub achieved: Achieved,
    /// Times by name, in microseconds.
    pub times_us: BTreeMap<&'static str, Times>,
    /// Figures of this scenario.
    pub measures: Vec<Measure>,
    /// What went wrong, by code, and how often.
    pub errors: BTreeMap<String, u64>,
    /// What whoever reads the figures must know.
    pub warnings: Vec<String>,
    /// What the server did that it must not do.
    pub failures: Vec<String>,
}

impl Summary {
    pub(super) fn of(plan: &Plan, tally: &Tally, outcome: Outcome) -> Self {
        let times = tally.times();
        let Counters {
            asked,
            done,
            failed,
            delivered,
            fetched,
            connected,
        } = tally.counters();
        let elapsed = outcome.elapsed.as_secs_f64();
        let mut summary = Self {
            scenario: plan.scenario.name(),
            asked: Asked {
                rate_per_second: match plan.rate {
                    Rate::PerSecond(rate) => Some(rate),
                    Rate::Max => None,
                },
                duration_seconds: plan.duration.as_secs_f64(),
                connections: plan.connections,
                seed: plan.seed,
            },
            achieved: Achieved {
                asked,
                done,
                failed,
                done_per_second: done as f64 / elapsed,
                elapsed_seconds: elapsed,
                connected,
                delivered,
                fetched,
            },
            times_us: times
                .iter()
                .map(|(what, it)| (what.name(), Times::of(it)))
                .collect(),
            measures: outcome.measures,
            errors: tally.errors(),
            warnings: outcome.warnings,
            failures: outcome.failures,
        };
        summary.doubt();
        summary
    }

    /// Says where the generator is what was measured.
    fn doubt(&mut self) {
        let lag = self
            .times_us
            .get(Timed::Lag.name())
            .map_or(0, |lag| lag.p99);
        if lag > LAG_MICROS_MAX {
            self.warnings.push(format!(
                "the generator itself could not keep up: it was {} ms late at p99; ask for less, or give it a machine \
                 of its own",
                lag / 1_000
            ));
        }
        if let Some(rate) = self.asked.rate_per_second.filter(|rate| *rate > 0) {
            let percent = 100.0 * self.achieved.done_per_second / f64::from(rate);
            let is_counted_once = matches!(
                self.scenario,
                "pairs" | "group-100" | "group-1000" | "hot-thread"
            );
            if is_counted_once && percent < ASKED_PERCENT_MIN {
                self.warnings.push(format!(
                    "{percent:.0} % of the rate that was asked for was reached"
                ));
            }
        }
        let wrong: u64 = self.errors.values().sum();
        if wrong > 0 {
            self.warnings.push(format!(
                "{wrong} things went wrong; figures beside errors say little"
            ));
        }
    }

    /// A figure by its name.
    pub fn measure(&self, name: &str) -> Option<f64> {
        self.measures
            .iter()
            .find(|one| one.name == name)
            .map(|one| one.value)
    }

    /// As lines for people, aligned.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut line =
            |row: String| writeln!(text, "{}", row.trim_end()).expect("a string takes every text");
        line(format!("{:<NAME_WIDTH$}{}", "scenario", self.scenario));
        let rate = match self.asked.rate_per_second {
            Some(0) => String::new(),
            Some(rate) => format!(", {}/s (open loop)", thousands(u64::from(rate))),
            None => ", as fast as they are acknowledged (closed loop)".to_owned(),
        };
        let (connections, seconds) = (self.asked.connections as u64, self.asked.duration_seconds);
        line(format!(
            "{:<NAME_WIDTH$}{} connections, {seconds} s{rate}, seed {}",
            "asked for",
            thousands(connections),
            self.asked.seed
        ));
        let done = &self.achieved;
        if done.asked > 0 {
            line(row("calls that were due", &thousands(done.asked)));
            line(row("  succeeded", &thousands(done.done)));
            line(row("  failed", &thousands(done.failed)));
            line(row("  succeeded/s", &shown(done.done_per_second)));
        }
        line(row("connections accepted", &thousands(done.connected)));
        line(row("entries delivered", &thousands(done.delivered)));
        if done.fetched > 0 {
            line(row("  fetched by devices", &thousands(done.fetched)));
        }
        for measure in &self.measures {
            line(row(measure.text, &shown(measure.value)));
        }
        if !self.times_us.is_empty() {
            let mut head = format!("{:<NAME_WIDTH$}", "times in ms");
            for name in ["p50", "p90", "p99", "p99.9", "max", "count"] {
                write!(head, "{name:>VALUE_WIDTH$}").expect("a string takes every text");
            }
            line(head);
        }
        for timed in Timed::ALL {
            if let Some(times) = self.times_us.get(timed.name()) {
                line(times_row(timed.text(), times));
            }
        }
        for (code, count) in &self.errors {
            line(row(&format!("error {code}"), &thousands(*count)));
        }
        for failure in &self.failures {
            line(format!("WRONG    {failure}"));
        }
        for warning in &self.warnings {
            line(format!("NOTE     {warning}"));
        }
        text
    }
}

fn row(name: &str, value: &str) -> String {
    format!("{name:<NAME_WIDTH$}{value:>VALUE_WIDTH$}")
}

fn times_row(name: &str, times: &Times) -> String {
    let mut row = format!("{name:<NAME_WIDTH$}");
    for micros in [times.p50, times.p90, times.p99, times.p99_9, times.max] {
        let millis = micros as f64 / 1_000.0;
        write!(row, "{millis:>VALUE_WIDTH$.2}").expect("a string takes every text");
    }
    write!(row, "{:>VALUE_WIDTH$}", thousands(times.count)).expect("a string takes every text");
    row
}

/// A figure with as many digits as mean something.
pub fn shown(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 {
        thousands(value.round() as u64)
    } else {
        format!("{value:.1}")
    }
}

/// A count with commas.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::Scenario;

    fn summary() -> Summary {
        let plan = Plan::of(Scenario::Pairs, Duration::from_secs(10), 7);
        let tally = Tally::default();
        for number in 1..=1_000 {
            tally.ask();
            tally.succeed(Some(Timed::Ack), Duration::from_micros(number));
        }
        tally.ask();
        tally.fail("rate_limited");
        tally.time(Timed::Screen, Duration::from_millis(2));
        let outcome = Outcome::new(Duration::from_secs(2)).rate(
            "deliveries_per_second",
            "deliveries/s",
            4_000,
        );
        Summary::of(&plan, &tally, outcome)
    }

    #[test]
    fn the_table_says_what_was_asked_what_was_reached_and_what_went_wrong() {
        let expected = "\
scenario                              pairs
asked for                             100 connections, 10 s, 500/s (open loop), seed 7
calls that were due                          1,001
  succeeded                                  1,000
  failed                                         1
  succeeded/s                                  500
connections accepted                             0
entries delivered                                0
deliveries/s                                 2,000
times in ms                                    p50         p90         p99       p99.9         max       count
send to acknowledgement                       0.50        0.90        0.99        1.00        1.00       1,000
send to screen                                2.00        2.00        2.00        2.00        2.00           1
error rate_limited                               1
NOTE     1 things went wrong; figures beside errors say little
";
        assert_eq!(summary().table(), expected);
    }

    #[test]
    fn the_names_in_json_stay() {
        let json = serde_json::to_value(summary()).unwrap();
        let mut names = Vec::new();
        collect("", &json, &mut names);
        let expected = [
            "achieved.asked",
            "achieved.connected",
            "achieved.delivered",
            "achieved.done",
            "achieved.done_per_second",
            "achieved.elapsed_seconds",
            "achieved.failed",
            "achieved.fetched",
            "asked.connections",
            "asked.duration_seconds",
            "asked.rate_per_second",
            "asked.seed",
            "errors.rate_limited",
            "failures",
            "measures",
            "scenario",
            "times_us.ack.count",
            "times_us.ack.max",
            "times_us.ack.p50",
            "times_us.ack.p90",
            "times_us.ack.p99",
            "times_us.ack.p99_9",
            "times_us.screen.count",
            "times_us.screen.max",
            "times_us.screen.p50",
            "times_us.screen.p90",
            "times_us.screen.p99",
            "times_us.screen.p99_9",
            "warnings",
        ];
        names.sort();
        assert_eq!(names, expected);
        let measure = serde_json::json!({"name": "deliveries_per_second", "value": 2_000.0});
        assert_eq!(json["measures"][0], measure);
        assert_eq!(REPORT_VERSION, 1, "a name that goes needs another version");
    }

    fn collect(path: &str, value: &serde_json::Value, names: &mut Vec<String>) {
        let serde_json::Value::Object(members) = value else {
            return names.push(path.to_owned());
        };
        for (name, value) in members {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            collect(&path, value, names);
        }
    }

    #[test]
    fn a_generator_that_is_late_says_so() {
        let plan = Plan::of(Scenario::Pairs, Duration::from_secs(1), 1);
        let tally = Tally::default();
        (0..500).for_each(|_| {
            tally.ask();
            tally.succeed(Some(Timed::Ack), Duration::from_millis(1));
            tally.time(Timed::Lag, Duration::from_millis(30));
        });
        let summary = Summary::of(&plan, &tally, Outcome::new(Duration::from_secs(1)));
        assert_eq!(summary.warnings.len(), 1);
        assert!(
            summary.warnings[0].contains("could not keep up"),
            "{summary:?}"
        );
    }

    #[test]
    fn numbers_are_easy_to_read() {
        let all = [7, 42, 999, 1_000, 20_500, 1_234_567].map(thousands);
        assert_eq!(all, ["7", "42", "999", "1,000", "20,500", "1,234,567"]);
        assert_eq!(
            [shown(12.34), shown(3.0), shown(1_234.5)],
            ["12.3", "3", "1,235"]
        );
    }
}
