//! Socket.IO: who comes in, what they ask, and the way back to them.
//!
//! Engine.IO (WebSocket, polling, upgrades, heartbeats) is `engine`, which `session` and `service` use; the few packets of
//! Socket.IO above it are in `packet`. Everything else knows [`Outlet`](crate::hub::Outlet) and [`packet::Frame`].
//!
//! Invariant: what one device sends is handed to the ledger in the order in which it came.
//! Invariant: a device is registered in the hub before it can ask for anything.

mod engine;
mod events;
mod gate;
mod incoming;
pub mod packet;
mod positions;
mod service;
mod session;

use std::{sync::Arc, time::Duration};

pub use self::engine::Line;
use self::{
    engine::{Engine, OutsideLimits},
    events::Events,
    gate::Gate,
    positions::Positions,
    service::SocketService,
    session::Sessions,
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
    /// How many may come in at a time.
    pub admission: Admission,
}

/// How many may come in at a time. What is beyond is refused quickly and told when to come again, so that those who are here
/// notice nothing of a crowd that comes back.
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    /// Connections whose device is not known yet.
    pub connecting_max: usize,
    /// The same, of one address.
    pub connecting_per_address_max: usize,
    /// Devices whose token is being looked at.
    pub entering_max: usize,
    /// Devices whose `sync` is being answered, or waits for that.
    pub syncing_max: usize,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            connecting_max: 10_000,
            connecting_per_address_max: 2_500,
            entering_max: 1_000,
            syncing_max: 2_000,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            polling: true,
            origins: None,
            admission: Admission::default(),
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
        let admission = settings.admission;
        let gate = Gate::new(admission.syncing_max, app.entropy.clone());
        let events = Events::new(app.clone(), hub.clone(), positions.clone(), gate);
        let (entropy, for_service) = (app.entropy.clone(), app.clone());
        let sessions = Arc::new(Sessions::new(
            app,
            hub.clone(),
            Arc::new(events),
            Gate::new(admission.entering_max, entropy.clone()),
        ));
        let engine = Engine::start(
            sessions,
            entropy,
            settings.polling,
            OutsideLimits {
                all: admission.connecting_max,
                of_one_address: admission.connecting_per_address_max,
            },
        );
        let service = SocketService::new(for_service, engine, settings.origins);
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
        // Somebody may wait for a position to be written.
        tokio::join!(self.hub.drain(patience / 2), self.positions.flush());
        self.positions.flush().await;
        let all_gone = async {
            while self.hub.device_count() > 0 || self.service.connection_count() > 0 {
                // Those who were on their way in.
                self.hub.drain(Duration::ZERO).await;
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
