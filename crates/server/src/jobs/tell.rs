//! Tells everybody who shares a thread with a person that their profile is another one, in steps that are small enough not to hold up
//! anybody else.

use std::{sync::Arc, time::Duration};

use semel_core::{
    Rows, Stop,
    actions::{Outcome, TellStep},
    ports::LedgerError,
    queries,
    telling::TellPlace,
};
use semel_protocol::{Timestamp, UserId};
use tokio::{sync::Notify, time::sleep};

use super::{
    look, take_step,
    turns::{self, Job},
};
use crate::app::App;

/// Between two steps: devices take the news of one before those of the next.
const PAUSE: Duration = Duration::from_millis(20);
/// How long another server is left alone with a person.
const ELSEWHERE: Duration = Duration::from_millis(200);
/// Steps of one person before it is the turn of the next one.
const STEPS_AT_ONCE: usize = 4;

struct Tell;

impl Job for Tell {
    const NAME: &'static str = "telling of a profile";

    type Place = TellPlace;

    fn bell(app: &App) -> &Notify {
        &app.telling
    }

    fn due(rows: &Rows, time: Timestamp, limit: usize) -> Result<Vec<UserId>, Stop> {
        queries::telling::due(rows, time, limit)
    }

    fn place(rows: &Rows, who: &UserId) -> Result<Option<TellPlace>, Stop> {
        queries::telling::place(rows, who)
    }

    async fn some_steps(
        app: &Arc<App>,
        who: &UserId,
        from: TellPlace,
    ) -> Result<Option<TellPlace>, LedgerError> {
        some_steps(app, who, from).await
    }
}

/// Tells whatever is due, until the task is dropped.
pub async fn tell(app: Arc<App>) {
    turns::run::<Tell>(app).await;
}

/// Tells whatever is due now, to the end.
pub async fn tell_due(app: &Arc<App>) -> Result<(), LedgerError> {
    turns::do_due::<Tell>(app).await
}

/// Tells some of those who are to be told of a person, whoever is at it. Whether nobody is left: what depends on who is in their threads
/// comes afterwards.
pub(super) async fn tell_some(app: &Arc<App>, who: &UserId) -> Result<bool, LedgerError> {
    let whom = who.clone();
    let place = look(app, move |rows| queries::telling::place(rows, &whom)).await?;
    let Some(place) = place else {
        return Ok(true);
    };
    if some_steps(app, who, place).await?.is_none() {
        // It is done, or another one is at it: to try against them would only hold them up.
        sleep(ELSEWHERE).await;
    }
    Ok(false)
}

async fn some_steps(
    app: &Arc<App>,
    who: &UserId,
    mut from: TellPlace,
) -> Result<Option<TellPlace>, LedgerError> {
    for _ in 0..STEPS_AT_ONCE {
        let (people, to) = next(app, who, &from).await?;
        if !take(app, who, from, to.clone(), people).await? {
            return Ok(None);
        }
        let Some(place) = to else {
            return Ok(None);
        };
        from = place;
        sleep(PAUSE).await;
    }
    Ok(Some(from))
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
