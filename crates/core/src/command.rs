//! A command: an action, who asked for it, and under which idempotency key.

use semel_protocol::{Code, UserId};
use semel_sabotage::{Defect, is_on};

use crate::{
    Context, Key, Refusal, Rows, Stop, access,
    actions::{Action, Outcome},
    ports::Renderer,
    row::AnswerRow,
};

/// An idempotency key with the fingerprint of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
}

/// What is submitted to a ledger.
#[derive(Clone, Debug)]
pub struct Command {
    /// Who does it.
    pub actor: UserId,
    /// What.
    pub action: Action,
    /// Under which key, if any.
    pub idempotency: Option<IdempotencyKey>,
    /// Under which the log has more.
    pub request_id: String,
}

/// Bytes for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// `Location` header.
    pub location: Option<String>,
}

/// What became of a command.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The decision; none when an earlier answer is replayed.
    pub result: Option<Result<Outcome, Refusal>>,
    /// With an idempotency key: the stored bytes, now or then.
    pub answer: Option<Answer>,
}

impl Reply {
    /// Whether the answer is that of an earlier request.
    pub fn is_replay(&self) -> bool {
        self.result.is_none()
    }
}

/// Decides a command on rows: the stored answer first, then the action, then its answer, all or nothing.
///
/// `Err` names what is missing; nothing was written then.
pub fn execute(
    command: &Command,
    rows: &mut Rows,
    context: &Context<'_>,
    renderer: &dyn Renderer,
) -> Result<Reply, Key> {
    let reply = attempt(command, rows, context, renderer);
    match reply {
        Ok(reply) => {
            rows.settle();
            Ok(reply)
        }
        Err(Stop::NotLoaded(key)) => {
            rows.undo();
            Err(key)
        }
        Err(Stop::Refused(refusal)) => {
            rows.undo();
            Ok(Reply {
                result: Some(Err(*refusal)),
                answer: None,
            })
        }
    }
}

fn attempt(
    command: &Command,
    rows: &mut Rows,
    context: &Context<'_>,
    renderer: &dyn Renderer,
) -> Result<Reply, Stop> {
    access::welcome(rows, &command.actor)?;
    if let Some(answer) = stored_answer(command, rows, context)? {
        return Ok(Reply {
            result: None,
            answer: Some(answer),
        });
    }
    let result = match command
        .action
        .decide(&command.actor, rows, context, renderer)
    {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(refusal)) => {
            rows.undo_but_counted();
            Err(*refusal)
        }
        Err(stop) => return Err(stop),
    };
    // What may succeed later is not decided for ever.
    let is_final =
        |result: &Result<_, Refusal>| !result.as_ref().is_err_and(|no| no.code.is_retryable());
    let kept = command.idempotency.as_ref().filter(|_| is_final(&result));
    let answer = kept.map(|idempotency| {
        let answer = renderer.render(&result, &command.request_id);
        let row = AnswerRow {
            fingerprint: idempotency.fingerprint,
            status: answer.status,
            body: answer.body.clone(),
            location: answer.location.clone(),
            created_at: context.now,
            message_ids: result
                .as_ref()
                .map(Outcome::message_ids)
                .unwrap_or_default()
                .into_iter()
                .collect(),
        };
        rows.answers
            .put((command.actor.clone(), idempotency.key.clone()), Some(row));
        answer
    });
    Ok(Reply {
        result: Some(result),
        answer,
    })
}

/// The answer of an earlier request with this key. One that has expired counts as absent, present or not.
fn stored_answer(
    command: &Command,
    rows: &Rows,
    context: &Context<'_>,
) -> Result<Option<Answer>, Stop> {
    let kept = command.idempotency.as_ref();
    let Some(idempotency) = kept.filter(|_| !is_on(Defect::NoIdempotency)) else {
        return Ok(None);
    };
    let Some(row) = rows.answer(&command.actor, &idempotency.key)? else {
        return Ok(None);
    };
    if context.now.0 - row.created_at.0 >= context.idempotency_ms {
        return Ok(None);
    }
    if row.fingerprint != idempotency.fingerprint {
        let detail = "this idempotency key was used for another request";
        return Err(Refusal::new(Code::IdempotencyKeyReused, detail).into());
    }
    let (status, body, location) = (row.status, row.body.clone(), row.location.clone());
    Ok(Some(Answer {
        status,
        body,
        location,
    }))
}
