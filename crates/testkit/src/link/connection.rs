//! One connection over a link: for each direction a reader, a queue and a writer.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{PIECE_BYTES, QUEUE_PIECES, State, Way, reset};

/// Something on its way, and when it may arrive.
type Piece = (Instant, Vec<u8>);

pub(super) struct Connection {
    state: watch::Receiver<State>,
    generation: u64,
}

impl Connection {
    pub(super) fn new(state: watch::Receiver<State>) -> Self {
        let generation = state.borrow().generation;
        Self { state, generation }
    }

    pub(super) async fn run(self, mut near: TcpStream) {
        let far = tokio::select! {
            biased;
            () = self.ended() => None,
            far = self.connect() => far.ok(),
        };
        let Some(mut far) = far else {
            return reset(&near);
        };
        // A connection that is broken already ends soon.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let is_broken = tokio::select! {
            biased;
            () = self.ended() => true,
            passed = self.pass(&mut near, &mut far) => passed.is_err(),
        };
        if is_broken {
            reset(&near);
            reset(&far);
        }
    }

    /// Returns when the connection was ordered to end.
    async fn ended(&self) {
        let mut state = self.state.clone();
        let is_over = |state: &State| state.way == Way::Cut || state.generation != self.generation;
        // Without a link there are no connections either.
        let _ = state.wait_for(is_over).await;
    }

    /// Waits while nothing may pass.
    async fn loud(&self) {
        let mut state = self.state.clone();
        // Without a link the connection ends anyway.
        let _ = state.wait_for(|state| state.way != Way::Silent).await;
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        self.loud().await;
        let target = self.state.borrow().target;
        TcpStream::connect(target).await
    }

    /// Returns when both sides have ended, or one of them is broken and the other may be told.
    async fn pass(&self, near: &mut TcpStream, far: &mut TcpStream) -> io::Result<()> {
        let (from_near, to_near) = near.split();
        let (from_far, to_far) = far.split();
        let (there, there_queue) = mpsc::channel(QUEUE_PIECES);
        let (back, back_queue) = mpsc::channel(QUEUE_PIECES);
        let passed = tokio::try_join!(
            self.read(from_near, there),
            self.write(there_queue, to_far),
            self.read(from_far, back),
            self.write(back_queue, to_near),
        );
        self.loud().await;
        passed.map(drop)
    }

    async fn read(
        &self,
        mut from: impl AsyncRead + Unpin,
        to: mpsc::Sender<Piece>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; PIECE_BYTES];
        // What came later arrives later, also when the delay has become shorter.
        let mut last = Instant::now();
        loop {
            self.loud().await;
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            last = last.max(Instant::now() + self.state.borrow().delay);
            if to.send((last, buffer[..length].to_vec())).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn write(
        &self,
        mut from: mpsc::Receiver<Piece>,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        while let Some((at, piece)) = from.recv().await {
            sleep_until(at).await;
            self.loud().await;
            to.write_all(&piece).await?;
        }
        self.loud().await;
        to.shutdown().await
    }
}
