//! What a route is.

use axum::{response::Response, routing::MethodFilter};
use futures_util::future::BoxFuture;
use semel_core::{Refusal, Rows, Stop, actions::Action};
use semel_protocol::Problem;

use super::{parts::Parts, sign_in::Visit};
use crate::{auth::Caller, convert::Data};

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path, with `{names}` of its parameters.
    pub path: &'static str,
    /// Names of the query's parameters; others are refused.
    pub query: &'static [&'static str],
    /// What it does.
    pub handler: Handler,
}

/// What a route does.
#[derive(Debug)]
pub enum Handler {
    /// Changes something: an action, submitted under the request's idempotency key if it has one.
    Mutation(fn(&Caller, &Parts) -> Result<Action, Refusal>),
    /// Signs in or out, or what belongs to it: gives out tokens or cookies, so that nothing of it is stored for replay.
    SignIn(fn(Visit) -> Signing),
    /// Asks something.
    Question(fn(&Caller, &Parts) -> Result<Ask, Refusal>),
}

/// An answer of signing in, under way.
pub type Signing = BoxFuture<'static, Result<Response, Problem>>;

/// A question, called until it names no more rows that are missing.
pub type Ask = Box<dyn FnMut(&Rows) -> Result<Data, Stop> + Send>;

/// Methods that routes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// For the router.
    pub fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// As in `OpenAPI`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

impl Route {
    /// A route that asks.
    pub(super) const fn ask(
        path: &'static str,
        query: &'static [&'static str],
        ask: fn(&Caller, &Parts) -> Result<Ask, Refusal>,
    ) -> Self {
        Self {
            method: Method::Get,
            path,
            query,
            handler: Handler::Question(ask),
        }
    }

    /// A route that changes something.
    pub(super) const fn act(
        method: Method,
        path: &'static str,
        act: fn(&Caller, &Parts) -> Result<Action, Refusal>,
    ) -> Self {
        Self {
            method,
            path,
            query: &[],
            handler: Handler::Mutation(act),
        }
    }

    /// A route of signing in.
    pub(super) const fn sign_in(
        method: Method,
        path: &'static str,
        sign_in: fn(Visit) -> Signing,
    ) -> Self {
        Self {
            method,
            path,
            query: &[],
            handler: Handler::SignIn(sign_in),
        }
    }

    /// The same with parameters in its query.
    pub(super) const fn with_query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }
}
