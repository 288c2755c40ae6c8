//! Puts a server together from its settings, and takes it apart again.

mod cors;
mod listener;
mod secret_file;
mod server_file;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusHandle;
use semel_backends::{
    StatsView,
    postgres::{self, Address, PostgresLedger},
    sqlite::{self, SqliteLedger},
};
use semel_core::ports::{Clock, Entropy, Ledger};
use semel_protocol::Timestamp;
use tokio::task::{JoinHandle, JoinSet};

pub use server_file::ServerFile;

use self::listener::{Listener, Listening};
use crate::{
    app::App,
    auth::Tokens,
    bus::{Bus, LocalBus, redis::RedisBus},
    config::{Config, MetricsListen},
    convert::JsonRenderer,
    http,
    hub::{Hub, Looking, Rhythm},
    jobs::{PruneAnswersEvery, prune_answers},
    realtime::{self, Realtime},
    telemetry::metrics,
    world::{SystemClock, SystemEntropy},
};

/// Threads that answer questions.
const READERS: usize = 2;
/// Lanes that commit side by side to a database server.
const LANES: usize = 4;
/// How far `metrics_listen = "auto"` is from the port of `listen`.
const METRICS_PORT_DISTANCE: u16 = 1000;
/// How often expired answers are removed.
const PRUNE_INTERVAL: Duration = Duration::from_mins(10);
/// How often connected devices and the lane's counters are looked at.
const GAUGES_INTERVAL: Duration = Duration::from_secs(2);

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

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The signing secret cannot be read or made.
    #[error("cannot read or make the signing secret")]
    Secret(#[source] io::Error),
    /// The database cannot be opened.
    #[error("cannot open the database in {directory}")]
    Database {
        /// Where it is.
        directory: PathBuf,
        /// Why.
        #[source]
        source: semel_backends::Error,
    },
    /// The database server cannot be used.
    #[error("cannot use the database on {hosts}")]
    DatabaseServer {
        /// Where it is.
        hosts: String,
        /// Why.
        #[source]
        source: semel_backends::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (choose another with `{setting}`)")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The setting that chose it.
        setting: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data directory cannot be written.
    #[error("cannot write {0}")]
    ServerFile(PathBuf, #[source] io::Error),
    /// Metrics cannot be counted.
    #[error("cannot count: {0}")]
    Metrics(String),
}

/// Starts a server. It serves when this returns.
pub async fn start(config: Config) -> Result<Running, ServeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let tokens = tokens(&config).map_err(ServeError::Secret)?;
    // Listening comes first: a port that is taken is told before a large database is looked through.
    let listener = listener::bind(config.listen, "listen")?;
    let metrics_listener = metrics_listener(&config, listener.address)?;

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
    let Opened { ledger, stats } = open_ledger(&config, &hub, &clock, &entropy).await?;
    let delivery = hub.start(&ledger);
    let app = App::new(Arc::clone(&ledger), tokens, clock, entropy);
    if let Some(bus) = &bus {
        app.tell_of_bus(Arc::clone(bus));
    }
    let settings = realtime::Settings {
        polling: config.polling,
        origins: Some(config.allowed_origins.clone()).filter(|origins| !origins.is_empty()),
    };
    let realtime = Realtime::new(Arc::clone(&app), Arc::clone(&hub), settings);
    let jobs = jobs(&app, &hub, stats, config.idempotency);
    metrics::identify(&config.server_id);
    tracing::info!(address = %listener.address, server_id = config.server_id, "serving");

    let router = realtime.router().merge(http::router(Arc::clone(&app)));
    let running = Running {
        address: listener.address,
        metrics_address: metrics_listener.as_ref().map(|listener| listener.address),
        listening: listener.serve(cors::around(router, &config.allowed_origins)),
        metrics_listening: metrics_listener.map(|it| it.serve(metrics::router(counting()))),
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

    /// What every surface shares: for tests and tools in the same process.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Stops gracefully: says that it is not ready, sends devices away, finishes what is under way, closes the store.
    pub async fn stop(mut self) {
        let patience = self.config.drain;
        self.app.stop();
        self.jobs.abort_all();
        let requests = self.listening.stop(patience);
        tokio::join!(requests, self.realtime.shutdown(patience));
        self.ledger.close().await;
        if let Some(bus) = self.bus {
            bus.close().await;
        }
        self.delivery.abort();
        if let Some(metrics) = self.metrics_listening {
            metrics.stop(Duration::ZERO).await;
        }
        ServerFile::remove(&self.config.data_dir);
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

/// Verifies and signs tokens with the secret of the settings or the data directory.
pub fn tokens(config: &Config) -> io::Result<Tokens> {
    let secret = secret_file::signing_secret(config, &SystemEntropy)?;
    Ok(Tokens::new(
        secret.expose().as_bytes(),
        Arc::new(SystemClock),
    ))
}

/// The time by this machine's clock.
pub fn now() -> Timestamp {
    SystemClock.now()
}

/// A ledger, and what it counts.
struct Opened {
    ledger: Arc<dyn Ledger>,
    stats: Box<dyn Fn() -> StatsView + Send + Sync>,
}

/// Opens the store that the settings name.
async fn open_ledger(
    config: &Config,
    hub: &Arc<Hub>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, ServeError> {
    if let Some(address) = &config.postgres {
        return open_postgres(config, address, hub, clock, entropy).await;
    }
    let options = sqlite::Options {
        data_dir: config.database_dir.clone(),
        readers: READERS,
        idempotency_ms: config.idempotency.as_millis() as i64,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(hub) as Arc<_>,
    };
    // Beside the runtime: looking through a large one takes a while.
    let opened = tokio::task::spawn_blocking(move || SqliteLedger::open(options)).await;
    match opened.expect("opening the database does not panic") {
        Ok(ledger) => Ok(Opened {
            ledger: Arc::clone(&ledger) as _,
            stats: Box::new(move || ledger.stats().view()),
        }),
        Err(source) => Err(ServeError::Database {
            directory: config.database_dir.clone(),
            source,
        }),
    }
}

async fn open_postgres(
    config: &Config,
    address: &Address,
    hub: &Arc<Hub>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, ServeError> {
    let options = postgres::Options {
        address: address.clone(),
        lanes: LANES,
        readers: READERS,
        idempotency_ms: config.idempotency.as_millis() as i64,
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
        renderer: Arc::new(JsonRenderer),
        listener: Arc::clone(hub) as Arc<_>,
    };
    match PostgresLedger::open(options).await {
        Ok(ledger) => Ok(Opened {
            ledger: Arc::clone(&ledger) as _,
            stats: Box::new(move || ledger.stats()),
        }),
        Err(source) => Err(ServeError::DatabaseServer {
            hosts: address.hosts(),
            source,
        }),
    }
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

/// The process counts once, however many servers run in it.
fn counting() -> PrometheusHandle {
    static COUNTING: OnceLock<PrometheusHandle> = OnceLock::new();
    COUNTING
        .get_or_init(|| metrics::install().expect("nobody else counts in this process"))
        .clone()
}

fn jobs(
    app: &Arc<App>,
    hub: &Arc<Hub>,
    stats: Box<dyn Fn() -> StatsView + Send + Sync>,
    expiry: Duration,
) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let every = PruneAnswersEvery {
        interval: PRUNE_INTERVAL,
        expiry,
    };
    jobs.spawn(prune_answers(Arc::clone(app), every));
    let hub = Arc::clone(hub);
    jobs.spawn(async move {
        let mut interval = tokio::time::interval(GAUGES_INTERVAL);
        loop {
            interval.tick().await;
            metrics::connections(hub.device_count());
            metrics::lane(&stats());
            // Without this, samples of histograms would be kept until somebody asks for them.
            counting().run_upkeep();
        }
    });
    jobs
}
