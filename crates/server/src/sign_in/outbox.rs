//! Does what is to be done outside: at least once, each by one worker at a time.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use semel_core::{
    actions::sign_in::{EffectResult, LeaseEffects, SettleEffect, SignedIn},
    queries,
    sign_in::EffectRow,
};
use semel_protocol::Problem;
use uuid::Uuid;

use super::{
    act,
    codes::{SEALED_AS, ToSend},
    senders::{self, SendError},
    stranger,
};
use crate::app::App;

/// How often the database is asked, without being told that there is something.
const LOOK: Duration = Duration::from_secs(2);
/// Done at once by one server.
const BATCH_MAX: usize = 20;
/// For how long something is taken: longer than anybody outside may take to answer.
const LEASE_MS: i64 = 60_000;
/// Before the second attempt; twice as long before each further one.
const AGAIN_MS: i64 = 2_000;
const AGAIN_MS_MAX: i64 = 60_000;

/// Until the task is dropped.
pub(super) async fn run(app: &Arc<App>) {
    loop {
        let told = app.sign_in().outbox.notified();
        let _ = tokio::time::timeout(LOOK, told).await;
        if let Err(problem) = work(app).await {
            tracing::warn!(code = %problem.code, "what is to be done outside was not found out");
        }
    }
}

async fn work(app: &Arc<App>) -> Result<(), Problem> {
    loop {
        let due_at = app.clock.now();
        let request_id = app.request_id();
        let is_due = move |rows: &_| queries::sign_in::is_effect_due(rows, due_at);
        if !app.ask(&stranger(), &request_id, is_due).await? {
            return Ok(());
        }
        let lease = LeaseEffects {
            due_at,
            limit: BATCH_MAX,
            lease_ms: LEASE_MS,
        };
        let SignedIn::Leased(leased) = act(app, None, lease, &request_id).await? else {
            return Ok(());
        };
        if leased.is_empty() {
            return Ok(());
        }
        join_all(leased.into_iter().map(|(id, row)| complete(app, id, row))).await;
    }
}

async fn complete(app: &Arc<App>, id: Uuid, row: EffectRow) {
    let result = attempt(app, id, &row).await;
    let label = match &result {
        Ok(()) => "sent",
        Err(SendError::Again(_)) => "again",
        Err(SendError::Never(_)) => "given_up",
    };
    metrics::counter!("semel_effects_total", "result" => label).increment(1);
    let result = match result {
        Ok(()) => EffectResult::Done,
        Err(SendError::Never(why)) => {
            tracing::error!(%id, kind = ?row.kind, why, "a message was given up");
            EffectResult::Done
        }
        Err(SendError::Again(why)) => {
            tracing::warn!(%id, kind = ?row.kind, attempt = row.attempts, why, "a message did not go");
            let doubled = AGAIN_MS << row.attempts.saturating_sub(1).min(5);
            EffectResult::Again(doubled.min(AGAIN_MS_MAX))
        }
    };
    let settle = SettleEffect {
        id,
        attempt: row.attempts,
        result,
    };
    if let Err(problem) = act(app, None, settle, &app.request_id()).await {
        // It will be done once more, under the same id.
        tracing::warn!(%id, code = %problem.code, "what became of a message was not noted");
    }
}

async fn attempt(app: &Arc<App>, id: Uuid, row: &EffectRow) -> Result<(), SendError> {
    let opened = app.tokens.secrets().open(SEALED_AS, &row.sealed);
    let what: Option<ToSend> = opened.and_then(|json| serde_json::from_slice(&json).ok());
    let what = what.ok_or_else(|| {
        SendError::Never("it was sealed with another secret (jwt_secret_key)".to_owned())
    })?;
    senders::send(app.sign_in(), row.kind, id, &what, app.clock.now()).await
}
