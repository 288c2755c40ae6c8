//! Calls of operators. Each checks for itself that the token is an operator's.

use semel_core::{
    Refusal,
    actions::{Action, RemoveMessage, SetStanding},
    queries,
};
use semel_protocol::{
    Code,
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX},
    operator::{AuditPage, Reason, StandingResult},
    sign_in::Done,
};

use super::{
    parts::{Parts, cut},
    route::Ask,
};
use crate::{
    auth::{Caller, Scope},
    convert::{self, Data, Success, cursor},
};

/// Refuses whoever has no operator's token.
pub(super) fn check(caller: &Caller) -> Result<(), Refusal> {
    if caller.scope == Scope::Operator {
        return Ok(());
    }
    let detail = "this needs a token with `scope: operator`";
    Err(Refusal::new(Code::Forbidden, detail))
}

/// Suspends a person: from the answer on nothing that they do is accepted, and within 5 seconds nothing is open to them on any
/// server. What they said stays.
#[utoipa::path(post, path = "/api/operator/people/{user_id}/suspend", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "They are suspended.", body = Success<StandingResult>)))]
pub(super) fn suspend(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_standing(caller, parts, true)
}

/// Ends a suspension.
#[utoipa::path(post, path = "/api/operator/people/{user_id}/lift", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "They are not suspended.", body = Success<StandingResult>)))]
pub(super) fn lift(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_standing(caller, parts, false)
}

fn set_standing(caller: &Caller, parts: &Parts, is_suspended: bool) -> Result<Action, Refusal> {
    check(caller)?;
    let Reason { reason } = parts.json()?;
    let action = SetStanding {
        user_id: parts.user_id()?,
        is_suspended,
        reason,
    };
    Ok(action.into())
}

/// Makes a message a tombstone, in whatever thread it is. The answer says nothing of the thread.
#[utoipa::path(post, path = "/api/operator/threads/{thread_id}/messages/{message_id}/remove", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "It is a tombstone.", body = Success<Done>)))]
pub(super) fn remove_message(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    check(caller)?;
    let Reason { reason } = parts.json()?;
    let action = RemoveMessage {
        thread_id: parts.thread_id()?,
        message_id: parts.message_id()?,
        reason,
    };
    Ok(action.into())
}

/// What operators did, newest first.
#[utoipa::path(get, path = "/api/operator/audit", tag = "operators",
    responses((status = 200, description = "One page.", body = Success<AuditPage>)))]
pub(super) fn list_audit(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    check(caller)?;
    let before = parts
        .query("cursor")
        .map(|text| cursor::audit(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    Ok(Box::new(move |rows| {
        let mut page = queries::safety::audit(rows, before, limit + 1)?;
        let end = cut(&mut page, limit);
        Ok(Data::Audit(AuditPage {
            next_cursor: end.map(|(id, _)| cursor::of_audit(*id)),
            audit: page
                .iter()
                .map(|(id, row)| convert::audit_line(*id, row))
                .collect(),
        }))
    }))
}
