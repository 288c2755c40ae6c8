//! Socket.IO: who comes in, what they ask, and the way back to them.
//!
//! Engine.IO (WebSocket, polling, upgrades, heartbeats) is the crate `engineioxide`, used in `session` and `service`
//! only; the few packets of Socket.IO above it are in `packet`. Everything else knows [`Outlet`](crate::hub::Outlet) and
//! [`packet::Frame`], so that the transport can be replaced.
//!
//! Invariant: what one device sends is handed to the ledger in the order in which it came.
//! Invariant: a device is registered in the hub before it can ask for anything.

mod events;
mod incoming;
pub mod packet;
mod positions;
mod service;
mod session;
mod stream;

use std::{sync::Arc, time::Duration};

use engineioxide::{TransportType, config::EngineIoConfig, service::EngineIoService};
use semel_protocol::limits::{DEVICE_QUEUE_PACKETS_MAX, SOCKET_PACKET_BYTES_MAX};

use self::{events::Events, positions::Positions, service::SocketService, session::Sessions};
use crate::{app::App, hub::Hub};

/// Where clients connect.
pub const PATH: &str = "/socket.io/";

const PING_INTERVAL: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Read buffer of one connection: most packets of clients are small.
const READ_BUFFER_BYTES: usize = 1024;
/// How often devices are looked for that have not gone while the server stops.
const STOP_LOOK: Duration = Duration::from_millis(20);

/// How connections are taken.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether clients may use HTTP polling, with upgrade to WebSocket. Behind several servers it needs affinity.
    pub polling: bool,
    /// Pages that may connect besides the server's own, as `https://host:port`; none: all. Programs that send no
    /// `Origin` always may.
    pub origins: Option<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            polling: true,
            origins: None,
        }
    }
}

/// The Socket.IO server.
pub struct Realtime {
    service: SocketService,
    hub: Arc<Hub>,
    positions: Arc<Positions>,
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Realtime")
    }
}

impl Realtime {
    /// A server; its [`router`](Self::router) takes the connections. The hub is started by its owner. Call it inside a
    /// runtime.
    pub fn new(app: Arc<App>, hub: Arc<Hub>, settings: Settings) -> Self {
        let positions = Positions::start(Arc::clone(&app));
        let events = Events::new(app.clone(), hub.clone(), positions.clone());
        let sessions = Arc::new(Sessions::new(app, hub.clone(), Arc::new(events)));
        let config = EngineIoConfig::builder()
            .req_path(PATH)
            .ping_interval(PING_INTERVAL)
            .ping_timeout(PING_TIMEOUT)
            .max_payload(SOCKET_PACKET_BYTES_MAX)
            .max_buffer_size(DEVICE_QUEUE_PACKETS_MAX)
            .ws_read_buffer_size(READ_BUFFER_BYTES)
            .ws_max_message_size(SOCKET_PACKET_BYTES_MAX as usize)
            .ws_max_frame_size(SOCKET_PACKET_BYTES_MAX as usize);
        let config = if settings.polling {
            config.transports([TransportType::Polling, TransportType::Websocket])
        } else {
            config.transports([TransportType::Websocket])
        };
        let engine = EngineIoService::with_config(sessions.clone(), config.build());
        let service = SocketService::new(engine, sessions, settings.origins);
        Self {
            service,
            hub,
            positions,
        }
    }

    /// Routes for the application's own.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> axum::Router<S> {
        axum::Router::new().route_service(PATH, self.service.clone())
    }

    /// How many devices are connected.
    pub fn device_count(&self) -> usize {
        self.hub.device_count()
    }

    /// Tells devices to come back later, closes their connections, and writes the positions that wait. Devices that have
    /// not gone after `patience` are left to the end of the process.
    pub async fn shutdown(&self, patience: Duration) {
        self.service.refuse();
        self.positions.flush().await;
        self.hub.stop();
        let all_gone = async {
            while self.hub.device_count() > 0 {
                tokio::time::sleep(STOP_LOOK).await;
            }
        };
        if tokio::time::timeout(patience, all_gone).await.is_err() {
            tracing::warn!(
                devices = self.hub.device_count(),
                "devices are still connected"
            );
        }
    }
}
