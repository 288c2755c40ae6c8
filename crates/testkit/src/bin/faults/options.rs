//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use semel_load::workload::Plan;
use semel_testkit::{campaign::Campaign, faults::Kind};

use crate::report::Tally;

/// Seconds of the whole set when nothing else is said.
const SET_SECONDS: u64 = 1_200;

/// Break a server in every way there is, and have what it did judged.
#[derive(Clone, Debug, Parser)]
#[command(name = "faults")]
pub(crate) struct Options {
    /// Campaigns: kill, pause, network, disk, power, clock, client, all (a mixture) of one server; cluster-servers,
    /// cluster-postgres, cluster-failover, cluster-redis, cluster-network, cluster-all of three; left out, the whole set
    #[arg(value_parser = campaign)]
    campaigns: Vec<Campaign>,
    /// Seed of the first run; each further one has the next
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Runs of each campaign, at least
    #[arg(long)]
    runs: Option<u64>,
    /// Seconds of the schedule of a run
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    duration: u64,
    /// Kill the server so often, at least
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// Cut the power so often, at least
    #[arg(long, default_value_t = 0)]
    cuts: u64,
    /// Go on until so many sends were acknowledged in all
    #[arg(long, default_value_t = 0, value_name = "SENDS")]
    pub(crate) until_acknowledged: u64,
    /// Seconds of the whole set, roughly, without what --kills, --cuts and --until-acknowledged take beyond it
    #[arg(long, default_value_t = SET_SECONDS, value_name = "SECONDS")]
    seconds: u64,
    /// Give the server a disk that lies about what was forced onto it: campaigns with power cuts must fail
    #[arg(long)]
    pub(crate) lying_disk: bool,
    /// Print the schedules of the first runs, and run nothing
    #[arg(long)]
    pub(crate) print: bool,
    /// Who writes [default: heavy; to several servers: steady; cluster-redis: calm]
    #[arg(long, value_enum)]
    plan: Option<Who>,
    /// Where data, histories and disks lie meanwhile [default: the directory for temporary files]
    #[arg(long, value_name = "DIRECTORY")]
    scratch: Option<PathBuf>,
    /// Where they are kept when something is violated
    #[arg(long, default_value = "target/faults", value_name = "DIRECTORY")]
    pub(crate) keep: PathBuf,
    /// Where the reports go
    #[arg(long, default_value = "target/reports", value_name = "DIRECTORY")]
    pub(crate) reports: PathBuf,
}

/// A plan of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// Five people
    Tiny,
    /// Two dozen people who do everything
    Steady,
    /// The same, without haste
    Calm,
    /// As many messages as go
    Heavy,
}

impl Who {
    pub(crate) fn plan(self, seed: u64) -> Plan {
        match self {
            Self::Tiny => Plan::tiny(seed),
            Self::Steady => Plan::steady(seed),
            Self::Calm => Plan::calm(seed),
            Self::Heavy => Plan::heavy(seed),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Steady => "steady",
            Self::Calm => "calm",
            Self::Heavy => "heavy",
        }
    }
}

/// What a campaign must come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) runs: u64,
    pub(crate) kills: u64,
    pub(crate) cuts: u64,
    pub(crate) acknowledged: u64,
}

impl Target {
    pub(crate) fn is_reached(&self, tally: &Tally) -> bool {
        tally.runs() >= self.runs
            && tally.count(Kind::Kill) >= self.kills
            && tally.count(Kind::PowerCut) >= self.cuts
            && tally.acknowledged >= self.acknowledged
    }
}

impl Options {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.duration.max(1))
    }

    pub(crate) fn plan(&self, campaign: Campaign) -> Who {
        // How soon news come again after Redis is asked of a load that three servers carry, not of one that has them behind.
        let usual = match campaign {
            Campaign::ClusterRedis => Who::Calm,
            campaign if campaign.has_several_servers() => Who::Steady,
            _ => Who::Heavy,
        };
        self.plan.unwrap_or(usual)
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.scratch.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// Which campaigns, and what each must come to.
    pub(crate) fn targets(&self) -> Vec<(Campaign, Target)> {
        let is_set = self.campaigns.is_empty();
        let campaigns = if is_set {
            Campaign::EVERY
        } else {
            &self.campaigns
        };
        let target = |campaign: &Campaign| {
            let seconds = self.seconds * share(*campaign) / 100;
            let of_set = if is_set {
                (seconds / self.duration.max(1)).max(1)
            } else {
                1
            };
            let only = |of, number| if *campaign == of { number } else { 0 };
            let target = Target {
                runs: self.runs.unwrap_or(of_set),
                kills: only(Campaign::Kill, self.kills),
                cuts: only(Campaign::Power, self.cuts),
                acknowledged: 0,
            };
            (*campaign, target)
        };
        campaigns.iter().map(target).collect()
    }

    /// How to run one run again.
    pub(crate) fn command(&self, campaign: Campaign, seed: u64) -> String {
        let lying = if self.lying_disk { " --lying-disk" } else { "" };
        format!(
            "cargo run --release --package semel-testkit --bin faults -- {campaign} --seed {seed} \
             --duration {} --plan {}{lying}",
            self.duration,
            self.plan(campaign).name()
        )
    }
}

/// Per cent of the set's time.
fn share(campaign: Campaign) -> u64 {
    match campaign {
        Campaign::Kill => 15,
        Campaign::Power
        | Campaign::Network
        | Campaign::All
        | Campaign::ClusterFailover
        | Campaign::ClusterAll => 10,
        Campaign::ClusterServers | Campaign::ClusterPostgres => 6,
        Campaign::ClusterRedis | Campaign::ClusterNetwork => 5,
        Campaign::Pause | Campaign::Disk => 4,
        Campaign::Clock => 3,
        Campaign::Client => 2,
    }
}

fn campaign(name: &str) -> Result<Campaign, String> {
    Campaign::parse(name).ok_or_else(|| {
        let names: Vec<&str> = Campaign::EVERY
            .iter()
            .map(|campaign| campaign.name())
            .collect();
        format!("one of {}", names.join(", "))
    })
}
