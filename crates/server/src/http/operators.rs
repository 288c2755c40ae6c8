//! Calls of operators. Each checks for itself that the token is an operator's.

use semel_core::{
    Refusal, Rows, Stop, access,
    actions::{
        Action, ByGrant, ExpelParticipant, RemoveMessage, Resolve, ResolveReport, SetOperator,
        SetStanding,
    },
    queries,
    safety::ReportRow,
};
use semel_protocol::{
    Code,
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX},
    operator::{AuditPage, Operator, OperatorList, OperatorResult, Reason, StandingResult},
    report::{self, ReportOutcome, ReportPage, ResolveResult},
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

/// Something that an operator does. Who signed in here must be one at that moment; a host application answers for its tokens.
pub(super) fn deed(caller: &Caller, action: impl Into<Action>) -> Result<Action, Refusal> {
    check(caller)?;
    let action = action.into();
    if caller.session_id.is_none() {
        return Ok(action);
    }
    let action = Box::new(action);
    Ok(ByGrant { action }.into())
}

/// Something that an operator asks, under the same conditions.
fn question(
    caller: &Caller,
    mut ask: impl FnMut(&Rows) -> Result<Data, Stop> + Send + 'static,
) -> Result<Ask, Refusal> {
    check(caller)?;
    let (who, is_granted) = (caller.user_id.clone(), caller.session_id.is_some());
    Ok(Box::new(move |rows| {
        if is_granted {
            access::operator(rows, &who)?;
        }
        ask(rows)
    }))
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
    deed(caller, action)
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
    deed(caller, action)
}

/// Takes a person out of a group; only admins of it bring them back. The answer says nothing of the group.
#[utoipa::path(post, path = "/api/operator/threads/{thread_id}/participants/{user_id}/remove", tag = "operators",
    operation_id = "expel_participant", request_body = Reason,
    responses((status = 200, description = "They are not in it.", body = Success<Done>)))]
pub(super) fn expel_participant(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    check(caller)?;
    let Reason { reason } = parts.json()?;
    let action = ExpelParticipant {
        thread_id: parts.thread_id()?,
        user_id: parts.user_id()?,
        reason,
    };
    deed(caller, action)
}

/// Makes a person an operator: their tokens from the next refresh on are an operator's.
#[utoipa::path(post, path = "/api/operator/people/{user_id}/grant", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "They are one.", body = Success<OperatorResult>)))]
pub(super) fn grant(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_operator(caller, parts, true)
}

/// Ends that a person is an operator: from the answer on nothing that they do as one is accepted. The last one stays.
#[utoipa::path(post, path = "/api/operator/people/{user_id}/withdraw", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "They are none.", body = Success<OperatorResult>)))]
pub(super) fn withdraw(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_operator(caller, parts, false)
}

fn set_operator(caller: &Caller, parts: &Parts, is_operator: bool) -> Result<Action, Refusal> {
    check(caller)?;
    let Reason { reason } = parts.json()?;
    let action = SetOperator {
        user_id: parts.user_id()?,
        is_operator,
        reason,
    };
    deed(caller, action)
}

/// Who runs this server.
#[utoipa::path(get, path = "/api/operator/operators", tag = "operators",
    responses((status = 200, description = "All of them.", body = Success<OperatorList>)))]
pub(super) fn list_operators(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    question(caller, |rows| {
        let operators = queries::safety::operators(rows)?.into_iter();
        let operators = operators.map(|(user_id, since)| Operator { user_id, since });
        Ok(Data::Operators(OperatorList {
            operators: operators.collect(),
        }))
    })
}

/// What people reported: the open reports first. Those about the caller are for other operators.
#[utoipa::path(get, path = "/api/operator/reports", tag = "operators",
    responses((status = 200, description = "One page.", body = Success<ReportPage>)))]
pub(super) fn list_reports(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    check(caller)?;
    let after = parts
        .query("cursor")
        .map(|text| cursor::report(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    question(caller, move |rows| {
        let mut page = queries::safety::reports(rows, &who, after, limit + 1)?;
        let end = cut(&mut page, limit);
        let place = |(id, row): &(_, ReportRow)| {
            let resolved_at = row.resolution.as_ref().map(|it| it.at);
            cursor::of_report((resolved_at, *id))
        };
        Ok(Data::Reports(ReportPage {
            next_cursor: end.map(place),
            reports: page
                .iter()
                .map(|(id, row)| convert::report(*id, row))
                .collect(),
        }))
    })
}

/// Says what becomes of a report, and does it: the message is removed, the person is suspended, or nothing.
#[utoipa::path(post, path = "/api/operator/reports/{report_id}/resolve", tag = "operators",
    request_body = report::ResolveReport,
    responses((status = 200, description = "It is resolved.", body = Success<ResolveResult>)))]
pub(super) fn resolve_report(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    check(caller)?;
    let request: report::ResolveReport = parts.json()?;
    let resolve = match (request.outcome, request.user_id) {
        (ReportOutcome::NoAction, None) => Resolve::NoAction,
        (ReportOutcome::MessageRemoved, None) => Resolve::RemoveMessage,
        (ReportOutcome::Suspended, Some(who)) => Resolve::Suspend(who),
        (ReportOutcome::Suspended, None) => {
            let detail = "name the person whom the report is about";
            return Err(Refusal::invalid("/user_id", detail));
        }
        (_, Some(_)) => return Err(Refusal::invalid("/user_id", "only with `suspended`")),
    };
    let action = ResolveReport {
        report_id: parts.report_id()?,
        resolve,
        reason: request.reason,
    };
    deed(caller, action)
}

/// What operators did, newest first. What others did to the caller is for other operators.
#[utoipa::path(get, path = "/api/operator/audit", tag = "operators",
    responses((status = 200, description = "One page.", body = Success<AuditPage>)))]
pub(super) fn list_audit(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    check(caller)?;
    let before = parts
        .query("cursor")
        .map(|text| cursor::audit(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    question(caller, move |rows| {
        let mut page = queries::safety::audit(rows, &who, before, limit + 1)?;
        let end = cut(&mut page, limit);
        Ok(Data::Audit(AuditPage {
            next_cursor: end.map(|(id, _)| cursor::of_audit(*id)),
            audit: page
                .iter()
                .map(|(id, row)| convert::audit_line(*id, row))
                .collect(),
        }))
    })
}
