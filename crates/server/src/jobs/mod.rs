//! What the server does by itself, from time to time.

mod erase;
mod prune_answers;
mod tell;
mod turns;

use std::sync::Arc;

pub use erase::{erase, erase_due};
pub use prune_answers::{PruneAnswersEvery, prune_answers, prune_answers_now};
use semel_core::{
    Command, Rows, Stop,
    actions::{Action, Outcome},
    ports::{LedgerError, ask},
};
use semel_protocol::UserId;
pub use tell::{tell, tell_due};

use crate::app::App;

/// Takes a step of a job, as the server itself.
async fn take_step(
    app: &Arc<App>,
    step: impl Into<Action>,
) -> Result<Option<Outcome>, LedgerError> {
    let command = Command {
        actor: UserId::of_server(),
        action: step.into(),
        idempotency: None,
        request_id: app.request_id(),
    };
    let result = app.submit(command).await?.result;
    result
        .transpose()
        .map_err(|refusal| LedgerError::Internal(refusal.detail))
}

/// Asks on behalf of a job: nobody is there who could be refused.
async fn look<T: Send + 'static>(
    app: &App,
    question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
) -> Result<T, LedgerError> {
    let found = ask(app.ledger.as_ref(), question).await?;
    found.map_err(|refusal| LedgerError::Internal(refusal.detail))
}
