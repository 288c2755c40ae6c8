//! A session over anything that carries packets in order and whole, without a WebSocket: for those who bring a network of
//! their own, as simulations do. What a WebSocket does is in `connection`; this does the same.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Engine, Handler, Reason, Socket, Transport, handshake,
    payload::{self, Packet},
    socket::Next,
};
use crate::realtime::{packet::Frame, session::Sessions};

/// The server's end of a connection. Dropping it cuts the connection.
pub struct Line {
    socket: Arc<Socket<Sessions>>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.socket.sid)
    }
}

impl Line {
    /// A new session; none when too many have no device.
    pub(in crate::realtime) fn open(engine: &Arc<Engine<Sessions>>) -> Option<Self> {
        let socket = engine.open(Transport::WebSocket, None).ok()?;
        // Its queue is empty.
        let _ = socket.push(handshake::open_packet(&socket).into());
        Some(Self { socket })
    }

    /// Takes a packet of the client, in the order in which it sent them. False when the session has ended.
    pub fn take(&self, text: &str) -> bool {
        let socket = &self.socket;
        if !socket.is_open() {
            return false;
        }
        match payload::parse(text) {
            Some(Packet::Message(text)) => socket.engine.handler.message(socket, text),
            Some(Packet::Binary) => socket.engine.handler.binary(socket),
            Some(Packet::Heartbeat) => socket.beat(),
            Some(Packet::Close) => socket.close(Reason::TransportClose),
            None => socket.close(Reason::InvalidPacket),
        }
        socket.is_open()
    }

    /// The next packet for the client; none when the connection ends.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.socket.flow();
        match self.socket.next(cx.waker()) {
            Next::Send(frame) => Poll::Ready(Some(frame)),
            Next::Wait => Poll::Pending,
            Next::Close => {
                self.socket.finish();
                Poll::Ready(None)
            }
            Next::Cut => Poll::Ready(None),
        }
    }

    /// Instead of [`Line::poll_next`] while the client takes nothing: ready when the connection ends.
    pub fn poll_stalled(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.socket.stall(cx.waker(), false) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.socket.cut(Reason::TransportError);
    }
}
