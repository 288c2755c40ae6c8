//! The end of an account.

use axum::response::Response;
use semel_core::{
    Command, Refusal,
    actions::{Begin, BeginErasure, Outcome},
};
use semel_protocol::{
    Problem,
    export::{EraseMe, ErasureResult},
};

use super::{Visit, success};
use crate::convert::{self, Success};

/// Erases the caller: from the answer on nobody acts as them, all their devices are signed out, and what they said becomes
/// tombstones. It takes a sign-in of the last 10 minutes, and cannot be undone. Repeated, it is refused: the token counts no more.
#[utoipa::path(post, path = "/api/auth/erase", tag = "sign-in",
    request_body = EraseMe,
    responses((status = 200, description = "It has begun.", body = Success<ErasureResult>)))]
pub(in crate::http) async fn erase(visit: Visit) -> Result<Response, Problem> {
    let caller = visit.caller().await?;
    let EraseMe { user_id } = visit.json()?;
    if user_id != caller.user_id {
        return Err(visit.refuse(&Refusal::invalid("/user_id", "the caller's own id")));
    }
    let command = Command {
        actor: user_id.clone(),
        action: BeginErasure {
            user_id,
            by: Begin::Themselves(caller.session_id),
        }
        .into(),
        idempotency: None,
        request_id: visit.request_id.clone(),
    };
    let reply = visit.app.submit(command).await;
    let reply = reply.map_err(|error| convert::from_ledger(&error, &visit.request_id))?;
    match reply.result {
        Some(Ok(Outcome::Erased { user_id, at, .. })) => Ok(success(&ErasureResult {
            user_id,
            erased_at: at,
        })),
        Some(Err(refusal)) => Err(visit.refuse(&refusal)),
        other => unreachable!("an erasure brings {other:?}"),
    }
}
