//! What is asked of a run, and its limits.

use std::time::Duration;

/// Longest run.
pub const DURATION_SECONDS_MAX: u64 = 60 * 60;
/// Most connections of one run.
pub const CONNECTIONS_MAX: usize = 50_000;
/// Most messages a second of an open loop.
pub const RATE_PER_SECOND_MAX: u32 = 200_000;
/// Files that a run needs beside those of its connections.
pub const FILES_BESIDE: usize = 64;

macro_rules! scenarios {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal $connections:literal $rate:literal,)*) => {
        /// What is done to the server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scenario {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Scenario {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Connections when nobody says.
            pub fn default_connections(self) -> usize {
                match self { $(Self::$variant => $connections,)* }
            }

            /// Messages a second when nobody says.
            pub fn default_rate(self) -> u32 {
                match self { $(Self::$variant => $rate,)* }
            }

            /// What it does, in one sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)*).trim_ascii_start(),)* }
            }
        }
    };
}

scenarios! {
    /// Threads of two people: one writes, the other has it on screen.
    Pairs "pairs" 100 500,
    /// One group of 100 people, all online, four of whom write.
    Group100 "group-100" 100 100,
    /// One group of 1,000 people, all online, four of whom write.
    Group1000 "group-1000" 1_000 10,
    /// One thread in which everybody writes at once.
    HotThread "hot-thread" 50 500,
    /// Devices that are cut off all at once, and come back while others go on writing.
    ReconnectStorm "reconnect-storm" 5_000 100,
    /// Every message is sent several times at once, over several connections and HTTP.
    DuplicateStorm "duplicate-storm" 40 100,
    /// Connections that do nothing.
    Idle "idle" 2_000 0,
    /// What people do in a day: messages, reading, edits, reactions, marks, typing, connecting.
    Mixed "mixed" 200 300,
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// An open loop: so many a second come from a fixed schedule, whatever the server does.
    PerSecond(u32),
    /// A closed loop: everybody who writes sends the next message when the last one is acknowledged.
    Max,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is done.
    pub scenario: Scenario,
    /// How fast.
    pub rate: Rate,
    /// How long the load lasts; connecting before and reading the rest afterwards are not counted.
    pub duration: Duration,
    /// How many connections.
    pub connections: usize,
    /// Chooses what is random in the run. Ids are fresh in every run.
    pub seed: u64,
}

impl Plan {
    /// What a scenario does when nobody says more.
    pub fn of(scenario: Scenario, duration: Duration, seed: u64) -> Self {
        Self {
            scenario,
            rate: Rate::PerSecond(scenario.default_rate()),
            duration,
            connections: scenario.default_connections(),
            seed,
        }
    }

    /// Whether the scenario can be a closed loop.
    pub fn may_be_closed(&self) -> bool {
        !matches!(
            self.scenario,
            Scenario::DuplicateStorm | Scenario::Mixed | Scenario::Idle
        )
    }

    /// Files that the generator has open at once.
    pub fn files(&self) -> usize {
        // A device may read over HTTP beside its connection.
        let each = match self.scenario {
            Scenario::ReconnectStorm | Scenario::DuplicateStorm => 2,
            _ => 1,
        };
        self.connections * each + FILES_BESIDE
    }

    /// Fewest connections with which the scenario is what its name says.
    pub fn connections_min(&self) -> usize {
        match self.scenario {
            Scenario::Idle | Scenario::DuplicateStorm => 4,
            Scenario::Mixed => 10,
            _ => 2,
        }
    }
}
