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

use crate::{address::ClientAddress, app::App, headers};

use super::{
    engine::{Engine, Line},
    session::Sessions,
};

/// Takes the requests of [`PATH`](super::PATH).
#[derive(Clone)]
pub(crate) struct SocketService {
    app: Arc<App>,
    engine: Arc<Engine<Sessions>>,
    origins: Option<Arc<[String]>>,
    is_stopping: Arc<AtomicBool>,
}

impl SocketService {
    pub(crate) fn new(
        app: Arc<App>,
        engine: Arc<Engine<Sessions>>,
        origins: Option<Vec<String>>,
    ) -> Self {
        let origins = origins.map(Into::into);
        Self {
            app,
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

    /// Takes no new sessions any more.
    pub(crate) fn refuse(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Connections that are not finished.
    pub(crate) fn connection_count(&self) -> usize {
        self.engine.websocket_count()
    }

    /// An answer for whoever begins connections too often.
    fn too_often(&self, request: &Request<Body>) -> Option<Response> {
        let address = request.extensions().get::<ClientAddress>()?;
        let wait = self.app.take_handshake(*address).err()?.retry_after_ms;
        let json = format!(
            r#"{{"code":"rate_limited","message":"too many connections","retry_after_ms":{wait}}}"#
        );
        let headers = [
            (header::RETRY_AFTER, wait.div_ceil(1_000).to_string()),
            (header::CONTENT_TYPE, "application/json".to_owned()),
        ];
        Some((StatusCode::TOO_MANY_REQUESTS, headers, json).into_response())
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
        let answer = self.answer(request);
        Box::pin(async move {
            let mut response = answer.await;
            headers::guard(response.headers_mut());
            Ok(response)
        })
    }
}

impl SocketService {
    fn answer(&self, request: Request<Body>) -> Pin<Box<dyn Future<Output = Response> + Send>> {
        // Those that poll go on until they are sent away.
        let is_new = !request.uri().query().unwrap_or_default().contains("sid=");
        if is_new && self.is_stopping.load(Ordering::Relaxed) {
            let later = [(header::RETRY_AFTER, "1")];
            let refusal = (StatusCode::SERVICE_UNAVAILABLE, later).into_response();
            return Box::pin(async { refusal });
        }
        if let Some(refusal) = self.too_often(&request).filter(|_| is_new) {
            return Box::pin(async { refusal });
        }
        if !self.is_welcome(request.headers()) {
            return Box::pin(async { StatusCode::FORBIDDEN.into_response() });
        }
        let engine = self.engine.clone();
        Box::pin(async move { engine.serve(request).await })
    }
}
