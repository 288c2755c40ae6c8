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

use crate::app::{App, Readiness};

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
    /// `ok`, `degraded` (it takes requests, with status 200), or `unavailable` with status 503.
    #[schema(value_type = String)]
    status: &'static str,
    /// What it is about: `database`, `redis`, or `drain` while the server stops.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    /// Why, in a few words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Readiness> for Ready {
    fn from(readiness: Readiness) -> Self {
        let (status, part, reason) = match readiness {
            Readiness::Ready => ("ok", None, None),
            Readiness::NoRedis => {
                let reason = "Redis does not answer: other servers' news come from the database";
                ("degraded", Some("redis"), Some(reason.to_owned()))
            }
            Readiness::Draining => {
                let reason = "the server is stopping";
                ("unavailable", Some("drain"), Some(reason.to_owned()))
            }
            Readiness::NoDatabase(reason) => ("unavailable", Some("database"), Some(reason)),
        };
        Self {
            status,
            part,
            reason,
        }
    }
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
    let readiness = app.readiness();
    let health = Health {
        status: word(readiness.is_ready()),
        database: word(app.ledger.health().is_ok()),
        // Without it delivery is late, not wrong: the server is ready all the same.
        redis: app.reaches_others().map_or("not configured", word),
        version: env!("CARGO_PKG_VERSION"),
    };
    (status(&readiness), Json(health)).into_response()
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
    let readiness = app.readiness();
    if !readiness.is_ready() {
        tracing::warn!(?readiness, "not ready");
    }
    (status(&readiness), Json(Ready::from(readiness))).into_response()
}

fn status(readiness: &Readiness) -> StatusCode {
    if readiness.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
