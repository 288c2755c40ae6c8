//! Engine.IO, revision 4: sessions over WebSocket and HTTP polling, the upgrade from one to the other, heartbeats.
//!
//! A session is a [`Socket`]: packets that wait for the client, in a bounded queue, and what a [`Handler`] keeps with it.
//! Whoever has the transport takes from the queue: the one task of a WebSocket, or the poll that waits. One task for
//! all sessions keeps the time.
//!
//! Invariant: what one client sends reaches the handler in the order in which it came.
//! Invariant: a session ends once, whoever ends it, and the handler is told of it with no lock held.

mod clock;
mod connection;
mod handshake;
mod line;
mod outbox;
mod outside;
mod payload;
mod polling;
mod socket;
mod upgrade;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{body::Body, extract::Request, response::Response};
use semel_core::ports::Entropy;
use semel_protocol::limits::SOCKET_PACKET_BYTES_MAX;
use tokio::runtime::Handle;

pub use self::line::Line;
pub(crate) use self::outside::OutsideLimits;
pub(crate) use self::socket::Socket;
use self::{
    handshake::{Ask, Refusal},
    outside::Outside,
};
use crate::address::ClientAddress;

/// Bytes of one packet, and of one payload of polling.
const PACKET_BYTES_MAX: usize = SOCKET_PACKET_BYTES_MAX as usize;

/// What is above Engine.IO.
pub(crate) trait Handler: Sized + Send + Sync + 'static {
    /// What is kept with a session.
    type Data: Default + Send + Sync + 'static;

    /// A message came.
    fn message(self: &Arc<Self>, socket: &Arc<Socket<Self>>, text: &str);

    /// A binary message came.
    fn binary(&self, socket: &Arc<Socket<Self>>);

    /// A packet came that is larger than packets may be. The session ends after this.
    fn too_large(&self, socket: &Arc<Socket<Self>>);

    /// The session has ended.
    fn ended(&self, socket: &Arc<Socket<Self>>, reason: Reason);
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The client left, or never came in.
    TransportClose,
    /// The transport does not work, or the client does not read.
    TransportError,
    /// Two polls ran at once.
    MultiplePolls,
    /// The client sent something that is no packet.
    InvalidPacket,
    /// The client did not answer a ping.
    HeartbeatTimeout,
    /// The server wanted it.
    ClosingServer,
}

/// The name of a session: a secret of its client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sid(u128);

impl Sid {
    const DIGITS: usize = 32;

    fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() == Self::DIGITS && text.bytes().all(|it| it.is_ascii_hexdigit());
        let number = is_one.then(|| u128::from_str_radix(text, 16).ok())?;
        number.map(Self)
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// How packets come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Polling,
    /// Polling still, while a WebSocket is tried.
    Upgrading,
    WebSocket,
}

/// All sessions.
pub(crate) struct Engine<H: Handler> {
    handler: Arc<H>,
    entropy: Arc<dyn Entropy>,
    runtime: Handle,
    has_polling: bool,
    sockets: Mutex<BTreeMap<Sid, Arc<Socket<H>>>>,
    outside: Outside,
    /// Seconds since it began, as `clock` counts them.
    now: AtomicU32,
}

impl<H: Handler> Engine<H> {
    /// Call it inside a runtime.
    pub(crate) fn start(
        handler: Arc<H>,
        entropy: Arc<dyn Entropy>,
        has_polling: bool,
        limits: OutsideLimits,
    ) -> Arc<Self> {
        let engine = Arc::new(Self {
            handler,
            entropy,
            runtime: Handle::current(),
            has_polling,
            sockets: Mutex::default(),
            outside: Outside::new(limits),
            now: AtomicU32::new(0),
        });
        tokio::spawn(clock::run(Arc::downgrade(&engine)));
        engine
    }

    /// Answers a request.
    pub(crate) async fn serve(self: &Arc<Self>, request: Request<Body>) -> Response {
        let address = request.extensions().get::<ClientAddress>().copied();
        let asked = match self.read_ask(&request) {
            Ok(asked) => asked,
            Err(refusal) => return refusal.into(),
        };
        match asked {
            Ask::Open => match self.open(Transport::Polling, address) {
                Ok(socket) => polling::answer(handshake::open_packet(&socket)),
                Err(refusal) => refusal.into(),
            },
            Ask::Poll(socket) => polling::poll(&socket).await,
            Ask::Post(socket) => polling::post(&socket, request.into_body()).await,
            Ask::OpenWebSocket(key) => match self.open(Transport::WebSocket, address) {
                Ok(socket) => upgrade::begin(socket, request, &key),
                Err(refusal) => refusal.into(),
            },
            Ask::Upgrade(socket, key) => upgrade::probe(socket, request, &key),
        }
    }

    /// WebSocket connections that have something to send, or have not been told that they end.
    pub(crate) fn websocket_count(&self) -> usize {
        let sockets = self.sockets();
        let websockets = sockets.values().filter(|socket| socket.is_websocket());
        websockets.count()
    }

    fn open(
        self: &Arc<Self>,
        transport: Transport,
        address: Option<ClientAddress>,
    ) -> Result<Arc<Socket<H>>, Refusal> {
        if !self.outside.enter(address) {
            return Err(Refusal::TooMany);
        }
        let sid = Sid(self.entropy.seed());
        let socket = Arc::new(Socket::new(self.clone(), sid, transport, address));
        self.sockets().insert(sid, socket.clone());
        Ok(socket)
    }

    fn sockets(&self) -> MutexGuard<'_, BTreeMap<Sid, Arc<Socket<H>>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, sid: &str) -> Option<Arc<Socket<H>>> {
        let sid = Sid::parse(sid)?;
        self.sockets().get(&sid).cloned()
    }

    fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SystemEntropy;

    const OUTSIDE_MAX: usize = 100;

    #[derive(Default)]
    struct Endings(Mutex<Vec<Reason>>);

    impl Handler for Endings {
        type Data = ();

        fn message(self: &Arc<Self>, _: &Arc<Socket<Self>>, _: &str) {}

        fn binary(&self, _: &Arc<Socket<Self>>) {}

        fn too_large(&self, _: &Arc<Socket<Self>>) {}

        fn ended(&self, _: &Arc<Socket<Self>>, reason: Reason) {
            self.0.lock().unwrap().push(reason);
        }
    }

    fn start() -> Arc<Engine<Endings>> {
        let limits = OutsideLimits {
            all: OUTSIDE_MAX,
            of_one_address: OUTSIDE_MAX,
        };
        Engine::start(Arc::default(), Arc::new(SystemEntropy), true, limits)
    }

    #[tokio::test]
    async fn sessions_without_a_device_are_bounded() {
        let engine = start();
        let open = || engine.open(Transport::Polling, None).ok();
        let sockets: Vec<_> = (0..OUTSIDE_MAX).map_while(|_| open()).collect();
        assert_eq!(sockets.len(), OUTSIDE_MAX);
        assert!(open().is_none());
        sockets[0].settle();
        sockets[1].cut(Reason::TransportClose);
        assert!(open().is_some() && open().is_some() && open().is_none());
        sockets[0].unsettle();
        sockets[2].cut(Reason::TransportClose);
        assert!(open().is_none(), "who came back counts");
    }

    #[tokio::test]
    async fn a_session_ends_once_and_keeps_nothing() {
        let engine = start();
        let socket = engine.open(Transport::Polling, None).ok().unwrap();
        assert!(engine.find(&socket.sid.to_string()).is_some());
        socket.push("4a".into()).unwrap();
        socket.close(Reason::ClosingServer);
        socket.push("4b".into()).unwrap();
        let turn = socket.begin_poll().ok().unwrap();
        let payload = std::future::poll_fn(|cx| turn.poll_take(cx)).await;
        assert_eq!(payload, "4a", "what waited at the end is told");
        socket.cut(Reason::TransportError);
        while engine.handler.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*engine.handler.0.lock().unwrap(), [Reason::ClosingServer]);
        assert!(engine.find(&socket.sid.to_string()).is_none());
        assert_eq!(engine.outside.count(), 0);
    }
}
