//! Lets the pages of other origins call, where the settings name them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use crate::config::ANY_ORIGIN;

/// How long a browser remembers what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_hours(1);
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id");
const ANSWER_HEADERS: HeaderValue =
    HeaderValue::from_static("idempotent-replayed, location, retry-after, x-request-id");

/// A router that origins may call from a browser. Nothing is added when none is named.
pub(super) fn around(router: Router, origins: &[String]) -> Router {
    if origins.is_empty() {
        return router;
    }
    let origins: Arc<[String]> = origins.into();
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let origins = Arc::clone(&origins);
        async move { answer(&origins, request, next).await }
    }))
}

async fn answer(origins: &[String], request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).filter(|origin| {
        origins.iter().any(|allowed| {
            allowed == ANY_ORIGIN || origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes())
        })
    });
    let origin = origin.cloned();
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&origin, is_preflight) {
        (Some(_), true) => StatusCode::NO_CONTENT.into_response(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        allow(headers, origin, is_preflight);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    // The header that keeps other origins' pages out of answers must not contradict.
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("cross-origin"),
    );
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            PREFLIGHT_AGE.as_secs().into(),
        );
    }
}
