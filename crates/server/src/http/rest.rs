//! What is left of a request's body when its answer is made.
//!
//! A connection with bytes on it that nobody reads is reset when it is closed, and the caller may see the reset in place of the
//! answer. So what is left is read and thrown away first, as long as it is not too much and comes soon.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
};
use futures_util::stream;
use http_body_util::BodyExt;
use semel_protocol::limits::REQUEST_BODY_BYTES_MAX;
use tokio::{sync::Mutex, time::timeout};

/// How long an answer waits for what is left of the body.
const REST_MAX: Duration = Duration::from_secs(5);

/// A body, shared by who wants it and who throws away what is left.
#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<Body>>);

impl Rest {
    /// The rest of a request's body; none if there is no body, or the caller waits to be asked for it.
    pub(super) fn of(request: Request) -> (Request, Option<Self>) {
        if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
            return (request, None);
        }
        let (head, body) = request.into_parts();
        let rest = Self(Arc::new(Mutex::new(body)));
        let parts = stream::unfold(rest.clone(), async |rest| {
            let part = rest.next().await?;
            Some((part, rest))
        });
        (
            Request::from_parts(head, Body::from_stream(parts)),
            Some(rest),
        )
    }

    /// Reads what is left, and throws it away.
    pub(super) async fn throw_away(self) {
        let all = async {
            let mut left = REQUEST_BODY_BYTES_MAX;
            while let Some(Ok(part)) = self.next().await {
                match left.checked_sub(part.len()) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        // Who is slower than that is cut off.
        let _ = timeout(REST_MAX, all).await;
    }

    async fn next(&self) -> Option<Result<Bytes, axum::Error>> {
        let mut body = self.0.lock().await;
        loop {
            match body.frame().await? {
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
