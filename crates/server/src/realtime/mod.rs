//! Socket.IO: who comes in, what they ask, and the way back to them.
//!
//! Engine.IO (WebSocket, polling, upgrades, heartbeats) is `engine`, which `session` and `service` use; the few packets of
//! Socket.IO above it are in `packet`. Everything else knows [`Outlet`](crate::hub::Outlet) and [`packet::Frame`].
//!
//! Invariant: what one device sends is handed to the ledger in the order in which it came.
//! Invariant: a device is registered in the hub before it can ask for anything.

mod engine;
mod events;
mod incoming;
pub mod packet;
mod positions;
mod service;
mod session;

use std::{sync::Arc, time::Duration};

pub use self::engine::Line;
use self::{
    engine::Engine, events::Events, positions::Positions, service::SocketService, session::Sessions,
};
use crate::{app::App, hub::Hub};

/// Where clients connect.
pub const PATH: &str = "/socket.io/";

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
        let entropy = app.entropy.clone();
        let sessions = Arc::new(Sessions::new(app, hub.clone(), Arc::new(events)));
        let engine = Engine::start(sessions, entropy, settings.polling);
        let service = SocketService::new(engine, settings.origins);
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

    /// A connection whose packets the caller carries; none when the server takes no more.
    pub fn open_line(&self) -> Option<Line> {
        self.service.open_line()
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
            while self.hub.device_count() > 0 || self.service.connection_count() > 0 {
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
