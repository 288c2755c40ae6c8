//! For load balancers and operators. No token, so no details but one reason in a few words: the rest is in the log.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// `GET /health`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`, or `unavailable` with status 503.
    #[schema(value_type = String)]
    status: &'static str,
    /// `ok` or `unavailable`.
    #[schema(value_type = String)]
    database: &'static str,
    /// `not configured`: one server needs none.
    #[schema(value_type = String)]
    redis: &'static str,
    /// The program's version.
    #[schema(value_type = String)]
    version: &'static str,
}

/// `GET /health/live`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Live {
    /// `ok`.
    #[schema(value_type = String)]
    status: &'static str,
}

/// `GET /health/ready`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    /// `ok`, or `unavailable` with status 503.
    #[schema(value_type = String)]
    status: &'static str,
    /// Why it is unavailable, in a few words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
}

/// How the server and what it stands on are.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "It serves.", body = Health),
        (status = 503, description = "It does not.", body = Health)))]
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let word = |is_good: bool| if is_good { "ok" } else { "unavailable" };
    let is_ready = readiness(&app).is_ok();
    let health = Health {
        status: word(is_ready),
        database: word(app.ledger.health().is_ok()),
        // Without it delivery is late, not wrong: the server is ready all the same.
        redis: app.reaches_others().map_or("not configured", word),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status(is_ready), Json(health)).into_response()
}

/// Whether the process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, description = "It runs.", body = Live)))]
pub(super) async fn live() -> Json<Live> {
    Json(Live { status: "ok" })
}

/// Whether it takes requests.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, description = "It does.", body = Ready),
        (status = 503, description = "It does not: send nobody.", body = Ready)))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let reason = readiness(&app).err();
    let is_ready = reason.is_none();
    let status_word = if is_ready { "ok" } else { "unavailable" };
    let ready = Ready {
        status: status_word,
        reason,
    };
    (status(is_ready), Json(ready)).into_response()
}

fn readiness(app: &App) -> Result<(), String> {
    let readiness = app.readiness();
    if let Err(reason) = &readiness {
        tracing::warn!(reason, "not ready");
    }
    readiness
}

fn status(is_ready: bool) -> StatusCode {
    if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
