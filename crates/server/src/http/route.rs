//! What a route is.

use std::sync::Arc;

use axum::{response::Response, routing::MethodFilter};
use futures_util::future::BoxFuture;
use semel_core::{Refusal, Rows, Stop, actions::Action};
use semel_protocol::{
    Problem, UserId,
    limits::{PICTURE_BYTES_MAX, REQUEST_BODY_BYTES_MAX},
};

use super::{parts::Parts, sign_in::Visit};
use crate::{app::App, auth::Caller, convert::Data};

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
    /// Whether its answers name invite links: their tokens are put in on the way out, so that none is stored for replay.
    pub has_links: bool,
}

/// What a route does.
#[derive(Debug)]
pub enum Handler {
    /// Changes something: an action, submitted under the request's idempotency key if it has one.
    Mutation(fn(&Caller, &Parts) -> Result<Action, Refusal>),
    /// Signs in or out, or what belongs to it: gives out tokens or cookies, so that nothing of it is stored for replay.
    SignIn(fn(Visit) -> Signing),
    /// Changes something in the same way, by a body of bytes that takes some work to read.
    Upload(fn(Uploading) -> Reading),
    /// Is for whoever knows the address, with a token or without.
    Open(fn(Visit) -> Signing),
    /// Asks something.
    Question(fn(&Caller, &Parts) -> Result<Ask, Refusal>),
    /// Asks something that is counted unless the question finds the answer: otherwise the action does.
    Counted(fn(&Caller, &Parts) -> Result<FoundOr, Refusal>),
    /// Asks for more than fits into one answer in memory: it is sent as it is read.
    Stream(fn(Streaming) -> Signing),
}

/// A request whose answer is sent as it is read.
#[derive(Debug)]
pub struct Streaming {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    pub(super) request_id: String,
}

/// An upload that came whole.
#[derive(Debug)]
pub struct Uploading {
    pub(super) app: Arc<App>,
    pub(super) who: UserId,
    pub(super) request_id: String,
    pub(super) bytes: Vec<u8>,
}

/// An upload that is read.
pub type Reading = BoxFuture<'static, Result<Action, Refusal>>;

/// An answer of signing in, under way.
pub type Signing = BoxFuture<'static, Result<Response, Problem>>;

/// A question, called until it names no more rows that are missing.
pub type Ask = Box<dyn FnMut(&Rows) -> Result<Data, Stop> + Send>;

/// A question that may find nothing.
pub type Found = Box<dyn FnMut(&Rows) -> Result<Option<Data>, Stop> + Send>;

/// Such a question, and the action that is counted where it finds nothing.
pub type FoundOr = (Found, Action);

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
            has_links: false,
        }
    }

    /// A route that asks, and is counted where the question does not find the answer.
    pub(super) const fn counted(
        path: &'static str,
        ask: fn(&Caller, &Parts) -> Result<FoundOr, Refusal>,
    ) -> Self {
        Self {
            method: Method::Get,
            path,
            query: &[],
            handler: Handler::Counted(ask),
            has_links: false,
        }
    }

    /// A route whose answer is sent as it is read.
    pub(super) const fn stream(path: &'static str, stream: fn(Streaming) -> Signing) -> Self {
        Self {
            method: Method::Get,
            path,
            query: &[],
            handler: Handler::Stream(stream),
            has_links: false,
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
            has_links: false,
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
            has_links: false,
        }
    }

    /// The same, with invite links in its answers.
    pub(super) const fn with_links(mut self) -> Self {
        self.has_links = true;
        self
    }

    /// A route that takes bytes.
    pub(super) const fn upload(path: &'static str, upload: fn(Uploading) -> Reading) -> Self {
        Self {
            method: Method::Post,
            path,
            query: &[],
            handler: Handler::Upload(upload),
            has_links: false,
        }
    }

    /// A route that needs no token.
    pub(super) const fn open(path: &'static str, open: fn(Visit) -> Signing) -> Self {
        Self {
            method: Method::Get,
            path,
            query: &[],
            handler: Handler::Open(open),
            has_links: false,
        }
    }

    /// Bytes of a body.
    pub(super) fn body_bytes_max(&self) -> usize {
        match self.handler {
            Handler::Upload(_) => PICTURE_BYTES_MAX,
            _ => REQUEST_BODY_BYTES_MAX,
        }
    }

    /// Whether it takes an `Idempotency-Key`.
    pub(super) fn takes_key(&self) -> bool {
        matches!(self.handler, Handler::Mutation(_) | Handler::Upload(_))
    }

    /// The same with parameters in its query.
    pub(super) const fn with_query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }
}
