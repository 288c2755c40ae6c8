//! Removes stored answers that have expired.

use std::{sync::Arc, time::Duration};

use semel_core::{
    Command,
    actions::{self, Outcome},
    ports::LedgerError,
};
use semel_protocol::{Timestamp, UserId};

use crate::app::App;

/// Answers that go in one commit: few enough not to hold up anybody else.
const BATCH_ANSWERS_MAX: usize = 500;

/// How often, and what has expired.
#[derive(Clone, Copy, Debug)]
pub struct PruneAnswersEvery {
    /// Time between two rounds.
    pub interval: Duration,
    /// Age from which on an answer is not replayed any more.
    pub expiry: Duration,
}

/// Removes expired answers, at once and then from time to time, until the task is dropped.
pub async fn prune_answers(app: Arc<App>, every: PruneAnswersEvery) {
    let mut interval = tokio::time::interval(every.interval);
    loop {
        interval.tick().await;
        match prune_answers_now(&app, every.expiry).await {
            Ok(removed) => tracing::info!(removed, "expired answers removed"),
            Err(error) => tracing::error!(%error, "removing expired answers failed"),
        }
    }
}

/// Removes all answers that have expired by now, in batches; says how many.
pub async fn prune_answers_now(app: &Arc<App>, expiry: Duration) -> Result<usize, LedgerError> {
    let before = Timestamp(app.clock.now().0 - expiry.as_millis() as i64);
    let mut sum = 0;
    loop {
        let removed = prune_batch(app, before).await?;
        sum += removed;
        if removed < BATCH_ANSWERS_MAX {
            return Ok(sum);
        }
    }
}

async fn prune_batch(app: &Arc<App>, before: Timestamp) -> Result<usize, LedgerError> {
    let command = Command {
        actor: UserId::of_server(),
        action: actions::PruneAnswers {
            before,
            limit: BATCH_ANSWERS_MAX,
        }
        .into(),
        idempotency: None,
        request_id: app.request_id(),
    };
    match app.submit(command).await?.result {
        Some(Ok(Outcome::Pruned(removed))) => Ok(removed),
        other => Err(LedgerError::Internal(format!(
            "answers were not removed: {other:?}"
        ))),
    }
}
