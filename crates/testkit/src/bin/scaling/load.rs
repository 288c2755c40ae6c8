//! One scenario on a rig, with what it cost while the load lasted.

use std::{sync::Arc, time::Duration};

use semel_load::scenario::{self, Counters, Plan, Rate, Scenario, Summary, Tally, Times};
use tokio::time::{Instant, sleep};

use crate::{Result, cost::Cost, rig::Rig};

/// Pause between looks whether the load has begun or ended.
const LOOK: Duration = Duration::from_millis(5);
/// Messages that cost is told of: one takes less than clocks show.
const MESSAGES: f64 = 1_000.0;

/// What came of a scenario.
pub(crate) struct Measured {
    pub(crate) summary: Summary,
    /// Between the beginning and the end of the phase that was watched.
    pub(crate) cost: Cost,
    pub(crate) seconds: f64,
    done: u64,
    delivered: u64,
}

impl Measured {
    /// Seconds of processor time for a thousand calls.
    pub(crate) fn per_thousand(&self, part: impl Fn(&Cost) -> f64) -> f64 {
        part(&self.cost) / self.done.max(1) as f64 * MESSAGES
    }

    /// Seconds of processor time for a thousand entries that reach a device.
    pub(crate) fn per_thousand_delivered(&self, part: impl Fn(&Cost) -> f64) -> f64 {
        part(&self.cost) / self.delivered.max(1) as f64 * MESSAGES
    }

    pub(crate) fn times(&self, name: &str) -> Result<&Times> {
        let found = self.summary.times_us.get(name);
        found.ok_or_else(|| format!("{} did not time {name}", self.summary.scenario).into())
    }

    /// Share of the entries that devices fetched, because they were only told where the thread is, in a hundred.
    pub(crate) fn fetched_percent(&self) -> f64 {
        let achieved = &self.summary.achieved;
        100.0 * achieved.fetched as f64 / achieved.delivered.max(1) as f64
    }

    pub(crate) fn measure(&self, name: &str) -> Result<f64> {
        let found = self.summary.measure(name);
        found.ok_or_else(|| format!("{} did not measure {name}", self.summary.scenario).into())
    }
}

/// A scenario as it is when nobody says more, but for its rate and its connections.
pub(crate) fn plan(scenario: Scenario, rate: Rate, connections: usize, time: Duration) -> Plan {
    Plan {
        rate,
        connections,
        ..Plan::of(scenario, time, 1)
    }
}

/// Runs a scenario, and watches one phase of it. What went wrong is an error: figures beside it would say nothing.
pub(crate) async fn run(rig: &Arc<Rig>, plan: &Plan, phase: &'static str) -> Result<Measured> {
    let tally = Arc::new(Tally::default());
    let watching = tokio::spawn(watch(Arc::clone(rig), Arc::clone(&tally), phase));
    let summary = scenario::run(&rig.target(), plan, &tally, None)
        .await?
        .summary;
    if !summary.errors.is_empty() || !summary.failures.is_empty() {
        let (text, table) = (rig.engine.text(), summary.table());
        return Err(format!("{}, {text}, went wrong:\n{table}", summary.scenario).into());
    }
    let (begin, end) = watching.await??;
    Ok(Measured {
        summary,
        cost: end.cost - begin.cost,
        seconds: (end.at - begin.at).as_secs_f64(),
        done: end.counters.done - begin.counters.done,
        delivered: end.counters.delivered - begin.counters.delivered,
    })
}

struct Moment {
    at: Instant,
    cost: Cost,
    counters: Counters,
}

impl Moment {
    fn now(rig: &Rig, tally: &Tally) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            cost: rig.cost()?,
            counters: tally.counters(),
        })
    }
}

async fn watch(rig: Arc<Rig>, tally: Arc<Tally>, phase: &'static str) -> Result<(Moment, Moment)> {
    while tally.phase() != phase {
        sleep(LOOK).await;
    }
    let begin = Moment::now(&rig, &tally)?;
    while tally.phase() == phase {
        sleep(LOOK).await;
    }
    Ok((begin, Moment::now(&rig, &tally)?))
}
