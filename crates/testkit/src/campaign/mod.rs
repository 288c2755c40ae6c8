//! Campaigns: what is drawn, what must be there for it, and what a run of it must have shown.

mod actor;
mod figures;
mod run;
mod scene;
mod stopwatch;

use std::{fmt, time::Duration};

pub use figures::{Figure, Figures, Longest};
pub use run::{Outcome, Progress, Run};

use semel_check::{Options, Sometimes};
use semel_load::workload::Plan;

use crate::{
    faults::{Kind, SERVERS},
    schedule::Mix,
};

/// A set of faults that is tried as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Campaign {
    /// `kill -9`, again and again.
    Kill,
    /// The server stands still, or is told to stop.
    Pause,
    /// The proxy treats connections badly.
    Network,
    /// The disk is full, slow, or does not take what is forced onto it.
    Disk,
    /// The power is cut, again and again.
    Power,
    /// The server's clock is wrong.
    Clock,
    /// Clients crash.
    Client,
    /// All of it but repeats, up to three at a time.
    All,
    /// Of three servers with one database, some are killed, restarted, paused.
    ClusterServers,
    /// Their database stops, stands still, or is locked by others.
    ClusterPostgres,
    /// A standby takes its place.
    ClusterFailover,
    /// Redis stops, stands still, forgets.
    ClusterRedis,
    /// The ways between clients, servers, database and Redis are bad.
    ClusterNetwork,
    /// All of it but repeats, up to three at a time.
    ClusterAll,
}

/// Calls of a run whose outcome may be unknown: while the disk fails, all of them are.
const UNKNOWN_PERCENT_MAX: u8 = 90;
/// MiB of a disk whose space is not the point: it holds a run.
const DISK_MEBIBYTES: u64 = 4 * 1024;

impl Campaign {
    /// Every one.
    pub const EVERY: &'static [Self] = &[
        Self::Kill,
        Self::Pause,
        Self::Network,
        Self::Disk,
        Self::Power,
        Self::Clock,
        Self::Client,
        Self::All,
        Self::ClusterServers,
        Self::ClusterPostgres,
        Self::ClusterFailover,
        Self::ClusterRedis,
        Self::ClusterNetwork,
        Self::ClusterAll,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Power => "power",
            Self::Clock => "clock",
            Self::Client => "client",
            Self::All => "all",
            Self::ClusterServers => "cluster-servers",
            Self::ClusterPostgres => "cluster-postgres",
            Self::ClusterFailover => "cluster-failover",
            Self::ClusterRedis => "cluster-redis",
            Self::ClusterNetwork => "cluster-network",
            Self::ClusterAll => "cluster-all",
        }
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::EVERY
            .iter()
            .copied()
            .find(|campaign| campaign.name() == name)
    }

    /// What its schedules are drawn from.
    pub fn mix(self) -> Mix {
        let same = |kinds: &[Kind]| kinds.iter().map(|kind| (*kind, 1)).collect::<Vec<_>>();
        let (kinds, gap, tracks) = match self {
            Self::Kill => (same(&[Kind::Kill]), 100..=1_000, 1),
            Self::Pause => (vec![(Kind::Pause, 3), (Kind::Restart, 2)], 200..=1_500, 1),
            Self::Network => {
                // Some of what is repeated arrives after a restart.
                let more = [(Kind::Repeats, 3), (Kind::Kill, 1)];
                ([&same(NETWORK)[..], &more].concat(), 100..=800, 1)
            }
            Self::Disk => (same(DISK), 300..=1_500, 1),
            Self::Power => (same(&[Kind::PowerCut]), 200..=1_500, 1),
            Self::Clock => (same(CLOCK), 200..=1_000, 1),
            Self::Client => (same(&[Kind::ClientCrash]), 50..=400, 1),
            Self::All => {
                let server = [Kind::Kill, Kind::PowerCut].map(|kind| (kind, 5));
                let rest = [NETWORK, DISK, CLOCK, &[Kind::Pause, Kind::Restart]].concat();
                let clients = [(Kind::ClientCrash, 4)];
                let kinds = [&server[..], &same(&rest), &clients].concat();
                (kinds, 100..=900, 3)
            }
            Self::ClusterServers => (same(ONE_OF_SEVERAL), 100..=1_000, 2),
            Self::ClusterPostgres => (same(POSTGRES), 200..=1_000, 1),
            Self::ClusterFailover => {
                let rare = [(Kind::StandbyPause, 1), (Kind::Kill, 1)];
                ([&[(Kind::Failover, 4)][..], &rare].concat(), 200..=1_000, 1)
            }
            Self::ClusterRedis => (same(REDIS), 200..=1_000, 1),
            Self::ClusterNetwork => {
                let more = [(Kind::Repeats, 3), (Kind::Kill, 1)];
                (
                    [&same(NETWORK)[..], &same(WAYS), &more].concat(),
                    100..=800,
                    2,
                )
            }
            Self::ClusterAll => {
                let all = [NETWORK, WAYS, ONE_OF_SEVERAL, POSTGRES, REDIS].concat();
                let more = [(Kind::Failover, 3), (Kind::ClientCrash, 3)];
                ([&same(&all)[..], &more].concat(), 100..=900, 3)
            }
        };
        let [least, most] = [*gap.start(), *gap.end()].map(Duration::from_millis);
        Mix {
            kinds,
            gap: least..=most,
            tracks,
            servers: if self.has_several_servers() {
                SERVERS
            } else {
                1
            },
        }
    }

    /// Whether it needs several servers with a database and Redis.
    pub fn has_several_servers(self) -> bool {
        self >= Self::ClusterServers
    }

    /// Whether their database needs a synchronous standby.
    pub fn has_standby(self) -> bool {
        matches!(self, Self::ClusterFailover | Self::ClusterAll)
    }

    /// What a run of it must have measured.
    pub fn figures(self) -> &'static [Figure] {
        match self {
            Self::ClusterFailover => &[Figure::WritesAfterPromotion],
            Self::ClusterRedis => &[Figure::DeliveryAfterRedis],
            _ => &[],
        }
    }

    /// Who writes in it, of a plan. What was refused may be accepted when the network brings it once more after its sender
    /// was let in: where everything is repeated, nobody goes and comes.
    pub fn plan(self, plan: Plan) -> Plan {
        match self {
            Self::Network | Self::ClusterNetwork => Plan { guests: 0, ..plan },
            _ => plan,
        }
    }

    /// MiB of the disk that it needs; 0 if any directory will do.
    pub fn disk_mebibytes(self) -> u64 {
        match self {
            Self::Disk | Self::Power | Self::All => DISK_MEBIBYTES,
            _ => 0,
        }
    }

    /// Whether it needs a clock that can be set.
    pub fn has_clock(self) -> bool {
        matches!(self, Self::Clock | Self::All)
    }

    /// Whether it needs a proxy.
    pub fn has_proxy(self) -> bool {
        matches!(
            self,
            Self::Network | Self::All | Self::ClusterNetwork | Self::ClusterAll
        )
    }

    /// Whether it needs strace.
    pub fn has_strace(self) -> bool {
        matches!(self, Self::Disk | Self::All)
    }

    /// What a run of it must have shown to count, however short it is.
    pub fn expected(self) -> Options {
        use Sometimes::{
            Absorbed, Acknowledged, Agreed, Concurrent, Converged, Doctor, Fault, Restart, Retried,
            Unknown,
        };
        let mut expect = vec![Acknowledged, Concurrent, Converged, Doctor, Fault];
        match self {
            Self::Kill | Self::Power => expect.extend([Restart, Unknown, Retried]),
            Self::Network => expect.extend([Unknown, Retried, Absorbed]),
            Self::All => expect.extend([Restart, Unknown, Retried, Absorbed]),
            Self::Disk => expect.extend([Unknown, Retried]),
            Self::Client => expect.push(Retried),
            Self::Pause | Self::Clock => {}
            Self::ClusterServers => expect.extend([Agreed, Restart, Retried]),
            Self::ClusterPostgres | Self::ClusterFailover => expect.extend([Agreed, Retried]),
            Self::ClusterRedis => expect.push(Agreed),
            Self::ClusterNetwork | Self::ClusterAll => {
                expect.extend([Agreed, Retried, Absorbed]);
            }
        }
        Options {
            expect,
            acknowledged_min: 1,
            unknown_percent_max: UNKNOWN_PERCENT_MAX,
        }
    }
}

/// Without repeats: see [`Campaign::plan`].
const NETWORK: &[Kind] = &[
    Kind::Lateness,
    Kind::Narrowness,
    Kind::SlowReaders,
    Kind::Silence,
    Kind::Refusal,
    Kind::Cuts,
    Kind::LostAnswers,
    Kind::HalfOpen,
    Kind::Disconnect,
];
const ONE_OF_SEVERAL: &[Kind] = &[Kind::Kill, Kind::Restart, Kind::Pause];
const POSTGRES: &[Kind] = &[
    Kind::DatabaseKill,
    Kind::DatabaseRestart,
    Kind::DatabasePause,
    Kind::LockedTable,
    Kind::IdleTransaction,
    Kind::Deadlocks,
];
const REDIS: &[Kind] = &[
    Kind::RedisKill,
    Kind::RedisFlush,
    Kind::RedisHangUp,
    Kind::RedisHold,
    Kind::RedisSleep,
    Kind::RedisPause,
    Kind::RedisWayBroken,
];
const WAYS: &[Kind] = &[
    Kind::DatabaseWayBroken,
    Kind::DatabaseWaySlow,
    Kind::RedisWayBroken,
    Kind::RedisWaySlow,
];
const DISK: &[Kind] = &[Kind::FullDisk, Kind::SyncErrors, Kind::SlowSyncs];
const CLOCK: &[Kind] = &[Kind::ClockJump, Kind::ClockDrift];

impl fmt::Display for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
