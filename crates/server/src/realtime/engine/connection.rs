//! A session over WebSocket: one task reads what the client sends and writes what waits for it.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    Handler, PACKET_BYTES_MAX, Reason, Socket,
    payload::{self, Packet},
    socket::Next,
};

/// Read buffer of one connection; it grows with what comes.
const READ_BUFFER_BYTES: usize = 1024;
/// Packets are collected up to here before they are written.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;
/// How long the client's last words are waited for, so that ours are not lost with a reset connection.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) type WebSocket = WebSocketStream<Counted>;

/// A stream that counts what it wrote.
pub(super) struct Counted {
    inner: TokioIo<Upgraded>,
    written: u64,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

pub(super) async fn websocket(inner: TokioIo<Upgraded>) -> WebSocket {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(PACKET_BYTES_MAX))
        .max_frame_size(Some(PACKET_BYTES_MAX));
    let stream = Counted { inner, written: 0 };
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
}

/// How a connection ends.
enum End {
    /// Everything was said.
    Closed,
    /// With what was not said yet.
    Cut,
}

struct Connection<H: Handler> {
    socket: Arc<Socket<H>>,
    websocket: WebSocket,
    /// Whether the client may still say something.
    is_reading: bool,
    /// What had been written when the client stopped reading; none while it reads.
    written_at_stall: Option<u64>,
}

/// Serves a session until it ends. The future is little more than the connection.
pub(super) fn run<H: Handler>(
    socket: Arc<Socket<H>>,
    websocket: WebSocket,
) -> impl Future<Output = ()> + Send {
    let mut connection = Connection {
        socket,
        websocket,
        is_reading: true,
        written_at_stall: None,
    };
    async move {
        let end = poll_fn(|cx| connection.poll(cx)).await;
        connection.socket.finish();
        if matches!(end, End::Closed) {
            // A task of its own, so that the one of the connection stays small.
            tokio::spawn(timeout(
                FAREWELL,
                farewell(connection.websocket.into_inner()),
            ));
        }
    }
}

async fn farewell(mut stream: Counted) {
    // The client may have gone already. What it still says is read and dropped, whatever it is.
    let _ = stream.shutdown().await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

impl<H: Handler> Connection<H> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        while self.is_reading {
            match self.websocket.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(Message::Close(_)))) => {
                    self.socket.cut(Reason::TransportClose);
                    // The answer to it, if it goes out at once.
                    let _ = self.websocket.poll_flush_unpin(cx);
                    return Poll::Ready(End::Closed);
                }
                Poll::Ready(Some(Ok(message))) => self.take(&message),
                Poll::Ready(Some(Err(error))) => self.fail(&error),
                Poll::Ready(None) => {
                    self.socket.cut(Reason::TransportClose);
                    self.is_reading = false;
                }
                Poll::Pending => break,
            }
        }
        match self.poll_write(cx) {
            Poll::Ready(Ok(end)) => Poll::Ready(end),
            Poll::Ready(Err(_)) => {
                self.socket.cut(Reason::TransportError);
                Poll::Ready(End::Cut)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn take(&mut self, message: &Message) {
        let socket = &self.socket;
        let packet = match message {
            Message::Text(text) => payload::parse(text),
            Message::Binary(_) => Some(Packet::Binary),
            _ => return,
        };
        match packet {
            Some(Packet::Message(text)) => socket.engine.handler.message(socket, text),
            Some(Packet::Binary) => socket.engine.handler.binary(socket),
            Some(Packet::Heartbeat) => socket.beat(),
            Some(Packet::Close) => socket.close(Reason::TransportClose),
            None => socket.close(Reason::InvalidPacket),
        }
        // Nothing is taken of a session that has ended.
        self.is_reading = socket.is_open();
    }

    fn fail(&mut self, error: &Error) {
        self.is_reading = false;
        match error {
            Error::Capacity(_) => {
                self.socket.engine.handler.too_large(&self.socket);
                self.socket.close(Reason::InvalidPacket);
            }
            Error::Utf8(_) => self.socket.close(Reason::InvalidPacket),
            _ => self.socket.cut(Reason::TransportError),
        }
    }

    /// Writes what waits, all of it before it is flushed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, Error>> {
        loop {
            if self.websocket.poll_ready_unpin(cx)?.is_pending() {
                return self.stall(cx);
            }
            match self.socket.next(cx.waker()) {
                Next::Send(frame) => self.websocket.start_send_unpin(Message::Text(frame))?,
                Next::Wait => break,
                Next::Close => {
                    return match self.websocket.poll_close_unpin(cx)? {
                        Poll::Ready(()) => Poll::Ready(Ok(End::Closed)),
                        Poll::Pending => self.stall(cx),
                    };
                }
                Next::Cut => return Poll::Ready(Ok(End::Cut)),
            }
        }
        if self.websocket.poll_flush_unpin(cx)?.is_pending() {
            return self.stall(cx);
        }
        if self.written_at_stall.take().is_some() {
            self.socket.flow();
        }
        Poll::Pending
    }

    /// The client does not read.
    fn stall(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, Error>> {
        let written = Some(self.websocket.get_ref().written);
        let has_progress = self.written_at_stall != written;
        self.written_at_stall = written;
        if self.socket.stall(cx.waker(), has_progress) {
            Poll::Pending
        } else {
            Poll::Ready(Ok(End::Cut))
        }
    }
}
