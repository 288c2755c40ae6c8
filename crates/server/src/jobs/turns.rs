//! Jobs that go on person by person, a few steps of each at a time.
//!
//! Invariant: nobody waits for whoever takes long, nor for whoever cannot be done now.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use semel_core::{Rows, Stop, ports::LedgerError};
use semel_protocol::{Timestamp, UserId};
use tokio::{sync::Notify, time::timeout};

use super::look;
use crate::app::App;

/// How often it is looked whether another server has left one.
const LOOK: Duration = Duration::from_secs(10);
/// People of one look.
const PEOPLE_AT_ONCE: usize = 10;

/// A job of this kind. How far it is with each person lies in the database: any server goes on where another one stopped.
pub(super) trait Job: 'static {
    /// For the log.
    const NAME: &'static str;

    /// How far it is with a person.
    type Place: Send + Sync + 'static;

    /// Rung when there is something to do.
    fn bell(app: &App) -> &Notify;

    /// Who is due at a time, those that wait longest first: up to so many.
    fn due(rows: &Rows, time: Timestamp, limit: usize) -> Result<Vec<UserId>, Stop>;

    /// How far it is with a person; none: it is done.
    fn place(rows: &Rows, who: &UserId) -> Result<Option<Self::Place>, Stop>;

    /// A few steps, and where to go on; none: it is done, or another server is at it.
    fn some_steps(
        app: &Arc<App>,
        who: &UserId,
        from: Self::Place,
    ) -> impl Future<Output = Result<Option<Self::Place>, LedgerError>> + Send;
}

/// Does whatever is due, until the task is dropped.
pub(super) async fn run<J: Job>(app: Arc<App>) {
    loop {
        match do_due::<J>(&app).await {
            Ok(()) => {}
            Err(LedgerError::Closing) => return,
            Err(error) => tracing::warn!(%error, "{} is held up", J::NAME),
        }
        let _ = timeout(LOOK, J::bell(&app).notified()).await;
    }
}

/// Does whatever is due now, to the end.
pub(super) async fn do_due<J: Job>(app: &Arc<App>) -> Result<(), LedgerError> {
    let mut turns: VecDeque<(UserId, J::Place)> = VecDeque::new();
    let mut failed: BTreeSet<UserId> = BTreeSet::new();
    loop {
        // However many failed, the others are seen behind them.
        let (now, limit) = (app.clock.now(), PEOPLE_AT_ONCE + failed.len());
        let due = look(app, move |rows| J::due(rows, now, limit)).await?;
        for who in due {
            // Who has a turn keeps it, or those at the front would be there again and again. A place that has become old is
            // only not taken.
            if failed.contains(&who) || turns.iter().any(|(other, _)| *other == who) {
                continue;
            }
            let whom = who.clone();
            match look(app, move |rows| J::place(rows, &whom)).await {
                Ok(place) => turns.extend(place.map(|place| (who, place))),
                Err(error) => hold_up::<J>(error, who, &mut failed)?,
            }
        }
        let Some((who, place)) = turns.pop_front() else {
            return Ok(());
        };
        match J::some_steps(app, &who, place).await {
            Ok(place) => turns.extend(place.map(|place| (who, place))),
            Err(error) => hold_up::<J>(error, who, &mut failed)?,
        }
    }
}

/// The others do not wait for whoever cannot be done now.
fn hold_up<J: Job>(
    error: LedgerError,
    who: UserId,
    failed: &mut BTreeSet<UserId>,
) -> Result<(), LedgerError> {
    if matches!(error, LedgerError::Closing) {
        return Err(error);
    }
    tracing::warn!(%error, user_id = %who, "{} is held up", J::NAME);
    failed.insert(who);
    Ok(())
}
