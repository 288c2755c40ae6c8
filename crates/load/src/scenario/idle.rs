//! Connections that do nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{LoadError, Outcome, device::Interest, orders::Orders, stage::Stage};

/// Time in which memory comes to rest.
const REST: Duration = Duration::from_secs(1);

/// Connects everybody, and stays. Memory is that of the connections after the first quarter, which also fills what is
/// made once.
pub(super) async fn idle(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let count = stage.plan.connections;
    let names: Vec<String> = (0..count)
        .map(|number| stage.name("idle", number))
        .collect();
    let (first, rest) = names.split_at(count / 4);
    settle(stage, first).await?;
    let before = memory(stage)?;
    let begin = Instant::now();
    settle(stage, rest).await?;
    let per_second = rest.len() as f64 / (begin.elapsed().as_secs_f64() - REST.as_secs_f64());
    let after = memory(stage)?;
    stage.tally.enter("staying connected");
    sleep(stage.plan.duration).await;
    let mut outcome = Outcome::new(begin.elapsed());
    outcome.measure(
        "connects_per_second",
        "connects/s, 50 at a time",
        per_second,
    );
    if let (Some(before), Some(after)) = (before, after) {
        let bytes = after.saturating_sub(before) as f64 / rest.len() as f64;
        outcome.measure(
            "connection_kib",
            "server memory for a connection, KiB",
            bytes / 1024.0,
        );
    }
    let ended = stage.devices.try_join_next().is_some();
    if ended {
        outcome.warn("connections ended although nobody closed them; see the errors");
    }
    Ok(outcome)
}

async fn settle(stage: &mut Stage<'_>, names: &[String]) -> Result<(), LoadError> {
    for (number, transport) in stage.connect(names).await?.into_iter().enumerate() {
        stage.put_to_work(number, transport, Interest::default(), Orders::None);
    }
    sleep(REST).await;
    Ok(())
}

fn memory(stage: &Stage<'_>) -> Result<Option<u64>, LoadError> {
    let own = stage.target.own.as_ref();
    own.map(|own| own.resident_bytes())
        .transpose()
        .map_err(LoadError::Server)
}
