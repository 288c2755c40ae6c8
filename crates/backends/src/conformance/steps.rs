//! Steps of the jobs that go on person by person.

use semel_core::{
    Rows, Stop,
    actions::{Action, Outcome},
    ports::{Ledger, ask},
};
use semel_protocol::{Timestamp, UserId};

use super::world::{command, done};

/// What comes after a place, and the place after that.
type Next<P, D> = Result<(D, Option<P>), Stop>;

/// A job: who is due, how far it is with them, what comes next, and the step that does it.
pub(crate) struct Job<P, D> {
    pub(crate) due: fn(&Rows, Timestamp, usize) -> Result<Vec<UserId>, Stop>,
    pub(crate) place: fn(&Rows, &UserId) -> Result<Option<P>, Stop>,
    pub(crate) next: fn(&Rows, &UserId, &P) -> Next<P, D>,
    pub(crate) step: fn(UserId, (P, Option<P>), D) -> Action,
}

/// One step, as a server takes it; none when nobody is due. Whether it was taken: somebody else may have been faster.
pub(crate) async fn step<P, D>(ledger: &dyn Ledger, job: Job<P, D>) -> Option<bool>
where
    P: Clone + Send + 'static,
    D: Send + 'static,
{
    let due = ask(ledger, move |rows| (job.due)(rows, Timestamp(i64::MAX), 10));
    let due = due.await.expect("an answer").expect("no refusal");
    let who = due.into_iter().next()?;
    let whom = who.clone();
    let place = ask(ledger, move |rows| (job.place)(rows, &whom));
    let place = place.await.expect("an answer").expect("no refusal");
    let Some(from) = place else {
        return Some(false);
    };
    let (whom, at) = (who.clone(), from.clone());
    let next = ask(ledger, move |rows| (job.next)(rows, &whom, &at));
    let (what, to) = next.await.expect("an answer").expect("no refusal");
    let step = (job.step)(who, (from, to), what);
    match done(ledger.submit(command("system", step)).await) {
        Outcome::TellStep { is_taken } | Outcome::EraseStep { is_taken } => Some(is_taken),
        other => panic!("{other:?}"),
    }
}
