//! HTTP long polling.

use std::{future::poll_fn, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::{
    Handler, PACKET_BYTES_MAX, Reason, Socket,
    handshake::Refusal,
    payload::{self, Packet},
    socket::NoTurn,
};

/// How long a payload may take to come.
const PAYLOAD_PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn answer(packets: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=UTF-8")];
    (kind, packets).into_response()
}

/// Gives what waits, or what comes next.
pub(super) async fn poll<H: Handler>(socket: &Arc<Socket<H>>) -> Response {
    let turn = match socket.begin_poll() {
        Ok(turn) => turn,
        Err(NoTurn::Over) => return Refusal::UnknownSession.into(),
        Err(NoTurn::Taken) => {
            socket.cut(Reason::MultiplePolls);
            return Refusal::BadRequest.into();
        }
    };
    answer(poll_fn(|cx| turn.poll_take(cx)).await)
}

/// Takes packets.
pub(super) async fn post<H: Handler>(socket: &Arc<Socket<H>>, body: Body) -> Response {
    let collected = timeout(
        PAYLOAD_PATIENCE,
        Limited::new(body, PACKET_BYTES_MAX).collect(),
    );
    let bytes = match collected.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            socket.engine.handler.too_large(socket);
            socket.close(Reason::InvalidPacket);
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        }
        Ok(Err(_)) | Err(_) => {
            socket.cut(Reason::TransportError);
            return Refusal::BadRequest.into();
        }
    };
    let Ok(text) = str::from_utf8(&bytes) else {
        socket.cut(Reason::InvalidPacket);
        return Refusal::BadRequest.into();
    };
    for packet in payload::split(text) {
        if !socket.is_open() {
            return Refusal::UnknownSession.into();
        }
        match packet {
            Some(Packet::Close) => {
                socket.cut(Reason::TransportClose);
                break;
            }
            Some(Packet::Heartbeat) => socket.beat(),
            Some(Packet::Message(text)) => socket.engine.handler.message(socket, text),
            Some(Packet::Binary) => socket.engine.handler.binary(socket),
            None => {
                socket.cut(Reason::InvalidPacket);
                return Refusal::BadRequest.into();
            }
        }
    }
    answer("ok".to_owned())
}
