//! How far a run is, while it runs.

use std::{sync::Arc, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use semel_load::scenario::{Scenario, Tally, thousands};
use tokio::task::JoinHandle;

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(250);

/// A line on the terminal that says what goes on. Dropping it removes it.
pub(super) struct Progress {
    bar: ProgressBar,
    task: JoinHandle<()>,
}

impl Progress {
    pub(super) fn show(scenario: Scenario, tally: &Arc<Tally>) -> Self {
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{spinner} {prefix}: {msg} ({elapsed})");
        bar.set_style(style.expect("the template is valid"));
        bar.set_prefix(scenario.name());
        let task = tokio::spawn(watch(bar.clone(), Arc::clone(tally)));
        Self { bar, task }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

async fn watch(bar: ProgressBar, tally: Arc<Tally>) {
    let mut beat = tokio::time::interval(LOOK);
    let mut before = tally.counters();
    loop {
        beat.tick().await;
        let now = tally.counters();
        let per_second = (now.done - before.done) * 1_000 / LOOK.as_millis() as u64;
        let failed = match now.failed {
            0 => String::new(),
            failed => format!(", {} failed", thousands(failed)),
        };
        let done = match now.done {
            0 => String::new(),
            done => format!(
                "; {} done, {}/s{failed}",
                thousands(done),
                thousands(per_second)
            ),
        };
        bar.set_message(format!("{}{done}", tally.phase()));
        bar.tick();
        before = now;
    }
}
