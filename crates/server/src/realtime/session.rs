//! From a connection to a device: the handshake, and what the transport tells.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use semel_protocol::{Code, limits::DEVICE_ID_CHARACTERS_MAX, socket::Auth};

use super::{
    engine::{Handler, Reason, Socket},
    events::Events,
    gate::Gate,
    incoming,
    packet::{self, Frame, Packet},
};
use crate::{
    app::App,
    hub::{Device, Full, Hub, Outlet},
    limits::Doing,
};

/// When to come back after a packet that was too large.
const TOO_LARGE_RETRY_MS: u64 = 1_000;

/// Every connection.
pub(crate) struct Sessions {
    app: Arc<App>,
    hub: Arc<Hub>,
    events: Arc<Events>,
    gate: Gate,
}

/// What is kept with a connection.
#[derive(Default)]
pub(crate) struct Session {
    phase: Mutex<Phase>,
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

/// Why a device is kept out, and when it may come again, if it may.
struct KeptOut {
    code: Code,
    retry_after_ms: Option<u64>,
}

impl From<Code> for KeptOut {
    fn from(code: Code) -> Self {
        Self {
            code,
            retry_after_ms: None,
        }
    }
}

/// The way to a device over Engine.IO.
struct Line(Weak<Socket<Sessions>>);

impl Outlet for Line {
    fn push(&self, frame: Frame) -> Result<(), Full> {
        // A connection that has ended takes everything and keeps nothing.
        self.0.upgrade().map_or(Ok(()), |socket| socket.push(frame))
    }

    fn close(&self) {
        if let Some(socket) = self.0.upgrade() {
            socket.close(Reason::ClosingServer);
        }
    }

    fn cut(&self) {
        if let Some(socket) = self.0.upgrade() {
            socket.cut(Reason::TransportError);
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Handler for Sessions {
    type Data = Session;

    fn too_large(&self, socket: &Arc<Socket<Self>>) {
        // Told, so that the client sends it in parts instead of again and again.
        if let Phase::Inside(device) = &*socket.data.phase() {
            device.send_away(Code::BodyTooLarge, TOO_LARGE_RETRY_MS);
        }
    }

    fn ended(&self, socket: &Arc<Socket<Self>>, reason: Reason) {
        let phase = std::mem::replace(&mut *socket.data.phase(), Phase::Over);
        if let Phase::Inside(device) = phase {
            tracing::debug!(user_id = %device.user_id, ?reason, "disconnected");
            self.hub.disconnect(&device);
        }
    }

    fn message(self: &Arc<Self>, socket: &Arc<Socket<Self>>, text: &str) {
        match packet::parse(text) {
            Some(Packet::Connect {
                namespace: "/",
                auth,
            }) => self.enter(socket, auth),
            Some(Packet::Connect { namespace, .. }) => {
                // Nobody needs to hear it if the connection is full of such answers.
                let _ = socket.push(packet::connect_error(namespace, "Invalid namespace", None));
            }
            Some(Packet::Disconnect) => self.leave(socket),
            Some(Packet::Event { ack, json }) => {
                match (&*socket.data.phase(), incoming::event(json)) {
                    (Phase::Inside(device), Some(event)) => self.events.take(device, ack, &event),
                    _ => socket.close(Reason::InvalidPacket),
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
            None => socket.close(Reason::InvalidPacket),
        }
    }

    fn binary(&self, socket: &Arc<Socket<Self>>) {
        let attachments = &socket.data.attachments;
        let expected = attachments.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |expected| {
            expected.checked_sub(1)
        });
        if expected.is_err() {
            socket.close(Reason::InvalidPacket);
        }
    }
}

impl Sessions {
    pub(super) fn new(app: Arc<App>, hub: Arc<Hub>, events: Arc<Events>, gate: Gate) -> Self {
        Self {
            app,
            hub,
            events,
            gate,
        }
    }

    fn enter(self: &Arc<Self>, socket: &Arc<Socket<Self>>, auth: &str) {
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
            let entered = match sessions.gate.enter() {
                Ok(_place) => sessions.admit(&socket, auth).await,
                Err(wait) => Err(KeptOut {
                    code: Code::Overloaded,
                    retry_after_ms: Some(wait),
                }),
            };
            if let Err(kept_out) = entered {
                let code = kept_out.code.as_str();
                metrics::counter!("semel_connections_refused_total", "code" => code).increment(1);
                let mut phase = socket.data.phase();
                if matches!(*phase, Phase::Entering) {
                    *phase = Phase::Outside;
                }
                drop(phase);
                // The connection ends by itself if this does not reach the client.
                let wait = kept_out.retry_after_ms;
                let _ = socket.push(packet::connect_error("/", code, wait));
            }
        });
    }

    async fn admit(&self, socket: &Arc<Socket<Self>>, auth: Option<Auth>) -> Result<(), KeptOut> {
        let auth = auth.ok_or(Code::Unauthenticated)?;
        let admitted = self
            .app
            .admit(Some(&auth.token), &self.app.request_id())
            .await;
        let caller = admitted.map_err(|problem| KeptOut {
            code: problem.code,
            retry_after_ms: problem.retry_after_ms,
        })?;
        let may = self.app.take(&caller, Doing::CONNECT);
        may.map_err(|too_often| KeptOut {
            code: Code::RateLimited,
            retry_after_ms: Some(too_often.retry_after_ms),
        })?;
        let is_named_well = |id: &str| {
            let length = 1..=DEVICE_ID_CHARACTERS_MAX;
            length.contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if auth
            .device_id
            .as_ref()
            .is_some_and(|id| !is_named_well(&id.0))
        {
            return Err(Code::InvalidRequest.into());
        }
        self.hub.expect(&caller.user_id).await;
        let line = Box::new(Line(Arc::downgrade(socket)));
        let device = Device::new(caller.user_id, auth.device_id, caller.expires_at, line)
            .of_session(caller.session_id);
        let device = Arc::new(device);
        let mut phase = socket.data.phase();
        if matches!(*phase, Phase::Entering) {
            let welcome = packet::connected(&socket.sid.to_string());
            let entered = self.hub.connect(&device, welcome);
            entered.map_err(|_| Code::TooManyDevices)?;
            tracing::debug!(user_id = %device.user_id, "connected");
            *phase = Phase::Inside(device);
            socket.settle();
        }
        Ok(())
    }

    fn leave(&self, socket: &Arc<Socket<Self>>) {
        let mut phase = socket.data.phase();
        match &*phase {
            Phase::Inside(device) => {
                self.hub.disconnect(device);
                *phase = Phase::Outside;
                drop(phase);
                socket.unsettle();
            }
            // Whoever leaves before the token was looked at must not be let in afterwards, least of all as whoever
            // comes next.
            Phase::Entering => {
                drop(phase);
                socket.close(Reason::TransportClose);
            }
            Phase::Outside | Phase::Over => {}
        }
    }
}
