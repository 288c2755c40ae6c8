//! HTTP: a table of routes, each a pure function from a request to an action or a question, and one wrapper around all.
//!
//! Invariant: there is no way to declare a mutation that bypasses `Idempotency-Key`, authentication or the limits: the
//! table's [`Handler::Mutation`](route::Handler) is a function to an action, and only [`run`] submits actions.

mod auth;
pub(crate) mod body;
mod direct;
mod docs;
mod health;
mod invites;
mod key;
mod layer;
mod messages;
pub mod openapi;
mod operators;
mod parts;
mod people;
mod pictures;
mod privacy;
mod profile;
mod reports;
mod respond;
mod rest;
pub mod route;
mod run;
mod sign_in;
mod table;
mod threads;

use std::sync::Arc;

use axum::{Router, middleware, routing::on};
pub use direct::{Call, Direct};
pub use sign_in::Visit;
pub use table::ROUTES;

use crate::{app::App, web};

/// Everything under `/api` and `/health`, and the first page. Other routers may be merged into it.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let handler = move |state, request| run::run(route, state, request);
        router = router.route(route.path, on(route.method.filter(), handler));
    }
    router
        .merge(health::router())
        .merge(docs::router())
        .merge(web::router())
        .fallback(respond::no_such_address)
        .method_not_allowed_fallback(respond::no_such_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            layer::around,
        ))
        .with_state(app)
}
