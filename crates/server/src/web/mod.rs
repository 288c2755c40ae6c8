//! The web client: files that `build.rs` made part of the program, each packed beforehand.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest, Sha256};

/// No inline script, nothing from elsewhere, no HTML made of text. The one named policy is for the service worker.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types semel-worker";
/// Where the client has a page of its own; it finds out by the address which one.
const PAGES: &[&str] = &[
    "/",
    "/self",
    "/people",
    "/join",
    "/settings",
    "/operator",
    "/operator/{page}",
    "/c/{id}",
    "/u/{id}",
];
/// Files below it have a hash of what they hold in their names.
const HASHED: &str = "assets/";
/// A year, in seconds: what has a hash in its name never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";

struct File {
    /// Without a slash in front.
    path: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

/// What is served when the client was not built.
const NONE: File = File {
    path: "index.html",
    plain: include_bytes!("none.html"),
    gzip: None,
    brotli: None,
};

/// The pages and files of the client.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    routes(BUILT)
}

fn routes<S: Clone + Send + Sync + 'static>(files: &'static [File]) -> Router<S> {
    let mut router = Router::new();
    let page = files.iter().find(|file| file.path == "index.html");
    let page = page.unwrap_or(&NONE);
    for path in PAGES {
        router = serve(router, path, page);
    }
    for file in files.iter().filter(|file| file.path != "index.html") {
        router = serve(router, &format!("/{}", file.path), file);
    }
    router
}

fn serve<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    path: &str,
    file: &'static File,
) -> Router<S> {
    let tag = tag_of(file.plain);
    router.route(
        path,
        get(async move |headers: HeaderMap| answer(file, &tag, &headers)),
    )
}

fn answer(file: &File, tag: &str, request: &HeaderMap) -> Response {
    let (encoding, bytes) = chosen(file, request);
    // The same words packed otherwise are other bytes.
    let tag = format!("\"{tag}-{encoding}\"");
    let is_known = request
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let cache = if file.path.starts_with(HASHED) {
        FOREVER
    } else {
        "no-cache"
    };
    let fixed = [
        (header::CONTENT_TYPE, media_type(file.path)),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if encoding != "plain" {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, bytes).into_response()
}

/// The smallest form that the browser takes.
fn chosen(file: &File, request: &HeaderMap) -> (&'static str, &'static [u8]) {
    let accepted = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    for (name, packed) in [("br", file.brotli), ("gzip", file.gzip)] {
        if let Some(bytes) = packed
            && accepts(accepted, name)
        {
            return (name, bytes);
        }
    }
    ("plain", file.plain)
}

/// Whether a list such as `gzip, br;q=0.5` has a name, and not with the weight that forbids it.
fn accepts(list: &str, name: &str) -> bool {
    list.split(',').any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next() == Some(name);
        let is_forbidden = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        is_named && !is_forbidden
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml; charset=utf-8",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

fn tag_of(bytes: &[u8]) -> String {
    let mut tag = String::new();
    for byte in &Sha256::digest(bytes)[..8] {
        write!(tag, "{byte:02x}").expect("a string takes every text");
    }
    tag
}
