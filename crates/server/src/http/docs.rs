//! The document, and a page to browse it that needs no other host.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use super::openapi;
use crate::app::App;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    openapi::document()
        .to_json()
        .expect("the document is plain JSON")
});

pub(super) fn router() -> Router<Arc<App>> {
    let (page, style, script) = (
        include_str!("docs/page.html"),
        include_str!("docs/page.css"),
        include_str!("docs/page.js"),
    );
    Router::new()
        .route(
            "/api/openapi.json",
            get(async move || file("application/json", &DOCUMENT)),
        )
        .route(
            "/api/docs",
            get(async move || file("text/html; charset=utf-8", page)),
        )
        .route(
            "/api/docs/page.css",
            get(async move || file("text/css; charset=utf-8", style)),
        )
        .route(
            "/api/docs/page.js",
            get(async move || file("text/javascript; charset=utf-8", script)),
        )
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
