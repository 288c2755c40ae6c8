//! Requests without a connection: for those who bring a network of their own, as simulations do.

use std::sync::Arc;

use axum::{Router, body::Body, extract::Request, http::header};
use http_body_util::BodyExt;
use tower_service::Service;

use super::router;
use crate::app::App;

/// Answers requests in the caller's task.
#[derive(Clone, Debug)]
pub struct Direct(Router);

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Access token.
    pub token: String,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// JSON; none: no body.
    pub body: Option<String>,
}

impl Direct {
    /// Over everything under `/api`.
    pub fn new(app: Arc<App>) -> Self {
        Self(router(app))
    }

    /// Answers with status and body.
    ///
    /// # Panics
    /// When path, token or key cannot be sent over HTTP at all.
    pub async fn call(&self, call: Call) -> (u16, Vec<u8>) {
        let mut request = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header(header::AUTHORIZATION, format!("Bearer {}", call.token));
        if let Some(key) = call.key {
            request = request.header("idempotency-key", key);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Body::from(call.body.unwrap_or_default()))
            .expect("it can be sent over HTTP");
        let answered = self.0.clone().call(request).await;
        let answer = answered.unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await;
        let body = body.expect("a body in memory is there");
        (status, body.to_bytes().to_vec())
    }
}
