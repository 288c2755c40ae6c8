//! Several servers with everything around them that a fault needs.

mod database;
mod guest;

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use semel_client::Address;
use semel_services::{Postgres, Redis, Trouble};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep_until},
};

use super::{Broken, Fault, Kind, Missing, Outage, SERVERS, StageError, Store};
use crate::{
    Semel,
    cluster::{Cluster, Plan},
    link::Link,
    proxy::{Ending, Proxy, Rules},
};
use database::Former;
use guest::Guest;

/// Answers to idempotency keys are kept for longer than any run.
const IDEMPOTENCY_HOURS: &str = "2000";

/// Running servers, and what can happen to them. Dropping it ends all of it.
#[derive(Debug)]
pub struct Ensemble {
    proxies: Vec<Proxy>,
    /// Somebody who uses the database besides the servers.
    guest: Option<Guest>,
    cluster: Cluster,
    directory: PathBuf,
    /// The database whose place was taken.
    former: Option<Former>,
    promoted_at: Option<Instant>,
    /// Until when Redis keeps everybody waiting.
    held_until: Instant,
    /// Standbys that were made.
    standbys: u64,
    /// Servers that can start only when they reach the database again.
    waiting: Vec<usize>,
    /// Faults of the database that have begun and are not healed.
    is_database_away: bool,
    /// Of each server.
    is_way_broken: [bool; SERVERS],
}

impl Ensemble {
    /// Starts everything in a directory; with proxies before the servers, or without. Runtimes of several threads only.
    pub async fn set(
        scratch: &Path,
        has_standby: bool,
        proxy_seed: Option<u64>,
    ) -> Result<Self, StageError> {
        let plan = Plan {
            servers: SERVERS,
            synchronous_standby: has_standby,
            links: true,
            environment: vec![("SEMEL_IDEMPOTENCY_HOURS".into(), IDEMPOTENCY_HOURS.into())],
            ..Plan::default()
        };
        let directory = scratch.join("cluster");
        std::fs::create_dir_all(&directory)?;
        let cluster = Cluster::start_in(&directory, plan, |_| {}).await?;
        let mut proxies = vec![];
        if let Some(seed) = proxy_seed {
            let addresses = cluster.addresses();
            for (number, address) in addresses.iter().enumerate() {
                // What is repeated goes to another server.
                let other = &addresses[(number + 1) % addresses.len()];
                let seed = seed ^ (number as u64) << 56;
                proxies.push(Proxy::start_between(address, other, seed).await?);
            }
        }
        Ok(Self {
            proxies,
            guest: None,
            cluster,
            directory,
            former: None,
            promoted_at: None,
            held_until: Instant::now(),
            standbys: 1,
            waiting: vec![],
            is_database_away: false,
            is_way_broken: [false; SERVERS],
        })
    }

    /// Where clients connect.
    pub fn addresses(&self) -> Vec<Address> {
        if self.proxies.is_empty() {
            return self.cluster.addresses();
        }
        let addresses = self.proxies.iter().map(|proxy| proxy.address.clone());
        addresses.collect()
    }

    /// The servers and all that belongs to them.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The same, for what is no fault of the catalogue.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// Where everything is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// When a standby took the place of the database, until there is another standby.
    pub fn promoted_at(&self) -> Option<Instant> {
        self.promoted_at
    }

    /// Before the servers, if they are there.
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// Something goes wrong.
    pub fn begin(&mut self, fault: &Fault) -> io::Result<()> {
        match fault {
            Fault::Outage(outage) => self.begin_outage(outage),
            Fault::Network(_, rules) => {
                self.rule(rules);
                Ok(())
            }
            Fault::HalfOpen => {
                self.proxies.iter().for_each(Proxy::abandon_all);
                Ok(())
            }
            Fault::Disconnect => {
                self.reset();
                Ok(())
            }
            // Clients are not on the stage.
            Fault::ClientCrash { .. } => Ok(()),
            _ => Err(io::Error::other(format!("{fault} is for one server"))),
        }
    }

    /// It is put right. Returns the servers that were started.
    pub async fn heal(&mut self, fault: &Fault) -> io::Result<Vec<usize>> {
        match fault {
            Fault::Outage(outage) => self.heal_outage(outage).await?,
            Fault::Network(..) => self.rule(&Rules::default()),
            Fault::HalfOpen => self.reset(),
            _ => {}
        }
        self.start_waiting()
    }

    fn begin_outage(&mut self, outage: &Outage) -> io::Result<()> {
        match outage {
            Outage::Server { number, kind } => self.strike(*number, *kind)?,
            Outage::DatabaseKill => {
                self.is_database_away = true;
                self.postgres(Postgres::kill)?;
            }
            Outage::DatabaseRestart => {
                self.is_database_away = true;
                self.postgres(Postgres::stop)?;
            }
            Outage::DatabasePause => {
                self.is_database_away = true;
                self.postgres(Postgres::pause)?;
            }
            Outage::StandbyPause => {
                self.is_database_away = true;
                block_in_place(|| self.standby()?.pause().map_err(|trouble| told(&trouble)))?;
            }
            Outage::Failover { old, found } => {
                self.is_database_away = true;
                self.fail_over(*old, *found)?;
                self.is_database_away = false;
            }
            Outage::LockedTable { table } => self.guest = Some(self.invite()?.lock_table(table)),
            Outage::IdleTransaction => self.guest = Some(self.invite()?.idle()),
            Outage::Deadlocks => self.guest = Some(self.invite()?.lock_rows_in_any_order()),
            Outage::RedisKill => self.redis(Redis::kill)?,
            Outage::RedisFlush => self.tell_redis(&["FLUSHALL"])?,
            Outage::RedisHangUp => self.tell_redis(&["CLIENT", "KILL", "TYPE", "pubsub"])?,
            Outage::RedisHold { time } => {
                let millis = time.as_millis().to_string();
                self.held_until = Instant::now() + *time;
                self.tell_redis(&["CLIENT", "PAUSE", &millis, "ALL"])?;
            }
            // Its answer comes when it wakes up.
            Outage::RedisSleep { time } => {
                let seconds = format!("{:.3}", time.as_secs_f64());
                self.tell_redis(&["DEBUG", "SLEEP", &seconds])?;
            }
            Outage::RedisPause => self.redis(Redis::pause)?,
            Outage::Way { number, to, how } => {
                let link = self.way(*number, *to)?;
                match how {
                    Broken::Cut => link.cut(),
                    Broken::Silent => link.silence(),
                    Broken::Slow(delay) => link.delay(*delay),
                }
                self.is_way_broken[*number] |= *to == Store::Database;
            }
        }
        Ok(())
    }

    async fn heal_outage(&mut self, outage: &Outage) -> io::Result<()> {
        match outage {
            Outage::Server { number, kind } => match kind {
                Kind::Pause => self.cluster.servers[*number].signal(Signal::CONT)?,
                _ => self.waiting.push(*number),
            },
            Outage::DatabaseKill | Outage::DatabaseRestart => {
                self.postgres(Postgres::restart)?;
                self.is_database_away = false;
            }
            Outage::DatabasePause => {
                self.postgres(Postgres::resume)?;
                self.is_database_away = false;
            }
            Outage::StandbyPause => {
                block_in_place(|| self.standby()?.resume().map_err(|trouble| told(&trouble)))?;
                self.is_database_away = false;
            }
            Outage::Failover { .. } => self.make_standby().await?,
            Outage::LockedTable { .. } | Outage::IdleTransaction | Outage::Deadlocks => {
                self.guest = None;
            }
            Outage::RedisKill => self.redis(Redis::restart)?,
            Outage::RedisPause => self.redis(Redis::resume)?,
            Outage::Way { number, to, .. } => {
                self.way(*number, *to)?.heal();
                if *to == Store::Database {
                    self.is_way_broken[*number] = false;
                }
            }
            // It ends by itself.
            Outage::RedisHold { .. } => sleep_until(self.held_until).await,
            Outage::RedisFlush | Outage::RedisHangUp | Outage::RedisSleep { .. } => {}
        }
        Ok(())
    }

    fn strike(&mut self, number: usize, kind: Kind) -> io::Result<()> {
        let server = &mut self.cluster.servers[number];
        match kind {
            Kind::Pause => server.signal(Signal::STOP),
            Kind::Restart => block_in_place(|| server.stop()).map(drop),
            _ => block_in_place(|| server.kill()),
        }
    }

    /// A server does not start without its database.
    fn start_waiting(&mut self) -> io::Result<Vec<usize>> {
        let (mut started, waiting) = (vec![], std::mem::take(&mut self.waiting));
        for number in waiting {
            if self.is_database_away || self.is_way_broken[number] {
                self.waiting.push(number);
            } else {
                block_in_place(|| self.cluster.servers[number].restart())?;
                started.push(number);
            }
        }
        Ok(started)
    }

    fn rule(&self, rules: &Rules) {
        for proxy in &self.proxies {
            proxy.set(rules.clone());
        }
    }

    fn reset(&self) {
        for proxy in &self.proxies {
            proxy.close_all(Ending::Reset);
        }
    }

    fn postgres(&self, act: impl FnOnce(&Postgres) -> Result<(), Trouble>) -> io::Result<()> {
        block_in_place(|| act(&self.cluster.postgres)).map_err(|trouble| told(&trouble))
    }

    fn redis(&self, act: impl FnOnce(&Redis) -> Result<(), Trouble>) -> io::Result<()> {
        let redis = self.cluster.redis.as_ref().ok_or_else(|| lacks("Redis"))?;
        block_in_place(|| act(redis)).map_err(|trouble| told(&trouble))
    }

    fn tell_redis(&self, words: &[&str]) -> io::Result<()> {
        self.redis(|redis| redis.command(words).map(drop))
    }

    fn way(&self, number: usize, to: Store) -> io::Result<&Link> {
        let links = &self.cluster.links[number];
        match to {
            Store::Database => Ok(&links.postgres),
            Store::Redis => links.redis.as_ref().ok_or_else(|| lacks("Redis")),
        }
    }

    fn standby(&self) -> io::Result<&Postgres> {
        let standby = self.cluster.standby.as_ref();
        standby.ok_or_else(|| lacks("a standby"))
    }

    fn invite(&self) -> io::Result<Guest> {
        Guest::invite(&self.cluster.postgres)
    }
}

impl From<Trouble> for StageError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Missing { part, reason } => Self::Missing(Missing { part, reason }),
            other @ Trouble::Io { .. } => Self::Io(told(&other)),
        }
    }
}

impl Drop for Ensemble {
    fn drop(&mut self) {
        for server in &mut self.cluster.servers {
            // It may be dead already.
            let _ = Semel::kill(server);
        }
    }
}

/// With its cause.
fn told(trouble: &Trouble) -> io::Error {
    let cause = std::error::Error::source(trouble).map(|cause| format!(": {cause}"));
    io::Error::other(format!("{trouble}{}", cause.unwrap_or_default()))
}

fn lacks(what: &str) -> io::Error {
    io::Error::other(format!("the stage was set without {what}"))
}
