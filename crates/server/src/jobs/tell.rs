//! Tells everybody who shares a thread with a person that their profile is another one, in steps that are small enough not to hold up
//! anybody else. How far each is lies in the database: any server goes on where another one stopped.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use semel_core::{
    actions::{Outcome, TellStep},
    ports::LedgerError,
    queries,
    telling::TellPlace,
};
use semel_protocol::UserId;
use tokio::time::{sleep, timeout};

use super::{look, take_step};
use crate::app::App;

/// How often it is looked whether another server has left one.
const LOOK: Duration = Duration::from_secs(10);
/// Between two steps: devices take the news of one before those of the next.
const PAUSE: Duration = Duration::from_millis(20);
/// How long another server is left alone with a person.
const ELSEWHERE: Duration = Duration::from_millis(200);
/// People of one look.
const PEOPLE_AT_ONCE: usize = 10;
/// Steps of one person before it is the turn of the next one: nobody waits for whoever is in the largest groups.
const STEPS_AT_ONCE: usize = 4;

type Turn = (UserId, TellPlace);

/// Tells whatever is due, until the task is dropped.
pub async fn tell(app: Arc<App>) {
    loop {
        match tell_due(&app).await {
            Ok(()) => {}
            Err(LedgerError::Closing) => return,
            Err(error) => tracing::warn!(%error, "telling of a profile is held up"),
        }
        let _ = timeout(LOOK, app.telling.notified()).await;
    }
}

/// Tells whatever is due now, to the end.
pub async fn tell_due(app: &Arc<App>) -> Result<(), LedgerError> {
    let mut turns: VecDeque<Turn> = VecDeque::new();
    let mut failed: BTreeSet<UserId> = BTreeSet::new();
    loop {
        let now = app.clock.now();
        let due = look(app, move |rows| {
            queries::telling::due(rows, now, PEOPLE_AT_ONCE)
        });
        for (who, row) in due.await? {
            // Who has a turn keeps it, or those at the front would be there again and again. A place that has become old is
            // only not taken.
            let has_turn = turns.iter().any(|(other, _)| *other == who);
            if !has_turn && !failed.contains(&who) {
                turns.push_back((who, row.place));
            }
        }
        let Some(turn) = turns.pop_front() else {
            return Ok(());
        };
        let who = turn.0.clone();
        match some_steps(app, turn).await {
            Ok(more) => turns.extend(more),
            Err(LedgerError::Closing) => return Err(LedgerError::Closing),
            // The others do not wait for whoever cannot be told of now.
            Err(error) => {
                tracing::warn!(%error, user_id = %who, "telling of a profile is held up");
                failed.insert(who);
            }
        }
    }
}

/// Tells of one person to the end, whoever is at it: what depends on who is in their threads comes afterwards.
pub(super) async fn tell_of(app: &Arc<App>, who: &UserId) -> Result<(), LedgerError> {
    loop {
        let whom = who.clone();
        let row = look(app, move |rows| queries::telling::of(rows, &whom)).await?;
        let Some(row) = row else {
            return Ok(());
        };
        if some_steps(app, (who.clone(), row.place)).await?.is_none() {
            // It is done, or another one is at it: to try against them would only hold them up.
            sleep(ELSEWHERE).await;
        }
    }
}

/// A few steps, and where to go on; none: everybody knows, or another server is at it.
async fn some_steps(app: &Arc<App>, (who, mut from): Turn) -> Result<Option<Turn>, LedgerError> {
    for _ in 0..STEPS_AT_ONCE {
        let (people, to) = next(app, &who, &from).await?;
        if !take(app, &who, from, to.clone(), people).await? {
            return Ok(None);
        }
        let Some(place) = to else {
            return Ok(None);
        };
        from = place;
        sleep(PAUSE).await;
    }
    Ok(Some((who, from)))
}

/// The next people. Where nobody is to be told, it goes on.
async fn next(
    app: &Arc<App>,
    who: &UserId,
    from: &TellPlace,
) -> Result<(Vec<UserId>, Option<TellPlace>), LedgerError> {
    let mut place = from.clone();
    loop {
        let (whom, at) = (who.clone(), place.clone());
        let found = look(app, move |rows| queries::telling::next(rows, &whom, &at));
        match found.await? {
            (people, Some(next)) if people.is_empty() && place != TellPlace::START => place = next,
            found => return Ok(found),
        }
    }
}

async fn take(
    app: &Arc<App>,
    who: &UserId,
    from: TellPlace,
    to: Option<TellPlace>,
    people: Vec<UserId>,
) -> Result<bool, LedgerError> {
    let step = TellStep {
        user_id: who.clone(),
        from,
        to,
        people,
    };
    match take_step(app, step).await? {
        Some(Outcome::TellStep { is_taken }) => Ok(is_taken),
        other => Err(LedgerError::Internal(format!(
            "a step of telling was not taken: {other:?}"
        ))),
    }
}
