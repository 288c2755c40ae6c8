//! Puts a server together from its settings, and takes it apart again.

mod cors;
mod drain;
mod error;
mod hsts;
mod jobs;
mod listener;
mod secret_file;
mod server_file;
mod signing;
mod store;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use semel_core::ports::{Clock, Entropy, Ledger};
use semel_protocol::Timestamp;
use tokio::task::{JoinHandle, JoinSet};

pub use error::ServeError;
pub use server_file::ServerFile;
pub use signing::accept_secret;

use self::{
    jobs::counting,
    listener::{Listener, Listening},
    store::Opened,
};
use crate::{
    app::App,
    auth::{HostPolicy, PublicKeys, Tokens},
    bus::{Bus, LocalBus, redis::RedisBus},
    config::{ANY_ORIGIN, Config, MetricsListen},
    http,
    hub::{Hub, Looking, Rhythm},
    limits::RateLimits,
    realtime::{self, Realtime},
    sign_in::{self, SignIn},
    telemetry::metrics,
    world::{SystemClock, SystemEntropy},
};

/// How far `metrics_listen = "auto"` is from the port of `listen`.
const METRICS_PORT_DISTANCE: u16 = 1000;

/// A server that runs. [`Running::stop`] ends it; dropping it leaves it running until the runtime ends.
pub struct Running {
    /// Where people and programs are served.
    pub address: SocketAddr,
    /// Where metrics are served, if anywhere.
    pub metrics_address: Option<SocketAddr>,
    config: Config,
    app: Arc<App>,
    ledger: Arc<dyn Ledger>,
    realtime: Realtime,
    delivery: JoinHandle<()>,
    bus: Option<Arc<dyn Bus>>,
    jobs: JoinSet<()>,
    listening: Listening,
    metrics_listening: Option<Listening>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Starts a server. It serves when this returns.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let tokens = tokens(&config).map_err(ServeError::Secret)?;
    // Neither the secret nor the database may be kept there, but server.json is.
    secret_file::data_directory(&config.data_dir)
        .map_err(|error| ServeError::ServerFile(config.data_dir.clone(), error))?;
    // Listening comes first: a port that is taken is told before a large database is looked through.
    let listener = listener::bind(config.listen, "listen")?;
    let metrics_listener = metrics_listener(&config, listener.address)?;
    // Nothing is counted before somebody counts, and what happens once may happen at once.
    counting();

    let bus = config.redis.clone();
    let bus = bus.map(|target| RedisBus::new(target, entropy.seed()) as Arc<dyn Bus>);
    // Several servers may write a PostgreSQL database. Without Redis they find each other's entries in it.
    let alone = || Some(Arc::new(LocalBus) as Arc<dyn Bus>).filter(|_| config.postgres.is_some());
    let hub = match &bus.clone().or_else(alone) {
        None => Hub::new(Arc::clone(&clock), Rhythm::default()),
        Some(bus) => {
            let looking = Looking {
                every: config.look,
                seed: entropy.seed() as u64,
            };
            let bus = Arc::clone(bus);
            Hub::one_of_several(Arc::clone(&clock), Rhythm::default(), bus, looking)
        }
    };
    let Opened { ledger, stats } = store::open(&config, &hub, &clock, &entropy).await?;
    let delivery = hub.start(&ledger);
    let app = App::new(Arc::clone(&ledger), tokens, clock, entropy);
    app.let_sign_in(SignIn::new(config.sign_in.clone()));
    if config.outside_pictures {
        app.let_outside_pictures();
    }
    if let Err(error) = signing::begin(&app, &config).await {
        // What it holds in the database is given back.
        ledger.close().await;
        return Err(error);
    }
    if let Some(bus) = &bus {
        app.tell_of_bus(Arc::clone(bus));
    }
    let settings = realtime::Settings {
        polling: config.polling,
        origins: pages(&config),
        admission: config.admission,
    };
    let realtime = Realtime::new(Arc::clone(&app), Arc::clone(&hub), settings);
    let limits = RateLimits::new(config.rates);
    app.limit(Arc::clone(&limits));
    let mut jobs = jobs::start(&app, &hub, stats, config.idempotency);
    jobs.spawn(limits.exchange(bus.clone()));
    jobs.spawn(sign_in::run(Arc::clone(&app), Arc::clone(&hub)));
    metrics::identify(&config.server_id);
    metrics::begin_at_zero(http::ROUTES.iter().map(|route| route.path));
    tracing::info!(address = %listener.address, server_id = config.server_id, "serving");

    let router = realtime.router().merge(http::router(Arc::clone(&app)));
    let running = Running {
        address: listener.address,
        metrics_address: metrics_listener.as_ref().map(|listener| listener.address),
        listening: listener.serve(around(router, &config), &config.trusted_proxies),
        metrics_listening: metrics_listener.map(|it| it.serve(metrics::router(counting()), &[])),
        config,
        app,
        ledger,
        realtime,
        delivery,
        bus,
        jobs,
    };
    running.write_server_file()?;
    Ok(running)
}

impl Running {
    /// Where people and programs are served, as `http://host:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The settings with which it runs.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is behind the one link that makes an operator, as long as nobody has used it.
    pub async fn operator_token(&self) -> Option<String> {
        sign_in::operator_token(&self.app).await
    }

    /// What every surface shares: for tests and tools in the same process.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    fn write_server_file(&self) -> Result<(), ServeError> {
        let file = ServerFile {
            url: self.url(),
            metrics_url: self
                .metrics_address
                .map(|address| format!("http://{address}/metrics")),
            server_id: self.config.server_id.clone(),
            pid: std::process::id(),
        };
        let directory = &self.config.data_dir;
        file.write(directory)
            .map_err(|error| ServeError::ServerFile(directory.clone(), error))
    }
}

/// What browsers are told with every answer.
fn around(router: Router, config: &Config) -> Router {
    let is_over_tls = config
        .sign_in
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https://"));
    let days = if is_over_tls { config.hsts_days } else { 0 };
    hsts::around(cors::around(router, &config.allowed_origins), days)
}

/// Pages that may connect besides those of the host that they ask; none: all.
fn pages(config: &Config) -> Option<Vec<String>> {
    let named = config.allowed_origins.iter();
    let named: Vec<_> = named.chain(&config.sign_in.public_url).cloned().collect();
    let is_any = named.iter().any(|origin| origin == ANY_ORIGIN);
    (!is_any).then_some(named)
}

/// Verifies and signs tokens with the secret of the settings or the data directory.
pub fn tokens(config: &Config) -> io::Result<Tokens> {
    let secret = secret_file::signing_secret(config, &SystemEntropy)?;
    let host = HostPolicy {
        issuer: config.host.issuer.clone(),
        audience: config.host.audience.clone(),
        verified: config.host.verified,
        keys_url: config.host.keys_url.clone(),
        keys: PublicKeys::default(),
    };
    let secret = secret.expose().as_bytes();
    Ok(Tokens::with_host(secret, Arc::new(SystemClock), host))
}

/// Whether [`tokens`] has a secret, or would make one.
pub fn has_secret(config: &Config) -> bool {
    secret_file::is_there(config)
}

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    SystemClock.now()
}

fn metrics_listener(config: &Config, near: SocketAddr) -> Result<Option<Listener>, ServeError> {
    let address = match config.metrics_listen {
        MetricsListen::Off => return Ok(None),
        MetricsListen::At(address) => address,
        MetricsListen::Auto => {
            let machine = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let port = near.port().checked_add(METRICS_PORT_DISTANCE);
            if let (Some(port), 1..) = (port, config.listen.port())
                && let Ok(listener) = listener::bind(machine(port), "metrics_listen")
            {
                return Ok(Some(listener));
            }
            machine(0)
        }
    };
    listener::bind(address, "metrics_listen").map(Some)
}
