//! From a connection to a device: the handshake, and what the transport tells.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use engineioxide::{DisconnectReason, Socket, Str, TransportType, handler::EngineIoHandler};
use semel_protocol::{Code, limits::DEVICE_ID_CHARACTERS_MAX, socket::Auth};

use super::{
    events::Events,
    incoming,
    packet::{self, Frame, Packet},
    stream::Cutter,
};
use crate::{
    app::App,
    hub::{Device, Full, Hub, Outlet},
};

/// How long a connection may stay without a device.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that may wait for one device, besides the number of packets.
const DEVICE_QUEUE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Every connection.
pub(crate) struct Sessions {
    app: Arc<App>,
    hub: Arc<Hub>,
    events: Arc<Events>,
    /// Those that began with polling, by session id, to be found again when they upgrade.
    polling: Mutex<HashMap<String, Weak<Socket<Session>>>>,
}

/// What is kept with a connection.
#[derive(Default)]
pub(crate) struct Session {
    phase: Mutex<Phase>,
    /// Ends its WebSocket; none while it polls.
    cutter: OnceLock<Arc<Cutter>>,
    /// Bytes that were given to the connection.
    bytes_pushed: AtomicU64,
    /// Binary packets to step over.
    attachments: AtomicUsize,
}

#[derive(Default)]
enum Phase {
    /// No device yet, or no more.
    #[default]
    Outside,
    /// Its token is being looked at.
    Entering,
    /// Connected.
    Inside(Arc<Device>),
    /// The connection has ended.
    Over,
}

impl Session {
    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to a device over Engine.IO.
struct Line(Weak<Socket<Session>>);

impl Outlet for Line {
    fn push(&self, frame: Frame) -> Result<(), Full> {
        // A connection that has ended takes everything and keeps nothing.
        let Some(socket) = self.0.upgrade() else {
            return Ok(());
        };
        let length = frame.len() as u64;
        let pushed = socket
            .data
            .bytes_pushed
            .fetch_add(length, Ordering::Relaxed)
            + length;
        if let Some(cutter) = socket.data.cutter.get()
            && pushed.saturating_sub(cutter.bytes_written()) > DEVICE_QUEUE_BYTES_MAX + length
        {
            return Err(Full);
        }
        match socket.reserve() {
            Ok(permit) => {
                permit.emit(frame);
                Ok(())
            }
            Err(_) if socket.is_closed() => Ok(()),
            Err(_) => Err(Full),
        }
    }

    fn close(&self) {
        if let Some(socket) = self.0.upgrade() {
            if let Some(cutter) = socket.data.cutter.get() {
                cutter.close();
            }
            socket.close(DisconnectReason::ClosingServer);
        }
    }

    fn cut(&self) {
        let Some(socket) = self.0.upgrade() else {
            return;
        };
        if let Some(cutter) = socket.data.cutter.get() {
            cutter.cut();
        }
        socket.close(DisconnectReason::TransportError);
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl EngineIoHandler for Sessions {
    type Data = Session;

    fn on_connect(self: Arc<Self>, socket: Arc<Socket<Session>>) {
        if let Some(cutter) = socket.req_parts.extensions.get::<Arc<Cutter>>() {
            let _ = socket.data.cutter.set(cutter.clone());
        }
        if socket.transport_type() == TransportType::Polling {
            let mut polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
            polling.insert(socket.id.to_string(), Arc::downgrade(&socket));
        }
        expect_device(&socket);
    }

    fn on_disconnect(&self, socket: Arc<Socket<Session>>, reason: DisconnectReason) {
        let mut polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        polling.remove(&socket.id.to_string());
        drop(polling);
        let phase = std::mem::replace(&mut *socket.data.phase(), Phase::Over);
        if let Phase::Inside(device) = phase {
            tracing::debug!(user_id = %device.user_id, ?reason, "disconnected");
            self.hub.disconnect(&device);
        }
    }

    fn on_message(self: &Arc<Self>, text: Str, socket: Arc<Socket<Session>>) {
        match packet::parse(&text) {
            Some(Packet::Connect {
                namespace: "/",
                auth,
            }) => self.enter(&socket, auth),
            Some(Packet::Connect { namespace, .. }) => {
                // Nobody needs to hear it if the connection is full of such answers.
                let _ = socket.emit(packet::connect_error(namespace, "Invalid namespace"));
            }
            Some(Packet::Disconnect) => self.leave(&socket),
            Some(Packet::Event { ack, json }) => {
                match (&*socket.data.phase(), incoming::event(json)) {
                    (Phase::Inside(device), Some(event)) => self.events.take(device, ack, &event),
                    _ => socket.close(DisconnectReason::PacketParsingError),
                }
            }
            Some(Packet::BinaryEvent { ack, attachments }) => {
                socket
                    .data
                    .attachments
                    .fetch_add(attachments, Ordering::Relaxed);
                if let Phase::Inside(device) = &*socket.data.phase() {
                    self.events.refuse_binary(device, ack);
                }
            }
            Some(Packet::Ack) => {}
            None => socket.close(DisconnectReason::PacketParsingError),
        }
    }

    fn on_binary(self: &Arc<Self>, _: axum::body::Bytes, socket: Arc<Socket<Session>>) {
        let attachments = &socket.data.attachments;
        let expected = attachments.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |expected| {
            expected.checked_sub(1)
        });
        if expected.is_err() {
            socket.close(DisconnectReason::PacketParsingError);
        }
    }
}

impl Sessions {
    pub(crate) fn new(app: Arc<App>, hub: Arc<Hub>, events: Arc<Events>) -> Self {
        Self {
            app,
            hub,
            events,
            polling: Mutex::default(),
        }
    }

    /// Whether a session uses polling now.
    pub(crate) fn is_polling(&self, sid: &str) -> bool {
        let polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = polling.get(sid).and_then(Weak::upgrade);
        socket.is_some_and(|socket| socket.transport_type() == TransportType::Polling)
    }

    /// A session that began with polling goes on over a stream of its own.
    pub(crate) fn upgraded(&self, sid: &str, cutter: Arc<Cutter>) {
        let polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = polling.get(sid).and_then(Weak::upgrade) {
            // What was pushed before went out with polling.
            socket.data.bytes_pushed.store(0, Ordering::Relaxed);
            // A second upgrade of the same session is refused by Engine.IO.
            let _ = socket.data.cutter.set(cutter);
        }
    }

    fn enter(self: &Arc<Self>, socket: &Arc<Socket<Session>>, auth: &str) {
        {
            let mut phase = socket.data.phase();
            if !matches!(*phase, Phase::Outside) {
                return;
            }
            *phase = Phase::Entering;
        }
        let auth = serde_json::from_str::<Auth>(auth).ok();
        let (sessions, socket) = (self.clone(), socket.clone());
        tokio::spawn(async move {
            let entered = sessions.admit(&socket, auth).await;
            if let Err(code) = entered {
                metrics::counter!("semel_connections_refused_total", "code" => code.as_str())
                    .increment(1);
                let mut phase = socket.data.phase();
                if matches!(*phase, Phase::Entering) {
                    *phase = Phase::Outside;
                }
                drop(phase);
                // The connection ends by itself if this does not reach the client.
                let _ = socket.emit(packet::connect_error("/", code.as_str()));
            }
        });
    }

    async fn admit(&self, socket: &Arc<Socket<Session>>, auth: Option<Auth>) -> Result<(), Code> {
        let auth = auth.ok_or(Code::Unauthenticated)?;
        let admitted = self
            .app
            .admit(Some(&auth.token), &self.app.request_id())
            .await;
        let caller = admitted.map_err(|problem| problem.code)?;
        let is_named_well = |id: &str| {
            let length = 1..=DEVICE_ID_CHARACTERS_MAX;
            length.contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if auth
            .device_id
            .as_ref()
            .is_some_and(|id| !is_named_well(&id.0))
        {
            return Err(Code::InvalidRequest);
        }
        let line = Box::new(Line(Arc::downgrade(socket)));
        let device = Device::new(caller.user_id, auth.device_id, caller.expires_at, line);
        let device = Arc::new(device);
        let mut phase = socket.data.phase();
        if matches!(*phase, Phase::Entering) {
            let welcome = packet::connected(&socket.id.to_string());
            let entered = self.hub.connect(&device, welcome);
            entered.map_err(|_| Code::TooManyDevices)?;
            tracing::debug!(user_id = %device.user_id, "connected");
            *phase = Phase::Inside(device);
        }
        Ok(())
    }

    fn leave(&self, socket: &Arc<Socket<Session>>) {
        let mut phase = socket.data.phase();
        if let Phase::Inside(device) = &*phase {
            self.hub.disconnect(device);
            *phase = Phase::Outside;
            drop(phase);
            expect_device(socket);
        }
    }
}

/// Closes the connection if there is no device for long.
fn expect_device(socket: &Arc<Socket<Session>>) {
    let socket = Arc::downgrade(socket);
    tokio::spawn(async move {
        tokio::time::sleep(CONNECT_TIMEOUT).await;
        let Some(socket) = socket.upgrade() else {
            return;
        };
        let is_outside = matches!(*socket.data.phase(), Phase::Outside | Phase::Entering);
        if is_outside {
            socket.close(DisconnectReason::TransportClose);
        }
    });
}
