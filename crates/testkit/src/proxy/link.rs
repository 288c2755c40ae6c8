//! One connection through the proxy: for each direction a reader, a queue and a writer.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, sink},
    net::{TcpSocket, TcpStream, lookup_host},
    sync::{Notify, mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Counts, Cut, Direction, Ending, Inner, Orders, PIECE_BYTES, QUEUE_PIECES, Rules, reset,
    stream::{Down, Pending, Up},
};
use crate::Dice;

/// A direction that lets fewer bytes pass in a second than these is read with a small buffer, so that the other side
/// notices.
const SLOW_BYTES_PER_SECOND: u64 = 64 * 1024;
/// Bytes of that buffer.
const SLOW_BUFFER_BYTES: u32 = 4 * 1024;
/// In so many pieces a limited direction writes the bytes of a second, at least.
const PIECES_PER_SECOND: u64 = 20;

/// Something on its way, and when it may arrive.
type Piece = (Instant, Vec<u8>);

pub(super) struct Link {
    inner: Arc<Inner>,
    number: u64,
    rules: watch::Receiver<Rules>,
    orders: watch::Receiver<Orders>,
    pending: Mutex<Pending>,
    due: Notify,
}

/// Why a connection ends before its sides end it.
struct Over(Ending);

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self(Ending::Reset)
    }
}

impl Link {
    pub(super) fn new(inner: Arc<Inner>, number: u64) -> Self {
        Self {
            number,
            rules: inner.rules.subscribe(),
            orders: inner.orders.subscribe(),
            inner,
            pending: Mutex::default(),
            due: Notify::new(),
        }
    }

    pub(super) async fn run(self, mut client: TcpStream) {
        let Ok(mut server) = self.connect().await else {
            return reset(&client);
        };
        // A connection that is broken already ends soon.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ending = tokio::select! {
            over = self.pass(&mut client, &mut server) => over.err().map(|Over(ending)| ending),
            ending = self.ordered_to_close() => Some(ending),
            () = self.abandoned() => {
                tokio::select! {
                    () = void(&mut client, &mut server) => {}
                    _ = self.ordered_to_close() => {}
                }
                Some(Ending::Reset)
            }
        };
        if ending == Some(Ending::Reset) {
            reset(&client);
            reset(&server);
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let address = lookup_host(&self.inner.upstream).await?.next();
        let address = address.ok_or_else(|| io::Error::other("the server has no address"))?;
        let socket = TcpSocket::new_v4()?;
        let limit = self.rules.borrow().down.bytes_per_second;
        if (1..SLOW_BYTES_PER_SECOND).contains(&limit) {
            socket.set_recv_buffer_size(SLOW_BUFFER_BYTES)?;
        }
        socket.connect(address).await
    }

    async fn ordered_to_close(&self) -> Ending {
        let mut orders = self.orders.clone();
        let ordered = orders.wait_for(|orders| self.number < orders.closed).await;
        ordered.map_or(Ending::Reset, |orders| orders.ending)
    }

    async fn abandoned(&self) {
        let mut orders = self.orders.clone();
        // Without a proxy there are no connections either.
        let _ = orders
            .wait_for(|orders| self.number < orders.abandoned)
            .await;
    }

    /// Returns when both sides have ended, or with the way in which the connection is to be ended.
    async fn pass(&self, client: &mut TcpStream, server: &mut TcpStream) -> Result<(), Over> {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let (up, up_queue) = mpsc::channel(QUEUE_PIECES);
        let (down, down_queue) = mpsc::channel(QUEUE_PIECES);
        tokio::try_join!(
            self.read_up(from_client, up),
            self.write(up_queue, to_server, Direction::Up),
            self.read_down(from_server, down),
            self.write(down_queue, to_client, Direction::Down),
        )
        .map(drop)
    }

    async fn read_up(
        &self,
        mut from: impl AsyncRead + Unpin,
        to: mpsc::Sender<Piece>,
    ) -> Result<(), Over> {
        let mut up = Up::new(
            Arc::clone(&self.inner),
            Dice::fork(self.inner.seed, self.number),
        );
        let mut clock = self.clock(Direction::Up);
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            self.loud().await;
            let due = self.pending().next_due().filter(|_| up.takes_events());
            let out = tokio::select! {
                length = from.read(&mut buffer) => match length? {
                    0 => return Ok(()),
                    length => up.take(&buffer[..length], &mut self.pending()),
                },
                () = at(due) => self.pending().take_due(Instant::now()).concat(),
                () = self.due.notified() => continue,
            };
            if to.send((clock.next(&self.rules), out)).await.is_err() {
                return Ok(());
            }
        }
    }

    async fn read_down(
        &self,
        mut from: impl AsyncRead + Unpin,
        to: mpsc::Sender<Piece>,
    ) -> Result<(), Over> {
        let mut down = Down::new(Arc::clone(&self.inner));
        let mut clock = self.clock(Direction::Down);
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            self.loud().await;
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            let passed = down.take(&buffer[..length], &mut self.pending());
            if passed.is_due {
                self.due.notify_one();
            }
            let out = buffer[..passed.length].to_vec();
            if to.send((clock.next(&self.rules), out)).await.is_err() {
                return Ok(());
            }
            if passed.is_over {
                return Err(Over(Ending::Reset));
            }
        }
    }

    async fn write(
        &self,
        mut from: mpsc::Receiver<Piece>,
        mut to: impl AsyncWrite + Unpin,
        direction: Direction,
    ) -> Result<(), Over> {
        let counter = match direction {
            Direction::Up => &self.inner.counters.bytes_up,
            Direction::Down => &self.inner.counters.bytes_down,
        };
        let mut knife = Knife::new(Dice::fork(!self.inner.seed, self.number), direction);
        while let Some((at, piece)) = from.recv().await {
            sleep_until(at).await;
            let mut rest = &piece[..];
            while !rest.is_empty() {
                self.loud().await;
                let limit = self.rules.borrow().lane(direction).bytes_per_second;
                let mut length = rest.len();
                if limit > 0 {
                    length = length.min((limit / PIECES_PER_SECOND).max(1) as usize);
                }
                let (length, over) = knife.cut(&self.rules, length);
                to.write_all(&rest[..length]).await?;
                Counts::add(counter, length);
                if let Some(ending) = over {
                    Counts::add(&self.inner.counters.cut, 1);
                    return Err(Over(ending));
                }
                rest = &rest[length..];
                let micros = length as u64 * 1_000_000;
                if let Some(pause) = micros.checked_div(limit) {
                    sleep(Duration::from_micros(pause)).await;
                }
            }
        }
        Ok(to.shutdown().await?)
    }

    /// Waits while nothing may pass.
    async fn loud(&self) {
        if self.rules.borrow().is_silent {
            let mut rules = self.rules.clone();
            // Without a proxy the connection ends anyway.
            let _ = rules.wait_for(|rules| !rules.is_silent).await;
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self, direction: Direction) -> Clock {
        Clock {
            direction,
            dice: Dice::fork(self.inner.seed.rotate_left(32), self.number),
            last: Instant::now(),
        }
    }
}

/// Says when pieces arrive.
struct Clock {
    direction: Direction,
    dice: Dice,
    last: Instant,
}

impl Clock {
    fn next(&mut self, rules: &watch::Receiver<Rules>) -> Instant {
        let rules = rules.borrow();
        let lane = rules.lane(self.direction);
        let wait = self.dice.time(&(lane.delay..=lane.delay + lane.jitter));
        self.last = self.last.max(Instant::now() + wait);
        self.last
    }
}

/// Knows where to cut one direction.
struct Knife {
    dice: Dice,
    direction: Direction,
    passed: u64,
    drawn: Option<(Cut, u64)>,
}

impl Knife {
    fn new(dice: Dice, direction: Direction) -> Self {
        Self {
            dice,
            direction,
            passed: 0,
            drawn: None,
        }
    }

    /// How many of so many bytes pass, and how the connection ends after them, if it does.
    fn cut(&mut self, rules: &watch::Receiver<Rules>, length: usize) -> (usize, Option<Ending>) {
        let rules = rules.borrow();
        let rule = rules
            .cut
            .as_ref()
            .filter(|cut| cut.direction == self.direction);
        if self.drawn.as_ref().map(|(cut, _)| cut) != rule {
            let mut place = |cut: &Cut| self.passed + self.dice.within(&cut.after_bytes);
            self.drawn = rule.map(|cut| (cut.clone(), place(cut)));
        }
        let end = self.passed + length as u64;
        let (length, ending) = match &self.drawn {
            Some((cut, place)) if *place <= end => {
                ((place - self.passed) as usize, Some(cut.ending))
            }
            _ => (length, None),
        };
        self.passed += length as u64;
        (length, ending)
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Takes what comes from both sides and tells neither, until one of them ends.
async fn void(client: &mut TcpStream, server: &mut TcpStream) {
    let (mut from_client, _to_client) = client.split();
    let (mut from_server, _to_server) = server.split();
    let (mut first, mut second) = (sink(), sink());
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut first) => {}
        _ = tokio::io::copy(&mut from_server, &mut second) => {}
    }
}
