//! What goes wrong with several servers, their database, Redis, and the ways between them.

use std::{fmt, time::Duration};

use super::{Kind, Possession};

/// So many servers are broken together.
pub const SERVERS: usize = 3;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outage {
    /// One server is killed, told to stop, or stands still, as [`Kind::Kill`], [`Kind::Restart`] and [`Kind::Pause`] say.
    Server {
        /// Which, from 0.
        number: usize,
        /// What befalls it.
        kind: Kind,
    },
    /// The database is killed with SIGKILL, with all its sessions; healed by starting it again.
    DatabaseKill,
    /// It is told to stop, which ends all sessions; healed by starting it again.
    DatabaseRestart,
    /// It stands still, and connections to it stay.
    DatabasePause,
    /// What follows it stands still: nothing is committed meanwhile.
    StandbyPause,
    /// The synchronous standby takes its place; healed by a new standby.
    Failover {
        /// What becomes of the one whose place it takes.
        old: Old,
        /// How servers find the new one.
        found: Found,
    },
    /// Somebody locks a table.
    LockedTable {
        /// Which.
        table: &'static str,
    },
    /// Somebody begins a transaction and goes away.
    IdleTransaction,
    /// Somebody locks rows in any order, until one of those who wait for each other has to give up.
    Deadlocks,
    /// Redis is killed; healed by starting it again, empty.
    RedisKill,
    /// It forgets everything.
    RedisFlush,
    /// It hangs up on everybody who listens.
    RedisHangUp,
    /// It keeps all commands waiting for so long.
    RedisHold {
        /// How long.
        time: Duration,
    },
    /// It does nothing at all for so long.
    RedisSleep {
        /// How long.
        time: Duration,
    },
    /// It stands still, and connections to it stay.
    RedisPause,
    /// The way of one server to a store.
    Way {
        /// Which, from 0.
        number: usize,
        /// Where it leads.
        to: Store,
        /// How it is.
        how: Broken,
    },
}

/// What servers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// `PostgreSQL`.
    Database,
    /// Redis.
    Redis,
}

/// How a way is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Connections are reset.
    Cut,
    /// Nothing passes, and nobody is told.
    Silent,
    /// Everything is late by so much, in each direction.
    Slow(Duration),
}

/// What becomes of a database whose place was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// It was killed before.
    Killed,
    /// It stands still, cut off, and goes on when another one writes in its place. Then one server is sent to it once more:
    /// it must not believe it.
    Returns {
        /// Which server, from 0.
        number: usize,
    },
}

/// How servers find the database after it has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The address that they know leads there.
    ByAddress,
    /// By the second one of the two addresses that they know.
    ByList,
}

impl Outage {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Server { kind, .. } => *kind,
            Self::DatabaseKill => Kind::DatabaseKill,
            Self::DatabaseRestart => Kind::DatabaseRestart,
            Self::DatabasePause => Kind::DatabasePause,
            Self::StandbyPause => Kind::StandbyPause,
            Self::Failover { .. } => Kind::Failover,
            Self::LockedTable { .. } => Kind::LockedTable,
            Self::IdleTransaction => Kind::IdleTransaction,
            Self::Deadlocks => Kind::Deadlocks,
            Self::RedisKill => Kind::RedisKill,
            Self::RedisFlush => Kind::RedisFlush,
            Self::RedisHangUp => Kind::RedisHangUp,
            Self::RedisHold { .. } => Kind::RedisHold,
            Self::RedisSleep { .. } => Kind::RedisSleep,
            Self::RedisPause => Kind::RedisPause,
            Self::Way { to, how, .. } => match (to, how) {
                (Store::Redis, Broken::Slow(_)) => Kind::RedisWaySlow,
                (Store::Redis, _) => Kind::RedisWayBroken,
                (Store::Database, Broken::Slow(_)) => Kind::DatabaseWaySlow,
                (Store::Database, _) => Kind::DatabaseWayBroken,
            },
        }
    }

    /// What it takes possession of.
    pub fn possession(&self) -> Possession {
        match self {
            Self::Server { number, .. } => Possession::OneServer(*number),
            Self::Way { number, to, .. } => Possession::Way(*number, *to),
            _ => self.kind().possession(),
        }
    }

    /// Whether Redis, or a server's way to it, is what is broken.
    pub fn is_of_redis(&self) -> bool {
        match self {
            Self::Way { to, .. } => *to == Store::Redis,
            _ => self.possession() == Possession::Redis,
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        match self {
            Self::Server { number, .. } => write!(f, " of server {number}"),
            Self::Failover { old, found } => write!(f, ", {old:?}, found {found:?}"),
            Self::LockedTable { table } => write!(f, " {table}"),
            Self::RedisHold { time } | Self::RedisSleep { time } => write!(f, " for {time:?}"),
            Self::Way { number, how, .. } => write!(f, " of server {number}: {how:?}"),
            _ => Ok(()),
        }
    }
}
