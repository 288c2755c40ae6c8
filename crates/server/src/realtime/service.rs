//! HTTP requests to Socket.IO: who is let through to Engine.IO.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower_service::Service;

use super::{
    engine::{Engine, Line},
    session::Sessions,
};

/// Takes the requests of [`PATH`](super::PATH).
#[derive(Clone)]
pub(crate) struct SocketService {
    engine: Arc<Engine<Sessions>>,
    origins: Option<Arc<[String]>>,
    is_stopping: Arc<AtomicBool>,
}

impl SocketService {
    pub(crate) fn new(engine: Arc<Engine<Sessions>>, origins: Option<Vec<String>>) -> Self {
        let origins = origins.map(Into::into);
        Self {
            engine,
            origins,
            is_stopping: Arc::default(),
        }
    }

    /// A connection that is no WebSocket.
    pub(crate) fn open_line(&self) -> Option<Line> {
        let is_stopping = self.is_stopping.load(Ordering::Relaxed);
        (!is_stopping).then(|| Line::open(&self.engine)).flatten()
    }

    /// Takes no more connections.
    pub(crate) fn refuse(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Connections that are not finished.
    pub(crate) fn connection_count(&self) -> usize {
        self.engine.websocket_count()
    }

    /// CORS does not apply to WebSocket: pages of others are kept out here, the server's own are not.
    fn is_welcome(&self, headers: &HeaderMap) -> bool {
        let Some(origins) = &self.origins else {
            return true;
        };
        let Some(origin) = headers.get(header::ORIGIN).map(HeaderValue::as_bytes) else {
            return true;
        };
        let own = headers.get(header::HOST).map(HeaderValue::as_bytes);
        let host = ["http://", "https://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(scheme.as_bytes()));
        let is_own = own.is_some() && own == host;
        is_own
            || origins
                .iter()
                .any(|allowed| origin.eq_ignore_ascii_case(allowed.as_bytes()))
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Service<Request<Body>> for SocketService {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Box::pin(async { Ok(StatusCode::SERVICE_UNAVAILABLE.into_response()) });
        }
        if !self.is_welcome(request.headers()) {
            return Box::pin(async { Ok(StatusCode::FORBIDDEN.into_response()) });
        }
        let engine = self.engine.clone();
        Box::pin(async move { Ok(engine.serve(request).await) })
    }
}
