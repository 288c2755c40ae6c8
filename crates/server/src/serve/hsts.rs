//! Tells browsers to come over TLS only (RFC 6797).

use axum::{
    Router,
    http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY},
    middleware,
    response::Response,
};

const DAY_SECONDS: u64 = 86_400;

/// A router whose answers tell it, for so many days; 0: they do not.
pub(super) fn around(router: Router, days: u32) -> Router {
    if days == 0 {
        return router;
    }
    let seconds = u64::from(days) * DAY_SECONDS;
    let value = HeaderValue::try_from(format!("max-age={seconds}")).expect("it is visible ASCII");
    router.layer(middleware::map_response(move |mut answer: Response| {
        let value = value.clone();
        async move {
            answer
                .headers_mut()
                .insert(STRICT_TRANSPORT_SECURITY, value);
            answer
        }
    }))
}
