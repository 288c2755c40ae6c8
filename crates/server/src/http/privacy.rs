//! Calls by which people get everything that is stored about them, and by which operators have it erased.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use semel_core::{
    Command, Refusal,
    actions::{Action, Begin, BeginErasure, StartExport},
};
use semel_protocol::{
    Problem,
    export::{ErasureResult, ExportLine},
    operator::Reason,
};

use super::{operators, parts::Parts, route::Streaming};
use crate::{
    auth::Caller,
    convert::{self, Success},
    export,
};

/// Everything that is stored about the caller, as one JSON object a line; the last one has the type `end`. It takes a sign-in of the
/// last 10 minutes.
#[utoipa::path(get, path = "/api/users/me/export", tag = "people",
    responses((status = 200, description = "Line by line.", content_type = "application/x-ndjson", body = ExportLine)))]
pub(super) async fn export_me(streaming: Streaming) -> Result<Response, Problem> {
    let Streaming {
        app,
        caller,
        request_id,
        ..
    } = streaming;
    let start = StartExport {
        session_id: caller.session_id,
    };
    let command = Command {
        actor: caller.user_id.clone(),
        action: start.into(),
        idempotency: None,
        request_id: request_id.clone(),
    };
    let reply = app.submit(command).await;
    let reply = reply.map_err(|error| convert::from_ledger(&error, &request_id))?;
    if let Some(Err(refusal)) = reply.result {
        return Err(convert::from_refusal(&refusal, &request_id));
    }
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"semel-export.ndjson\"",
        ),
    ];
    let body = export::body(app, caller, request_id);
    Ok((headers, body).into_response())
}

/// Erases a person, as they can do themselves. It cannot be undone.
#[utoipa::path(post, path = "/api/operator/people/{user_id}/erase", tag = "operators",
    request_body = Reason,
    responses((status = 200, description = "It has begun.", body = Success<ErasureResult>)))]
pub(super) fn erase_person(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    operators::check(caller)?;
    let Reason { reason } = parts.json()?;
    let action = BeginErasure {
        user_id: parts.user_id()?,
        by: Begin::Operator(reason),
    };
    operators::deed(caller, action)
}
