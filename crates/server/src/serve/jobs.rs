//! What a server does from time to time.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;
use semel_backends::StatsView;
use tokio::task::JoinSet;

use crate::{
    app::App,
    hub::Hub,
    jobs::{PruneAnswersEvery, erase, prune_answers, tell},
    telemetry::metrics,
};

/// How often expired answers are removed.
const PRUNE_INTERVAL: Duration = Duration::from_mins(10);
/// How often connected devices and the lane's counters are looked at.
const GAUGES_INTERVAL: Duration = Duration::from_secs(2);

/// The process counts once, however many servers run in it.
pub(super) fn counting() -> PrometheusHandle {
    static COUNTING: OnceLock<PrometheusHandle> = OnceLock::new();
    COUNTING
        .get_or_init(|| metrics::install().expect("nobody else counts in this process"))
        .clone()
}

pub(super) fn start(
    app: &Arc<App>,
    hub: &Arc<Hub>,
    stats: Box<dyn Fn() -> StatsView + Send + Sync>,
    expiry: Duration,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let every = PruneAnswersEvery {
        interval: PRUNE_INTERVAL,
        expiry,
    };
    jobs.spawn(prune_answers(Arc::clone(app), every));
    jobs.spawn(erase(Arc::clone(app)));
    jobs.spawn(tell(Arc::clone(app)));
    let (app, hub) = (Arc::clone(app), Arc::clone(hub));
    jobs.spawn(async move {
        let mut interval = tokio::time::interval(GAUGES_INTERVAL);
        loop {
            interval.tick().await;
            metrics::connections(hub.device_count());
            metrics::lane(&stats());
            metrics::database(app.ledger.health().is_ok());
            // Without this, samples of histograms would be kept until somebody asks for them.
            counting().run_upkeep();
        }
    });
    jobs
}
