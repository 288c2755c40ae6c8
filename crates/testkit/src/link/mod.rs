//! A stretch of network between a server and what it needs, a database or Redis, which can be cut, fall silent, be slow,
//! or lead elsewhere. It knows no protocol; [`crate::proxy`] is what stands before clients.
//!
//! While it is silent, what was sent stays with whoever sent it, and with the kernel, and arrives when it is healed, as
//! TCP has it. The kernel goes on answering for it, so keepalive and acknowledgements of TCP do not tell either side: only
//! the patience of a program does.
//!
//! Invariant: memory is bounded by [`QUEUE_PIECES`] pieces for each direction of a connection.
//! Invariant: without orders, every byte passes once and in order.

mod connection;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use connection::Connection;

/// Pieces that wait for one direction of a connection.
const QUEUE_PIECES: usize = 32;
/// Bytes of such a piece, at most.
const PIECE_BYTES: usize = 16 * 1024;

/// A running link. Dropping it resets all its connections.
#[derive(Debug)]
pub struct Link {
    /// Where to connect instead of to the target.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    open: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    way: Way,
    delay: Duration,
    target: SocketAddr,
    /// Grows with each order to reset: connections of older ones end.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Cut,
    Silent,
}

impl Link {
    /// Starts a link to a target, on a free port of this machine.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = watch::Sender::new(State {
            way: Way::Open,
            delay: Duration::ZERO,
            target,
            generation: 0,
        });
        let open = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, state.subscribe(), Arc::clone(&open)));
        Ok(Self {
            address,
            state,
            open,
            accepting,
        })
    }

    /// Resets all connections, and each new one at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.way = Way::Cut;
            state.generation += 1;
        });
    }

    /// Connections stay, nothing passes, and nobody is told, not even when the other side ends. New connections hang.
    pub fn silence(&self) {
        self.state.send_modify(|state| state.way = Way::Silent);
    }

    /// From now on everything arrives so much later, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    /// Everything passes again, at once. The target stays what it is; what was silent goes on where it was.
    pub fn heal(&self) {
        self.state.send_modify(|state| {
            state.way = Way::Open;
            state.delay = Duration::ZERO;
        });
    }

    /// New connections go to another target, as those to an address do after a failover; open ones are reset.
    pub fn point_at(&self, target: SocketAddr) {
        self.state.send_modify(|state| {
            state.target = target;
            state.generation += 1;
        });
    }

    /// Where it leads.
    pub fn target(&self) -> SocketAddr {
        self.state.borrow().target
    }

    /// Connections that are open now, those that hang included.
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: watch::Receiver<State>, open: Arc<AtomicUsize>) {
    loop {
        // Out of file descriptors, or gone already: the next one may do better.
        let Ok((near, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let connection = Connection::new(state.clone());
        let open = Counted::new(&open);
        tokio::spawn(async move {
            connection.run(near).await;
            drop(open);
        });
    }
}

/// One connection among those that are open.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The other side gets RST when this one is dropped.
fn reset(stream: &TcpStream) {
    // A connection that is broken already needs no more.
    let _ = stream.set_zero_linger();
}
