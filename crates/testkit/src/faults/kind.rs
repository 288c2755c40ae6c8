//! The kinds of faults, and their names in reports and histories.

use std::fmt;

use super::Store;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $text:literal of $possession:ident,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What a fault of this kind takes possession of.
            pub fn possession(self) -> Possession {
                match self { $(Self::$name => Possession::$possession,)* }
            }
        }
    };
}

kinds! {
    /// The server is killed.
    Kill "kill -9" of Server,
    /// It is told to stop, and started again.
    Restart "restart" of Server,
    /// It stands still.
    Pause "pause" of Server,
    /// The disk forgets what was not forced onto it.
    PowerCut "power cut" of Server,
    /// The disk is full.
    FullDisk "full disk" of Server,
    /// Bytes cannot be forced onto the disk.
    SyncErrors "sync errors" of Server,
    /// That takes long.
    SlowSyncs "slow syncs" of Server,
    /// The server's clock jumps, and jumps back.
    ClockJump "clock jump" of Clock,
    /// It goes backwards.
    ClockDrift "clock drift" of Clock,
    /// What passes is late.
    Lateness "lateness" of Network,
    /// Little passes.
    Narrowness "narrowness" of Network,
    /// Clients read slowly.
    SlowReaders "slow readers" of Network,
    /// Nothing passes for a while.
    Silence "silence" of Network,
    /// Nobody can connect, and nobody is connected.
    Refusal "refusal" of Network,
    /// Connections are cut after some bytes.
    Cuts "cuts" of Network,
    /// Whole requests and events arrive twice.
    Repeats "repeats" of Network,
    /// Answers are lost.
    LostAnswers "lost answers" of Network,
    /// Connections become half-open.
    HalfOpen "half-open" of Network,
    /// All connections are reset.
    Disconnect "disconnect" of Network,
    /// Clients crash.
    ClientCrash "client crash" of Clients,
    /// The database is killed.
    DatabaseKill "database kill" of Database,
    /// It is told to stop, and started again.
    DatabaseRestart "database restart" of Database,
    /// It stands still.
    DatabasePause "database pause" of Database,
    /// Its standby stands still.
    StandbyPause "standby pause" of Database,
    /// The standby takes its place.
    Failover "failover" of Database,
    /// Somebody locks a table.
    LockedTable "locked table" of Guest,
    /// Somebody leaves a transaction open.
    IdleTransaction "idle transaction" of Guest,
    /// Somebody locks rows in any order.
    Deadlocks "deadlocks" of Guest,
    /// Redis is killed.
    RedisKill "Redis kill" of Redis,
    /// It forgets everything.
    RedisFlush "Redis flush" of Redis,
    /// It hangs up on those who listen.
    RedisHangUp "Redis hang-up" of Redis,
    /// It keeps commands waiting.
    RedisHold "Redis hold" of Redis,
    /// It does nothing for a while.
    RedisSleep "Redis sleep" of Redis,
    /// It stands still.
    RedisPause "Redis pause" of Redis,
    /// One server's way to the database is broken.
    DatabaseWayBroken "no way to the database" of Ways,
    /// It is slow.
    DatabaseWaySlow "slow way to the database" of Ways,
    /// One server's way to Redis is broken.
    RedisWayBroken "no way to Redis" of Ways,
    /// It is slow.
    RedisWaySlow "slow way to Redis" of Ways,
}

/// What a fault takes possession of: two faults of the same possession cannot overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Possession {
    /// The server's process and its disk.
    Server,
    /// Its clock.
    Clock,
    /// The proxy.
    Network,
    /// Clients.
    Clients,
    /// The database of several servers, and its standby.
    Database,
    /// Somebody else in that database.
    Guest,
    /// Redis.
    Redis,
    /// Some way between a server and a store; of a fault it is [`Self::Way`].
    Ways,
    /// One of several servers, from 0.
    OneServer(usize),
    /// Its way to a store.
    Way(usize, Store),
}

impl Kind {
    /// Its number in histories, from 1.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Whether the server's process ends by it.
    pub fn ends_server(self) -> bool {
        matches!(self, Self::Kill | Self::Restart | Self::PowerCut)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
