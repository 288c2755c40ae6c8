//! Erases people whose erasure has begun, in steps that are small enough not to hold up anybody else. How far each is lies in the
//! database: any server goes on where another one stopped.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use semel_core::{
    actions::{EraseStep, Outcome, Portion},
    erasure::ErasePlace,
    ports::LedgerError,
    queries,
};
use semel_protocol::UserId;
use tokio::time::{sleep, timeout};

use super::{look, take_step, tell::tell_of};
use crate::app::App;

/// How often it is looked whether another server has left one.
const LOOK: Duration = Duration::from_secs(10);
/// Between two steps: devices take the entries of one before those of the next.
const PAUSE: Duration = Duration::from_millis(20);
/// People of one look.
const PEOPLE_AT_ONCE: usize = 10;

/// Erases whoever is due, until the task is dropped.
pub async fn erase(app: Arc<App>) {
    loop {
        match erase_due(&app).await {
            Ok(()) => {}
            Err(LedgerError::Closing) => return,
            Err(error) => tracing::warn!(%error, "erasing a person is held up"),
        }
        let _ = timeout(LOOK, app.erasing.notified()).await;
    }
}

/// Erases whoever is due now, to the end.
pub async fn erase_due(app: &Arc<App>) -> Result<(), LedgerError> {
    let mut failed: BTreeSet<UserId> = BTreeSet::new();
    loop {
        let now = app.clock.now();
        let due = look(app, move |rows| {
            queries::erasure::due(rows, now, PEOPLE_AT_ONCE)
        });
        let mut due = due.await?;
        due.retain(|(who, _)| !failed.contains(who));
        if due.is_empty() {
            return Ok(());
        }
        for (who, row) in due {
            match erase_one(app, &who, row.place).await {
                Ok(()) => {}
                Err(LedgerError::Closing) => return Err(LedgerError::Closing),
                // The others do not wait for whoever cannot be erased now.
                Err(error) => {
                    tracing::warn!(%error, user_id = %who, "erasing a person is held up");
                    failed.insert(who);
                }
            }
        }
    }
}

async fn erase_one(app: &Arc<App>, who: &UserId, place: ErasePlace) -> Result<(), LedgerError> {
    // Once their seats are given up, nobody knows any more whom they shared threads with.
    tell_of(app, who).await?;
    let mut from = place;
    loop {
        let (portion, to) = next(app, who, &from).await?;
        if !take(app, who, from, to.clone(), portion).await? {
            // Another server is at it.
            return Ok(());
        }
        let Some(place) = to else {
            tracing::info!(user_id = %who, "a person was erased");
            return Ok(());
        };
        from = place;
        sleep(PAUSE).await;
    }
}

/// The next portion. Pages without anything of theirs are stepped over.
async fn next(
    app: &Arc<App>,
    who: &UserId,
    from: &ErasePlace,
) -> Result<(Portion, Option<ErasePlace>), LedgerError> {
    let mut place = from.clone();
    loop {
        let (whom, at) = (who.clone(), place.clone());
        let found = look(app, move |rows| queries::erasure::next(rows, &whom, &at));
        match found.await? {
            (Portion::Nothing, Some(next @ ErasePlace::In(..))) => place = next,
            found => return Ok(found),
        }
    }
}

async fn take(
    app: &Arc<App>,
    who: &UserId,
    from: ErasePlace,
    to: Option<ErasePlace>,
    portion: Portion,
) -> Result<bool, LedgerError> {
    let step = EraseStep {
        user_id: who.clone(),
        from,
        to,
        portion,
    };
    match take_step(app, step).await? {
        Some(Outcome::EraseStep { is_taken }) => Ok(is_taken),
        other => Err(LedgerError::Internal(format!(
            "a step of erasing was not taken: {other:?}"
        ))),
    }
}
