//! A connection's stream that can be cut from outside, and that ends by itself when the other side stops reading.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a write may wait for the other side.
const WRITE_STALL_MAX: Duration = Duration::from_secs(20);

/// Engine.IO's packet `close` as a frame of WebSocket. It never goes out: to the official Python client it says that it
/// was put out for good, while the end of the transport alone makes all official clients come back. The bytes cannot be
/// part of anything else, as all other frames begin with another digit and JSON has no control characters.
const CLOSE_FRAME: &[u8] = b"\x81\x011";

/// The handle to a [`CutStream`].
#[derive(Debug, Default)]
pub(crate) struct Cutter {
    is_cut: AtomicBool,
    is_closing: AtomicBool,
    waker: AtomicWaker,
    bytes_written: AtomicU64,
}

impl Cutter {
    /// Ends the stream: what waits to be written is dropped.
    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// The session is about to be closed; what waits is written before.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    /// Bytes that the operating system took.
    pub(crate) fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }
}

/// A stream under a [`Cutter`].
pub(crate) struct CutStream<S> {
    inner: S,
    /// What was read before; comes first.
    read_before: Vec<u8>,
    cutter: Arc<Cutter>,
    /// Runs while a write waits.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> CutStream<S> {
    pub(crate) fn new(inner: S, read_before: Vec<u8>, cutter: Arc<Cutter>) -> Self {
        Self {
            inner,
            read_before,
            cutter,
            stall: None,
        }
    }

    fn guard<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        self.cutter.waker.register(cx.waker());
        if self.cutter.is_cut.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Poll::Ready(result) = write(Pin::new(&mut self.inner), cx) {
            self.stall = None;
            return Poll::Ready(result);
        }
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_MAX)));
        ready!(stall.as_mut().poll(cx));
        self.cutter.is_cut.store(true, Ordering::Release);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.read_before.is_empty() {
            let length = buffer.remaining().min(self.read_before.len());
            buffer.put_slice(&self.read_before[..length]);
            self.read_before.drain(..length);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let close = if self.cutter.is_closing.load(Ordering::Acquire) {
            // Something may have been pushed after it.
            let mut frames = bytes.windows(CLOSE_FRAME.len());
            frames.position(|frame| frame == CLOSE_FRAME)
        } else {
            // The transport closes by itself, after a heartbeat that was not answered: nothing is pushed.
            bytes.strip_suffix(CLOSE_FRAME).map(<[u8]>::len)
        };
        if close == Some(0) {
            return Poll::Ready(Ok(CLOSE_FRAME.len()));
        }
        let bytes = &bytes[..close.unwrap_or(bytes.len())];
        let written = ready!(self.guard(cx, |inner, cx| inner.poll_write(cx, bytes)))?;
        self.cutter
            .bytes_written
            .fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.guard(cx, AsyncWrite::poll_shutdown)
    }
}
