//! A proxy between clients and the server that treats connections badly, in ways that can be changed while it runs.
//!
//! It knows where HTTP requests and WebSocket messages end, so that it can send whole ones twice.
//!
//! Invariant: memory is bounded: what waits for one direction of a connection by [`QUEUE_PIECES`] pieces, what is kept to
//! be repeated by number and size.
//! Invariant: without rules, every byte passes once and in order.

mod frames;
mod http;
mod link;
mod replay;
mod rules;
mod stream;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use semel_client::Address;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use link::Link;
pub use rules::{Again, Cut, Direction, Ending, Lane, Repeat, Rules};

/// Pieces that wait for one direction of a connection.
const QUEUE_PIECES: usize = 32;
/// Bytes of such a piece, at most twice as many when something is repeated in it.
const PIECE_BYTES: usize = 16 * 1024;
/// Requests that wait to be repeated, or are being repeated.
const REPLAYS_MAX: u32 = 64;

/// A running proxy. Dropping it resets all its connections.
#[derive(Debug)]
pub struct Proxy {
    /// Where clients connect.
    pub address: Address,
    inner: Arc<Inner>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    upstream: String,
    /// Where requests go that are sent once more on a connection of their own.
    again: String,
    seed: u64,
    rules: watch::Sender<Rules>,
    orders: watch::Sender<Orders>,
    counters: Counters,
    replays: Semaphore,
}

/// Connections with lower numbers are to be treated so.
#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    abandoned: u64,
    closed: u64,
    ending: Ending,
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What has happened so far.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        struct Counters {
            $($name: AtomicU64,)*
        }

        impl Counters {
            fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

counts! {
    /// Connections that were accepted.
    connections,
    /// Connections that were reset at once.
    refused,
    /// Bytes that passed to the server.
    bytes_up,
    /// Bytes that passed to clients.
    bytes_down,
    /// Connections that were cut after their number of bytes.
    cut,
    /// Whole HTTP requests that passed.
    requests,
    /// Requests that were sent once more and answered again.
    requests_repeated,
    /// Whole Socket.IO events that passed.
    events,
    /// Events that were sent once more.
    events_repeated,
    /// Answers that were swallowed.
    swallowed,
}

impl Counts {
    fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Relaxed);
    }
}

impl Proxy {
    /// Starts a proxy before a server, on a free port of this machine. What it draws is drawn from the seed and the
    /// number of the connection.
    pub async fn start(upstream: &Address, seed: u64) -> io::Result<Self> {
        Self::start_between(upstream, upstream, seed).await
    }

    /// The same before one of several servers, of which another one gets the requests that are sent once more.
    pub async fn start_between(upstream: &Address, again: &Address, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string();
        let inner = Arc::new(Inner {
            upstream: upstream.authority.clone(),
            again: again.authority.clone(),
            seed,
            rules: watch::Sender::new(Rules::default()),
            orders: watch::Sender::new(Orders::default()),
            counters: Counters::default(),
            replays: Semaphore::new(REPLAYS_MAX as usize),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&inner)));
        let address = Address { authority };
        Ok(Self {
            address,
            inner,
            accepting,
        })
    }

    /// From now on, also for connections that are open.
    pub fn set(&self, rules: Rules) {
        self.inner.rules.send_replace(rules);
    }

    /// Ends all connections.
    pub fn close_all(&self, ending: Ending) {
        let opened = self.inner.counters.connections.load(Relaxed);
        self.inner.orders.send_modify(|orders| {
            orders.closed = opened;
            orders.ending = ending;
        });
    }

    /// Nothing passes over the connections that are open now any more, and neither side is told; they are half-open until
    /// one side gives up or [`Proxy::close_all`] is called.
    pub fn abandon_all(&self) {
        let opened = self.inner.counters.connections.load(Relaxed);
        self.inner
            .orders
            .send_modify(|orders| orders.abandoned = opened);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.inner.counters.read()
    }

    /// Returns when no request waits to be repeated any more.
    pub async fn settle(&self) {
        // Closed semaphores do not exist here.
        let _ = self.inner.replays.acquire_many(REPLAYS_MAX).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.close_all(Ending::Reset);
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    loop {
        // Out of file descriptors, or gone already: the next one may do better.
        let Ok((client, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        if inner.rules.borrow().is_refusing {
            Counts::add(&inner.counters.refused, 1);
            reset(&client);
            continue;
        }
        let number = inner.counters.connections.fetch_add(1, Relaxed);
        tokio::spawn(Link::new(Arc::clone(&inner), number).run(client));
    }
}

/// The other side gets RST when this one is dropped.
fn reset(stream: &TcpStream) {
    // A connection that is broken already needs no more.
    let _ = stream.set_zero_linger();
}
