//! Around every request: its id, its span, the headers that every answer has.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use metrics::counter;
use tracing::Instrument;

use super::{respond, rest::Rest};
use crate::{app::App, headers, telemetry::metrics::HTTP_REQUESTS};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARACTERS_MAX: usize = 64;

/// The id under which the log tells about a request: the caller's, or a fresh one.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

pub(super) async fn around(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = accepted(&request).unwrap_or_else(|| app.request_id());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        route,
        user_id = tracing::field::Empty,
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let (request, rest) = Rest::of(request);
    let started = Instant::now();
    let mut response = async {
        let caught = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let response = caught.unwrap_or_else(|cause| panicked(cause.as_ref(), &id));
        if let Some(rest) = rest {
            rest.throw_away().await;
        }
        let status = response.status().as_u16();
        let millis = started.elapsed().as_secs_f64() * 1_000.0;
        tracing::debug!(status, millis, "answered");
        counter!(HTTP_REQUESTS, "route" => route, "status" => status.to_string()).increment(1);
        response
    }
    .instrument(span)
    .await;
    let headers = response.headers_mut();
    headers::guard(headers);
    headers.insert(
        REQUEST_ID,
        HeaderValue::from_str(&id).expect("a request id is visible ASCII"),
    );
    response
}

fn accepted(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let is_good = (1..=REQUEST_ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(is_plain);
    is_good.then(|| id.to_owned())
}

/// A bug of ours ends one request and nothing else.
fn panicked(cause: &(dyn Any + Send), request_id: &str) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("no text");
    tracing::error!(cause = text, "a handler panicked");
    respond::internal(request_id)
}
