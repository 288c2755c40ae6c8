//! What a request asks for, and how it is refused.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Engine, Handler, PACKET_BYTES_MAX, Socket, Transport, clock};

/// What a request asks for.
pub(super) enum Ask<H: Handler> {
    /// A session over polling.
    Open,
    /// What waits.
    Poll(Arc<Socket<H>>),
    /// To take packets.
    Post(Arc<Socket<H>>),
    /// A session over WebSocket; with the key of the request.
    OpenWebSocket(HeaderValue),
    /// To go on over WebSocket.
    Upgrade(Arc<Socket<H>>, HeaderValue),
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownTransport,
    UnknownSession,
    HandshakeMethod,
    BadRequest,
    Version,
    /// Too many sessions have no device yet.
    TooMany,
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let json = match refusal {
            Refusal::UnknownTransport => r#"{"code":0,"message":"Transport unknown"}"#,
            Refusal::UnknownSession => r#"{"code":1,"message":"Session ID unknown"}"#,
            Refusal::HandshakeMethod => r#"{"code":2,"message":"Bad handshake method"}"#,
            Refusal::BadRequest => r#"{"code":3,"message":"Bad request"}"#,
            Refusal::Version => r#"{"code":5,"message":"Unsupported protocol version"}"#,
            Refusal::TooMany => {
                let headers = [
                    (header::RETRY_AFTER, "1"),
                    (header::CONTENT_TYPE, "application/json"),
                ];
                let json = r#"{"code":"overloaded","message":"too many are connecting"}"#;
                return (StatusCode::SERVICE_UNAVAILABLE, headers, json).into_response();
            }
        };
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (StatusCode::BAD_REQUEST, kind, json).into_response()
    }
}

impl<H: Handler> Engine<H> {
    pub(super) fn read_ask(&self, request: &Request<Body>) -> Result<Ask<H>, Refusal> {
        let query = request.uri().query().unwrap_or_default();
        let transport = match parameter(query, "transport") {
            Some("polling") if self.has_polling => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(Refusal::UnknownTransport),
        };
        if parameter(query, "EIO") != Some("4") {
            return Err(Refusal::Version);
        }
        let socket = match parameter(query, "sid") {
            Some(sid) => Some(self.find(sid).ok_or(Refusal::UnknownSession)?),
            None => None,
        };
        match (transport, socket, request.method()) {
            (_, None, method) if method != Method::GET => Err(Refusal::HandshakeMethod),
            (Transport::WebSocket, socket, &Method::GET) => {
                let key = websocket_key(request).ok_or(Refusal::BadRequest)?;
                match socket {
                    None => Ok(Ask::OpenWebSocket(key)),
                    Some(socket) if !socket.is_websocket() => Ok(Ask::Upgrade(socket, key)),
                    Some(_) => Err(Refusal::BadRequest),
                }
            }
            (Transport::WebSocket, ..) => Err(Refusal::BadRequest),
            (_, None, _) => Ok(Ask::Open),
            (_, Some(socket), _) if socket.is_websocket() => Err(Refusal::BadRequest),
            (_, Some(socket), &Method::GET) => Ok(Ask::Poll(socket)),
            (_, Some(socket), &Method::POST) => Ok(Ask::Post(socket)),
            (_, Some(_), _) => Err(Refusal::BadRequest),
        }
    }
}

/// The key of a request that wants a WebSocket.
fn websocket_key(request: &Request<Body>) -> Option<HeaderValue> {
    let headers = request.headers();
    let upgrade = headers.get(header::UPGRADE)?.as_bytes();
    let version = headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes();
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    (upgrade.eq_ignore_ascii_case(b"websocket") && version == b"13").then(|| key.clone())
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The first packet of a session.
pub(super) fn open_packet<H: Handler>(socket: &Socket<H>) -> String {
    let upgrades = if socket.is_websocket() {
        ""
    } else {
        r#""websocket""#
    };
    format!(
        r#"0{{"sid":"{}","upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{PACKET_BYTES_MAX}}}"#,
        socket.sid,
        clock::PING_INTERVAL * 1_000,
        clock::PING_TIMEOUT * 1_000,
    )
}
