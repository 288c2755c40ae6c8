//! Erases people whose erasure has begun, in steps that are small enough not to hold up anybody else.

use std::{sync::Arc, time::Duration};

use semel_core::{
    Rows, Stop,
    actions::{EraseStep, Outcome, Portion},
    erasure::ErasePlace,
    ports::LedgerError,
    queries,
};
use semel_protocol::{Timestamp, UserId};
use tokio::{sync::Notify, time::sleep};

use super::{
    look, take_step,
    tell::tell_some,
    turns::{self, Job},
};
use crate::app::App;

/// Between two steps: devices take the entries of one before those of the next.
const PAUSE: Duration = Duration::from_millis(20);
/// Steps of one person before it is the turn of the next one.
const STEPS_AT_ONCE: usize = 4;

struct Erase;

impl Job for Erase {
    const NAME: &'static str = "erasing a person";

    type Place = ErasePlace;

    fn bell(app: &App) -> &Notify {
        &app.erasing
    }

    fn due(rows: &Rows, time: Timestamp, limit: usize) -> Result<Vec<UserId>, Stop> {
        queries::erasure::due(rows, time, limit)
    }

    fn place(rows: &Rows, who: &UserId) -> Result<Option<ErasePlace>, Stop> {
        queries::erasure::place(rows, who)
    }

    async fn some_steps(
        app: &Arc<App>,
        who: &UserId,
        mut from: ErasePlace,
    ) -> Result<Option<ErasePlace>, LedgerError> {
        // Once their seats are given up, nobody knows any more whom they shared threads with.
        if !tell_some(app, who).await? {
            return Ok(Some(from));
        }
        for _ in 0..STEPS_AT_ONCE {
            let (portion, to) = next(app, who, &from).await?;
            if !take(app, who, from, to.clone(), portion).await? {
                return Ok(None);
            }
            let Some(place) = to else {
                tracing::info!(user_id = %who, "a person was erased");
                return Ok(None);
            };
            from = place;
            sleep(PAUSE).await;
        }
        Ok(Some(from))
    }
}

/// Erases whoever is due, until the task is dropped.
pub async fn erase(app: Arc<App>) {
    turns::run::<Erase>(app).await;
}

/// Erases whoever is due now, to the end.
pub async fn erase_due(app: &Arc<App>) -> Result<(), LedgerError> {
    turns::do_due::<Erase>(app).await
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
