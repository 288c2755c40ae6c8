//! What is measured: one server on `SQLite`, or some on one `PostgreSQL` database with Redis between them.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_client::Address;
use semel_load::scenario::{OwnServer, Target};
use semel_services::{Postgres, Redis};
use semel_testkit::{Launch, Semel, binary, now, random, token};
use tempfile::TempDir;

use crate::{
    Result,
    cost::{self, Cost},
    metrics::{self, Counts},
    share::Share,
};

/// How often servers bring their counters up to date, and a little more.
const COUNTED: Duration = Duration::from_millis(2_500);

/// What the servers stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A file, for one server.
    Sqlite,
    /// A database server, for so many servers.
    Postgres(usize),
}

impl Engine {
    /// For programs.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Sqlite => "sqlite".to_owned(),
            Self::Postgres(servers) => format!("postgres_{servers}"),
        }
    }

    /// For people.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Sqlite => "SQLite, 1 server".to_owned(),
            Self::Postgres(1) => "PostgreSQL, 1 server".to_owned(),
            Self::Postgres(servers) => format!("PostgreSQL, {servers} servers"),
        }
    }
}

/// What several servers need.
pub(crate) struct Services {
    postgres: Postgres,
    redis: Redis,
    postmaster: u32,
    redis_process: u32,
    _directories: [TempDir; 2],
}

impl Services {
    /// Starts them, durable as their defaults are.
    pub(crate) fn start() -> Result<Arc<Self>> {
        let directories = [tempfile::tempdir()?, tempfile::tempdir()?];
        let settings = [
            ("shared_buffers", "256MB"),
            ("max_wal_size", "4GB"),
            ("max_connections", "100"),
        ];
        let postgres = Postgres::start(&directories[0].path().join("postgres"), &settings)?;
        let redis = Redis::start(directories[1].path())?;
        let file = postgres.sql("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)")?;
        let postmaster = file.trim().parse()?;
        let info = redis.command(&["INFO", "server"])?;
        let process = info
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"));
        let redis_process = process
            .ok_or("Redis does not tell its process")?
            .trim()
            .parse()?;
        Ok(Arc::new(Self {
            postgres,
            redis,
            postmaster,
            redis_process,
            _directories: directories,
        }))
    }

    /// A figure of the database server.
    fn figure(&self, statement: &str) -> Result<f64> {
        Ok(self.postgres.sql(statement)?.trim().parse()?)
    }
}

/// Servers with a fresh database, until they are dropped.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    servers: Vec<Mutex<Semel>>,
    services: Option<(Arc<Services>, String)>,
    directory: TempDir,
}

impl Rig {
    pub(crate) fn start(engine: Engine, services: Option<&Arc<Services>>) -> Result<Arc<Self>> {
        let directory = tempfile::tempdir()?;
        let (count, services) = match engine {
            Engine::Sqlite => (1, None),
            Engine::Postgres(servers) => {
                let services = services.ok_or("PostgreSQL is not here")?;
                let name = format!("scaling_{:08x}", random() as u32);
                services.postgres.database(&name)?;
                (servers, Some((Arc::clone(services), name)))
            }
        };
        let mut servers = Vec::new();
        for number in 1..=count {
            let mut environment = vec![
                ("SERVER_ID".into(), format!("server-{number}").into()),
                ("SEMEL_METRICS_LISTEN".into(), "127.0.0.1:0".into()),
            ];
            if let Some((services, name)) = &services {
                environment.push(("DATABASE_URL".into(), services.postgres.url(name).into()));
                environment.push(("REDIS_URL".into(), services.redis.url().into()));
            }
            let launch = Launch {
                environment,
                ..Launch::default()
            };
            let data = directory.path().join(format!("server-{number}"));
            servers.push(Mutex::new(Semel::start_with(binary(), &data, launch)?));
        }
        Ok(Arc::new(Self {
            engine,
            servers,
            services,
            directory,
        }))
    }

    /// Puts each server into a share of its own, until it is restarted.
    pub(crate) fn hold(&self, shares: &[Share]) -> io::Result<()> {
        let mut pairs = self.servers.iter().zip(shares);
        pairs.try_for_each(|(server, share)| share.take(locked(server).pid()))
    }

    /// All of it, to be loaded.
    pub(crate) fn target(self: &Arc<Self>) -> Target {
        Target {
            addresses: self.addresses(),
            sign: Arc::new(|user| token(user.as_str())),
            now: Arc::new(now),
            entropy: random(),
            own: Some(Arc::clone(self) as Arc<dyn OwnServer>),
        }
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        let servers = self.servers.iter();
        servers
            .map(|server| locked(server).address.clone())
            .collect()
    }

    /// What everything has taken until now.
    pub(crate) fn cost(&self) -> io::Result<Cost> {
        let servers = self
            .servers
            .iter()
            .map(|server| cost::of(locked(server).pid()));
        let (postgres, redis) = match &self.services {
            Some((services, _)) => (
                cost::of_family(services.postmaster)?,
                cost::of(services.redis_process)?,
            ),
            None => (0.0, 0.0),
        };
        Ok(Cost {
            servers: servers.sum::<io::Result<f64>>()?,
            postgres,
            redis,
            generator: cost::of(std::process::id())?,
        })
    }

    /// What the servers have counted, together, once all of it is counted.
    pub(crate) async fn counts(&self) -> Result<Counts> {
        tokio::time::sleep(COUNTED).await;
        let mut sum = Counts::default();
        for server in &self.servers {
            let data = locked(server).data_dir().to_owned();
            sum.add(&metrics::read(&data).await?);
        }
        if let Some((services, _)) = &self.services {
            let info = services.redis.command(&["INFO", "commandstats"])?;
            sum.set("redis_published", metrics::redis_calls(&info, "spublish"));
        }
        Ok(sum)
    }

    /// Bytes that the database has on disk, its log left out.
    pub(crate) fn stored_bytes(&self) -> Result<f64> {
        if let Some((services, name)) = &self.services {
            return services.figure(&format!("SELECT pg_database_size('{name}')"));
        }
        let file = self.directory.path().join("server-1").join("semel.db");
        Ok(std::fs::metadata(file)?.len() as f64)
    }

    /// Bytes that were written into the write-ahead log of `PostgreSQL` until now.
    pub(crate) fn logged_bytes(&self) -> Result<f64> {
        match &self.services {
            Some((services, _)) => services.figure("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"),
            None => Ok(0.0),
        }
    }

    /// Ends the servers in an orderly way, so that everything is where it belongs. Deadlocks that the database had.
    pub(crate) fn stop(&self) -> Result<f64> {
        for server in &self.servers {
            locked(server).stop()?;
        }
        match &self.services {
            Some((services, name)) => services.figure(&format!(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"
            )),
            None => Ok(0.0),
        }
    }
}

impl OwnServer for Rig {
    fn restart(&self) -> io::Result<()> {
        for server in &self.servers {
            let mut server = locked(server);
            server.kill()?;
            server.restart()?;
        }
        Ok(())
    }

    fn resident_bytes(&self) -> io::Result<u64> {
        let servers = self.servers.iter();
        servers.map(|server| locked(server).resident_bytes()).sum()
    }
}

fn locked(server: &Mutex<Semel>) -> MutexGuard<'_, Semel> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}
