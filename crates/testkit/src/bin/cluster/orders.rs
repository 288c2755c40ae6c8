//! What whoever runs the cluster does to it.

use std::{io, str::FromStr, thread};

use semel_services::{Redis, Trouble};
use semel_testkit::cluster::Cluster;
use tokio::sync::mpsc;

/// Orders that may wait.
const WAITING_MAX: usize = 16;

/// Something to be done to a part of the cluster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    Kill(usize),
    Start(usize),
    StopRedis,
    StartRedis,
    StopDatabase,
    StartDatabase,
    FailOver,
}

impl Order {
    /// How they are written.
    pub(crate) const HELP: [&str; 4] = [
        "kill 1        start 1        a server: its devices go on at another one",
        "stop redis    start redis    messages arrive two seconds later meanwhile",
        "stop db       start db       messages wait meanwhile, and none is lost or doubled",
        "failover                     the standby takes the place of the database (CLUSTER='--standby')",
    ];

    /// Does it; what to tell.
    pub(crate) fn follow(self, cluster: &mut Cluster) -> Result<String, String> {
        let count = cluster.servers.len();
        let redis = || cluster.redis.as_ref().ok_or("there is no Redis here");
        let done = match self {
            Self::Kill(number) | Self::Start(number) => {
                let server = number
                    .checked_sub(1)
                    .and_then(|n| cluster.servers.get_mut(n));
                let server = server.ok_or_else(|| format!("there are servers 1 to {count}"))?;
                let done = match self {
                    Self::Kill(_) => server.kill(),
                    _ => server.kill().and_then(|()| server.restart()),
                };
                done.map_err(|error| error.to_string())
            }
            Self::StopRedis => redis().map(Redis::kill)?.map_err(told),
            Self::StartRedis => redis().map(Redis::restart)?.map_err(told),
            Self::StopDatabase => cluster.postgres.kill().map_err(told),
            Self::StartDatabase => cluster.postgres.restart().map_err(told),
            Self::FailOver => {
                let standby = cluster.standby.take().ok_or("there is no standby here")?;
                let lost = cluster.postgres.kill();
                let done = lost.and_then(|()| standby.promote()).map_err(told);
                // The one that lost its place must not come back beside it.
                cluster.postgres = standby;
                done
            }
        };
        done.map(|()| "done".to_owned())
    }
}

fn told(trouble: Trouble) -> String {
    match trouble {
        Trouble::Io { doing, source } => format!("failed to {doing}: {source}"),
        missing @ Trouble::Missing { .. } => missing.to_string(),
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |text: &str| {
            let number = text.parse::<usize>();
            number.map_err(|_| format!("`{text}` is no number of a server"))
        };
        match words[..] {
            ["kill", server] => number(server).map(Self::Kill),
            ["stop", "redis"] => Ok(Self::StopRedis),
            ["start", "redis"] => Ok(Self::StartRedis),
            ["stop", "db"] => Ok(Self::StopDatabase),
            ["start", "db"] => Ok(Self::StartDatabase),
            ["failover"] => Ok(Self::FailOver),
            ["start", server] => number(server).map(Self::Start),
            _ => Err(format!("Try one of these:\n  {}", Self::HELP.join("\n  "))),
        }
    }
}

/// Reads orders, a line each, until there are no more lines.
pub(crate) fn orders() -> mpsc::Receiver<Result<Order, String>> {
    let (give, orders) = mpsc::channel(WAITING_MAX);
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            // Nobody takes them any more when everything ends.
            if give.blocking_send(line.parse()).is_err() {
                return;
            }
        }
    });
    orders
}

#[cfg(test)]
mod tests {
    use super::Order;

    #[test]
    fn orders_are_read_and_what_is_none_is_explained() {
        assert_eq!("kill 2".parse(), Ok(Order::Kill(2)));
        assert_eq!(" start  3 ".parse(), Ok(Order::Start(3)));
        assert_eq!("stop redis".parse(), Ok(Order::StopRedis));
        assert_eq!("start db".parse(), Ok(Order::StartDatabase));
        assert_eq!("failover".parse(), Ok(Order::FailOver));
        for wrong in ["", "kill", "kill all", "stop 1", "quit"] {
            let told = wrong.parse::<Order>().unwrap_err();
            assert!(
                told.contains("kill 1") || told.contains("no number"),
                "{told}"
            );
        }
    }
}
