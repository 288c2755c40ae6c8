//! The first page: a few files that are part of the program.

#[cfg(test)]
mod tests;

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

/// No inline script, nothing from elsewhere, no HTML made of text.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

struct File {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

macro_rules! file {
    ($path:literal, $media_type:literal, $name:literal) => {
        File {
            path: $path,
            media_type: $media_type,
            text: include_str!(concat!("assets/", $name)),
        }
    };
}

const FILES: &[File] = &[
    file!("/", "text/html; charset=utf-8", "index.html"),
    file!("/assets/app.js", "text/javascript; charset=utf-8", "app.js"),
    file!("/assets/dom.js", "text/javascript; charset=utf-8", "dom.js"),
    file!("/assets/icon.svg", "image/svg+xml", "icon.svg"),
    file!(
        "/assets/outbox.js",
        "text/javascript; charset=utf-8",
        "outbox.js"
    ),
    file!(
        "/assets/socket.js",
        "text/javascript; charset=utf-8",
        "socket.js"
    ),
    file!(
        "/assets/store.js",
        "text/javascript; charset=utf-8",
        "store.js"
    ),
    file!("/assets/style.css", "text/css; charset=utf-8", "style.css"),
    file!(
        "/assets/timeline.js",
        "text/javascript; charset=utf-8",
        "timeline.js"
    ),
];

/// One tag for all files: they are replaced together, with the program.
static TAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for file in FILES {
        hasher.update(file.text);
    }
    let mut tag = String::from("\"");
    for byte in &hasher.finalize()[..8] {
        write!(tag, "{byte:02x}").expect("a string takes every text");
    }
    tag.push('"');
    HeaderValue::from_str(&tag).expect("hexadecimal digits are a header value")
});

/// `/` and `/assets/…`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(
            file.path,
            get(async move |headers: HeaderMap| answer(file, &headers)),
        )
    })
}

fn answer(file: &File, request: &HeaderMap) -> Response {
    let is_known = request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| *known == *TAG);
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.media_type),
        ),
        (header::ETAG, TAG.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    if is_known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, file.text).into_response()
    }
}
