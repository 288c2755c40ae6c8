//! Several servers with what they need: one database, Redis, a balancer in front, and links between them that can be cut.

mod links;

use std::{net::SocketAddr, path::Path, thread};

use semel_client::Address;
use semel_services::{Balance, Balancer, Port, Postgres, Redis, Trouble};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::{Launch, Semel, binary};

pub use self::links::Links;

/// The database of the servers, and who owns it.
const DATABASE: &str = "semel";
const OWNER: &str = "semel";
/// What the primary calls its standby.
const STANDBY: &str = "standby";

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many servers.
    pub servers: usize,
    /// Whether nothing counts as committed before a standby has it too.
    pub synchronous_standby: bool,
    /// Whether the servers have Redis.
    pub redis: bool,
    /// How calls are spread; none: there is no balancer.
    pub balancer: Option<Balance>,
    /// Whether each server has links of its own to what it needs, which can be cut.
    pub links: bool,
    /// Variables for the environment of each server.
    pub environment: Vec<(String, String)>,
}

impl Default for Plan {
    /// Three servers with Redis, and nothing that tests seldom need.
    fn default() -> Self {
        Self {
            servers: 3,
            synchronous_standby: false,
            redis: true,
            balancer: None,
            links: false,
            environment: Vec::new(),
        }
    }
}

/// Servers and all that belongs to them, as processes on loopback ports. Dropping it ends them, the servers first.
#[derive(Debug)]
pub struct Cluster {
    /// They have one database, one secret ([`crate::SECRET`]), and directories and ports of their own.
    pub servers: Vec<Semel>,
    /// In front of them.
    pub balancer: Option<Balancer>,
    /// The links of each server, in their order, if the plan has them.
    pub links: Vec<Links>,
    /// Hints between them.
    pub redis: Option<Redis>,
    /// What follows the database.
    pub standby: Option<Postgres>,
    /// Their database.
    pub postgres: Postgres,
    /// Held while a server may be down.
    _ports: Vec<Port>,
    /// Where everything is, if nobody said where.
    _directory: Option<TempDir>,
}

impl Cluster {
    /// Starts everything in a directory of its own. Needs a runtime with several threads.
    pub async fn start(plan: Plan) -> Result<Self, Trouble> {
        let directory = tempfile::tempdir().map_err(trouble("make a directory"))?;
        let path = directory.path().to_owned();
        Self::build(&path, Some(directory), plan, |_| {}).await
    }

    /// Starts everything in an empty directory, and tells what is next.
    pub async fn start_in(
        directory: &Path,
        plan: Plan,
        tell: impl FnMut(&str),
    ) -> Result<Self, Trouble> {
        Self::build(directory, None, plan, tell).await
    }

    async fn build(
        directory: &Path,
        own: Option<TempDir>,
        plan: Plan,
        mut tell: impl FnMut(&str),
    ) -> Result<Self, Trouble> {
        let mut stores = block_in_place(|| Stores::start(directory, &plan, &mut tell))?;
        let mut links = Vec::new();
        if plan.links {
            for _ in 0..plan.servers {
                let started = Links::start(&stores).await;
                links.push(started.map_err(trouble("start the links of a server"))?);
            }
        }
        let ports = (0..plan.servers).map(|_| Port::reserve());
        let ports: Vec<Port> = ports.collect::<Result<_, _>>()?;
        let launches = (1..).zip(&ports).map(|(number, port)| {
            let own = match links.get(number - 1) {
                Some(links) => links.environment(),
                None => stores.environment(),
            };
            let name = ("SERVER_ID".to_owned(), format!("server-{number}"));
            let all = own
                .into_iter()
                .chain([name])
                .chain(plan.environment.clone());
            Launch {
                environment: all
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect(),
                log: Some(directory.join(format!("server-{number}.log"))),
                listen: Some(port.address()),
            }
        });
        let launches: Vec<Launch> = launches.collect();
        tell("the servers");
        let servers = block_in_place(|| start_servers(directory, launches))?;
        let mut balancer = None;
        if let Some(balance) = plan.balancer {
            tell("HAProxy");
            let addresses: Vec<SocketAddr> = ports.iter().map(Port::address).collect();
            let place = directory.join("balancer");
            let start = || Balancer::start_with(&place, &addresses, balance);
            balancer = Some(block_in_place(start)?);
        }
        Ok(Self {
            servers,
            balancer,
            links,
            redis: stores.redis.take(),
            standby: stores.standby.take(),
            postgres: stores.postgres,
            _ports: ports,
            _directory: own,
        })
    }

    /// Where the servers are, in their order.
    pub fn addresses(&self) -> Vec<Address> {
        let addresses = self.servers.iter().map(|server| server.address.clone());
        addresses.collect()
    }
}

/// What keeps, or carries, what the servers share.
struct Stores {
    redis: Option<Redis>,
    standby: Option<Postgres>,
    postgres: Postgres,
}

impl Stores {
    fn start(directory: &Path, plan: &Plan, tell: &mut impl FnMut(&str)) -> Result<Self, Trouble> {
        let at = |name: &str| directory.join(name);
        tell("PostgreSQL");
        let postgres = Postgres::start(&at("postgres"), &[])?;
        postgres.database(DATABASE)?;
        let mut stores = Self {
            redis: None,
            standby: None,
            postgres,
        };
        if plan.synchronous_standby {
            tell("a standby of PostgreSQL");
            let standby = stores.postgres.standby(&at("standby"), STANDBY)?;
            stores.standby = Some(standby);
            stores.postgres.synchronous_standbys(&[STANDBY])?;
        }
        if plan.redis {
            tell("Redis");
            stores.redis = Some(Redis::start(&at("redis"))?);
        }
        Ok(stores)
    }

    fn environment(&self) -> Vec<(String, String)> {
        let both = [Some(&self.postgres), self.standby.as_ref()];
        let databases = both.into_iter().flatten().map(Postgres::address);
        environment(databases, self.redis.as_ref().map(Redis::address))
    }
}

/// Settings of a server by where its database and its Redis are.
fn environment(
    databases: impl Iterator<Item = SocketAddr>,
    redis: Option<SocketAddr>,
) -> Vec<(String, String)> {
    let databases: Vec<String> = databases.map(|address| address.to_string()).collect();
    let database = format!("postgres://{OWNER}@{}/{DATABASE}", databases.join(","));
    let redis = redis.map(|redis| ("REDIS_URL".to_owned(), format!("redis://{redis}")));
    let database = ("DATABASE_URL".to_owned(), database);
    [database].into_iter().chain(redis).collect()
}

/// All at once: each takes a while.
fn start_servers(directory: &Path, launches: Vec<Launch>) -> Result<Vec<Semel>, Trouble> {
    let program = binary();
    thread::scope(|scope| {
        let starts: Vec<_> = (1..)
            .zip(launches)
            .map(|(number, launch)| {
                let data = directory.join(format!("server-{number}"));
                scope.spawn(move || Semel::start_with(program, &data, launch))
            })
            .collect();
        let ended = starts.into_iter().map(|start| {
            let server = start.join().expect("no panic");
            server.map_err(trouble("start a server"))
        });
        ended.collect()
    })
}

fn trouble(doing: &str) -> impl FnOnce(std::io::Error) -> Trouble {
    move |source| Trouble::Io {
        doing: doing.to_owned(),
        source,
    }
}
