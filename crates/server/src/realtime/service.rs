//! HTTP requests to Socket.IO: upgrades to WebSocket are made here, so that their streams can be cut; the rest is
//! Engine.IO's.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engineioxide::service::EngineIoService;
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncReadExt, time::timeout};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tower_service::Service;

use super::{
    session::Sessions,
    stream::{CutStream, Cutter},
};

/// How long the first packet over a WebSocket may take that shall replace polling.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Takes the requests of [`PATH`](super::PATH).
#[derive(Clone)]
pub(crate) struct SocketService {
    engine: EngineIoService<Sessions>,
    sessions: Arc<Sessions>,
    origins: Option<Arc<[String]>>,
    is_stopping: Arc<AtomicBool>,
}

impl SocketService {
    pub(crate) fn new(
        engine: EngineIoService<Sessions>,
        sessions: Arc<Sessions>,
        origins: Option<Vec<String>>,
    ) -> Self {
        let origins = origins.map(Into::into);
        Self {
            engine,
            sessions,
            origins,
            is_stopping: Arc::default(),
        }
    }

    /// Takes no more connections.
    pub(crate) fn refuse(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
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

    fn upgrade(&self, request: Request<Body>, key: &HeaderValue) -> Response {
        let accept = derive_accept_key(key.as_bytes());
        let mut engine = self.engine.clone();
        let sessions = self.sessions.clone();
        tokio::spawn(async move {
            let (uri, mut request) = (request.uri().clone(), request);
            let Ok(upgraded) = hyper::upgrade::on(&mut request).await else {
                return;
            };
            drop(request);
            let mut upgraded = TokioIo::new(upgraded);
            let cutter = Arc::new(Cutter::default());
            let mut probe = Vec::new();
            let sid = parameter(uri.query().unwrap_or_default(), "sid");
            if let Some(sid) = sid.filter(|sid| sessions.is_polling(sid)) {
                // A WebSocket that does not work through some proxy must not end the session, which goes on with
                // polling: Engine.IO hears of the upgrade when something has come through.
                let arrives = upgraded.read_buf(&mut probe);
                if !matches!(timeout(PROBE_TIMEOUT, arrives).await, Ok(Ok(1..))) {
                    return;
                }
                sessions.upgraded(sid, cutter.clone());
            }
            // The headers are not kept for the life of the connection.
            let mut bare = Request::new(());
            *bare.uri_mut() = uri;
            bare.extensions_mut().insert(cutter.clone());
            let stream = CutStream::new(upgraded, probe, cutter);
            if engine.call((stream, bare)).await.is_err() {
                tracing::debug!("refused a connection after its upgrade");
            }
        });
        let accept = HeaderValue::from_str(&accept).expect("base64 is visible ASCII");
        let headers = [
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::SEC_WEBSOCKET_ACCEPT, accept),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
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
        if let Some(key) = websocket_key(&request) {
            let response = self.upgrade(request, &key);
            return Box::pin(async { Ok(response) });
        }
        let answer = Service::<Request<Body>>::call(&mut self.engine, request);
        Box::pin(async { answer.await.map(IntoResponse::into_response) })
    }
}

/// The key of a request that wants a WebSocket of this protocol; what is not quite one is left to Engine.IO to refuse.
fn websocket_key(request: &Request<Body>) -> Option<HeaderValue> {
    let query = request.uri().query()?;
    let is_ours =
        parameter(query, "EIO") == Some("4") && parameter(query, "transport") == Some("websocket");
    let headers = request.headers();
    let upgrade = headers.get(header::UPGRADE)?.as_bytes();
    let version = headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes();
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    (is_ours && upgrade.eq_ignore_ascii_case(b"websocket") && version == b"13").then(|| key.clone())
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
