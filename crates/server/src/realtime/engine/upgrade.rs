//! From a request to a WebSocket, for a new session or for one that has polled until now.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, handshake::derive_accept_key};

use super::{
    Handler, Reason, Socket, Transport,
    connection::{self, WebSocket},
    handshake, payload,
};
use crate::realtime::packet::Frame;

/// How long a WebSocket may take to show that it works.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// A new session.
pub(super) fn begin<H: Handler>(
    socket: Arc<Socket<H>>,
    request: Request<Body>,
    key: &HeaderValue,
) -> Response {
    // Its queue is empty.
    let _ = socket.push(handshake::open_packet(&socket).into());
    tokio::spawn(async move {
        match upgraded(request).await {
            // A task of its own, so that nothing of the handshake lives on.
            Some(websocket) => drop(tokio::spawn(connection::run(socket, websocket))),
            None => socket.cut(Reason::TransportError),
        }
    });
    switching(key)
}

/// A session that polls goes on over WebSocket when that works. If it does not, polling goes on.
pub(super) fn probe<H: Handler>(
    socket: Arc<Socket<H>>,
    request: Request<Body>,
    key: &HeaderValue,
) -> Response {
    tokio::spawn(async move {
        let Some(mut websocket) = upgraded(request).await else {
            return;
        };
        let has_begun = timeout(PROBE_PATIENCE, async {
            is_next(&mut websocket, payload::PROBE).await && socket.begin_upgrade()
        });
        if !matches!(has_begun.await, Ok(true)) {
            return;
        }
        let works = timeout(PROBE_PATIENCE, async {
            let answer = Message::Text(Frame::from_static(payload::PROBE_ANSWER));
            websocket.send(answer).await.is_ok() && is_next(&mut websocket, payload::UPGRADE).await
        });
        let transport = match works.await {
            Ok(true) => Transport::WebSocket,
            _ => Transport::Polling,
        };
        let lives = socket.end_upgrade(transport);
        if lives && transport == Transport::WebSocket {
            tokio::spawn(connection::run(socket, websocket));
        }
    });
    switching(key)
}

async fn is_next(websocket: &mut WebSocket, packet: &str) -> bool {
    matches!(websocket.next().await, Some(Ok(Message::Text(text))) if text.as_str() == packet)
}

async fn upgraded(mut request: Request<Body>) -> Option<WebSocket> {
    let upgraded = hyper::upgrade::on(&mut request).await.ok()?;
    Some(connection::websocket(TokioIo::new(upgraded)).await)
}

fn switching(key: &HeaderValue) -> Response {
    let accept = derive_accept_key(key.as_bytes());
    let accept = HeaderValue::from_str(&accept).expect("base64 is visible ASCII");
    let headers = [
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
