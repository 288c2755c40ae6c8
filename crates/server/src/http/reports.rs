//! Calls by which people report what is wrong.

use semel_core::{
    Refusal,
    actions::{Action, Report, Reported},
};
use semel_protocol::report::{NewReport, ReportResult};

use super::parts::Parts;
use crate::{auth::Caller, convert::Success};

/// Reports a message that the caller may see. Operators get it as it is now, whatever becomes of it. A repeat changes nothing.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/messages/{message_id}/report", tag = "messages",
    request_body = NewReport,
    responses((status = 200, description = "It is reported.", body = Success<ReportResult>)))]
pub(super) fn report_message(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let what = Reported::Message(parts.thread_id()?, parts.message_id()?);
    report(parts, what)
}

/// Reports a person. They are not told. A repeat changes nothing.
#[utoipa::path(post, path = "/api/users/{user_id}/report", tag = "people",
    request_body = NewReport,
    responses((status = 200, description = "They are reported.", body = Success<ReportResult>)))]
pub(super) fn report_person(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    report(parts, Reported::Person(parts.user_id()?))
}

fn report(parts: &Parts, what: Reported) -> Result<Action, Refusal> {
    let NewReport { reason, details } = parts.json()?;
    let details = details.unwrap_or_default();
    Ok(Report {
        what,
        reason,
        details,
    }
    .into())
}
