//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use semel_load::scenario::{
    CONNECTIONS_MAX, DURATION_SECONDS_MAX, RATE_PER_SECOND_MAX, Rate, Scenario,
};
use semel_protocol::UserId;

const ABOUT: &str = "A chat server in which nothing happens twice and nothing gets lost";
const EXAMPLES: &str = "Examples:
  semel serve                                serve on 127.0.0.1:8080, data in ./data
  semel token ada                            print an access token for ada
  semel serve --data-dir b --listen 127.0.0.1:0
                                             a second server on a free port

Settings come from flags, the environment, semel.toml and defaults, in this order;
`semel config print` shows them and where each came from.";

const LOAD_HELP: &str = "Scenarios:
  pairs            threads of two: one writes, the other has it on screen
  group-100        one group of 100, all online, four of whom write
  group-1000       one group of 1,000, all online, four of whom write
  hot-thread       one thread in which everybody writes at once
  reconnect-storm  devices are cut off all at once and come back, while others write
  duplicate-storm  every message several times at once, over sockets and HTTP
  idle             connections that do nothing: their memory
  mixed            messages, reading, edits, reactions, marks, typing, connecting

Examples:
  semel load                                          50 pairs, 500 messages/s, a server of its own
  semel load --rate max --compare-sqlite              as fast as they are acknowledged, beside SQLite alone
  semel load --scenario reconnect-storm --connections 5000
  semel load --scenario pairs,duplicate-storm --check judge what everybody saw
  semel load --url http://127.0.0.1:8080 --secret-file ./data/secret --json run.json
  semel load --scenario hot-thread --check --url http://one:8080,http://two:8080,http://three:8080

With --rate N messages come from a fixed schedule and are timed from when they were due, so
that a server that stands still shows in all of them. With --rate max everybody who writes
sends the next message when the last one is acknowledged.

Exit status: 0 the server did what it must, 1 it did not or the run came to nothing.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "semel", version, about = ABOUT, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings that every command may need.
#[derive(Args, Clone, Debug)]
pub(crate) struct SettingsArgs {
    /// Settings file [default: semel.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory of the data [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
}

/// Which database, for commands that look at one.
#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseArgs {
    /// Address of the database; other people of this machine see it, `DATABASE_URL` they do not
    /// [default: that of the settings]
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    #[command(after_help = "Examples:
  semel serve
  semel serve --data-dir /var/lib/semel --listen 0.0.0.0:8080
  semel serve --listen 127.0.0.1:0 --metrics-listen off

Ctrl-C or SIGTERM stops it gracefully: what is under way is finished first.")]
    Serve(ServeArgs),
    /// Print an access token, and nothing else
    #[command(after_help = "Examples:
  semel token ada
  semel token ada --name 'Ada Lovelace' --hours 1
  curl -H \"Authorization: Bearer $(semel token ada)\" http://127.0.0.1:8080/api/users/me

No server is needed. The token is signed with JWT_SECRET_KEY, or with the secret in the
data directory, which is made if it is missing and the database is SQLite. The person is
made when the token is used for the first time.")]
    Token(TokenArgs),
    /// Add or show people
    #[command(subcommand)]
    User(UserCommand),
    /// Copy the database to a file, while the server runs or not
    #[command(after_help = "Examples:
  semel backup /backups/semel-2026-01-31.db
  semel --data-dir /var/lib/semel backup /backups/today.db

The copy is one consistent moment, and is checked. Restore it with `semel restore FILE`.
For SQLite; PostgreSQL is backed up by its own means (pg_dump, pg_basebackup).")]
    Backup {
        /// File to write; it must not be there yet
        to: PathBuf,
    },
    /// Put a backup in the place of the database
    #[command(after_help = "Examples:
  semel restore /backups/semel-2026-01-31.db
  semel restore --replace /backups/semel-2026-01-31.db

The server must not run. The restored database gets a new incarnation, so that devices
notice and sync from scratch. For SQLite; PostgreSQL is restored by its own means, and
`semel restored` comes after it.")]
    Restore {
        /// File that `semel backup` wrote
        from: PathBuf,
        /// Put it in the place of the database that is there, and keep a copy of that
        #[arg(long)]
        replace: bool,
    },
    /// Tell a database of `PostgreSQL` that it was brought back from a backup
    #[command(after_help = "Examples:
  semel restored
  semel restored --database-url postgres://semel@db.example.org/semel

Run it after pg_restore or a recovery to a point in time, before any server starts. The
database gets a new incarnation and its threads other epochs, so that devices notice and
sync from scratch, and offer again what the backup does not have. `semel restore` does this
by itself for SQLite.")]
    Restored(DatabaseArgs),
    /// Say that the secret that signs tokens was changed on purpose
    #[command(after_help = "Examples:
  JWT_SECRET_KEY=... semel new-secret
  semel new-secret --config /etc/semel/semel.toml

A server whose secret is not that of the others of its PostgreSQL database does not start.
Put the new secret into the settings of all, run this once with them, and start the
servers anew.")]
    NewSecret(DatabaseArgs),
    /// Look for damage: holes, duplicates, wrong keys, orphans
    #[command(after_help = "Examples:
  semel doctor
  semel doctor || mail -s 'Semel needs a look' ops@example.org
  semel doctor --database-url postgres://semel@db.example.org/semel

Exit status: 0 nothing found, 1 something found, 2 could not look. It changes nothing and
may run beside the servers.")]
    Doctor(DatabaseArgs),
    /// Move everything to another database, of whichever engine
    #[command(after_help = "Examples:
  semel transfer --from sqlite:/var/lib/semel --to postgres://semel@db.example.org/semel
  semel transfer --from postgres://semel@db.example.org/semel --to sqlite:/var/lib/semel
  semel transfer --from sqlite:./data --to sqlite:/mnt/new --verify-only
  semel transfer --from sqlite:/var/lib/semel --to env:DATABASE_URL

No server may run on either. The target is empty; it gets every id, number and key of the
source, and the same incarnation, so that devices go on where they were. A transfer that was
interrupted goes on when it is run again; until it has ended, no server starts on the target.
At the end both databases are read again and compared, row by row; --verify-only does only
that, and changes nothing.

Exit status: 0 moved, or the same; 1 not moved, or different.")]
    Transfer(TransferArgs),
    /// Judge a history of what clients saw: nothing twice, nothing lost, one order
    #[command(after_help = "Examples:
  semel check run.history
  semel check run.history --expect load
  semel check run.history --lines | grep '\"apply\"'

The form of a history is in docs/HISTORY.md. Exit status: 0 passed, 1 violated, 2 the run did
not show what it was meant to, 3 unreadable.")]
    Check {
        /// The history
        file: PathBuf,
        /// What the run must have shown: faults, load, nothing, or names with commas between them
        #[arg(long)]
        expect: Option<String>,
        /// Print the history as JSON lines instead
        #[arg(long)]
        lines: bool,
    },
    /// Show the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Replay a chat log as many clients, with retries and duplicates, and check the result
    #[command(after_help = "Examples:
  semel demo testdata/irc/*.txt")]
    Demo(crate::demo::DemoArgs),
    /// Load a server by named scenarios, and sum up what it did
    #[command(after_help = LOAD_HELP)]
    Load(LoadArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:
  semel completions bash > /etc/bash_completion.d/semel
  semel completions zsh > ~/.zfunc/_semel")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Ask a running server whether it is ready: exit status 0 or 1
    #[command(after_help = "Examples:
  semel health
  semel health --url http://127.0.0.1:8080")]
    Health {
        /// The server's address [default: that of the server on the data directory]
        #[arg(long)]
        url: Option<String>,
    },
}

/// Flags of `serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Address for people and programs; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
    /// Address of /metrics, `auto` or `off` [default: auto, the port of --listen plus 1000]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) metrics_listen: Option<String>,
    /// How logs look: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// What is logged, as `RUST_LOG` [default: info]
    #[arg(long, value_name = "FILTER")]
    pub(crate) log_filter: Option<String>,
}

/// Flags of `load`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// What to do, with commas between several, or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "pairs", value_parser = parse_scenarios)]
    scenario: Vec<Scenarios>,
    /// Messages a second, or `max` [default: the scenario's]
    #[arg(long, value_parser = parse_rate)]
    pub(crate) rate: Option<Rate>,
    /// Seconds of load, without connecting before and waiting for the last afterwards
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=DURATION_SECONDS_MAX))]
    pub(crate) duration: u64,
    /// Connections [default: the scenario's]
    #[arg(long, value_name = "COUNT", value_parser = parse_connections)]
    pub(crate) connections: Option<usize>,
    /// Chooses what is random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Server to load; several times, or with commas: all servers of one database, each with its share of the
    /// connections [default: one of its own for each scenario, in a temporary directory]
    #[arg(long, value_delimiter = ',')]
    pub(crate) url: Vec<String>,
    /// File with that server's signing secret [default: that of `semel token`]
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Write down what everybody sends and sees, and judge it
    #[arg(long)]
    pub(crate) check: bool,
    /// Measure the database engine alone on this machine as well
    #[arg(long)]
    pub(crate) compare_sqlite: bool,
    /// Write the figures to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl LoadArgs {
    /// Every scenario that was named, once, in the order of the names.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let mut all: Vec<Scenario> = Vec::new();
        for scenario in self.scenario.iter().flat_map(|some| some.0) {
            if !all.contains(scenario) {
                all.push(*scenario);
            }
        }
        all
    }
}

/// What one name stands for.
#[derive(Clone, Copy, Debug)]
struct Scenarios(&'static [Scenario]);

/// Flags of `transfer`.
#[derive(Args, Debug)]
pub(crate) struct TransferArgs {
    /// Database to move: sqlite:DIRECTORY, `postgres://USER:PASSWORD@HOST/NAME`, or env:VARIABLE,
    /// which other people of this machine do not see
    #[arg(long, value_name = "DATABASE")]
    pub(crate) from: String,
    /// Where to
    #[arg(long, value_name = "DATABASE")]
    pub(crate) to: String,
    /// Only compare the two
    #[arg(long)]
    pub(crate) verify_only: bool,
}

/// Flags of `token`.
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// The person's id
    #[arg(allow_hyphen_values = true, value_parser = parse_user)]
    pub(crate) user: UserId,
    /// The person's name, for when they come for the first time
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Allow bringing people in and changing their profiles
    #[arg(long)]
    pub(crate) operator: bool,
    /// How long the token is valid, 1 to 87600
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub(crate) hours: u32,
}

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a person, or change what is known of one
    #[command(after_help = "Examples:
  semel user add ada --name 'Ada Lovelace'

Works while the server runs and when it does not.")]
    Add {
        /// The person's id
        #[arg(allow_hyphen_values = true, value_parser = parse_user)]
        user: UserId,
        /// Name [default: the id]
        #[arg(long)]
        name: Option<String>,
        /// What the person says about themselves
        #[arg(long)]
        about: Option<String>,
        /// Address of a picture elsewhere, where the server lets operators give one (`outside_pictures`)
        #[arg(long)]
        picture: Option<String>,
    },
    /// Show a person as JSON
    #[command(after_help = "Examples:
  semel user show ada")]
    Show {
        /// The person's id
        #[arg(allow_hyphen_values = true, value_parser = parse_user)]
        user: UserId,
    },
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting, its value and where it came from, as TOML; secrets are hidden
    #[command(after_help = "Examples:
  semel config print
  SEMEL_LISTEN=127.0.0.1:9000 semel config print
  semel config print > semel.toml")]
    Print,
}

fn parse_user(text: &str) -> Result<UserId, String> {
    UserId::parse(text).map_err(|error| error.to_string())
}

fn parse_scenarios(text: &str) -> Result<Scenarios, String> {
    if text == "all" {
        return Ok(Scenarios(Scenario::ALL));
    }
    let found = Scenario::ALL
        .iter()
        .find(|scenario| scenario.name() == text);
    found
        .map(|it| Scenarios(std::slice::from_ref(it)))
        .ok_or_else(|| {
            let names: Vec<_> = Scenario::ALL
                .iter()
                .map(|scenario| scenario.name())
                .collect();
            format!("there are {} and all", names.join(", "))
        })
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    match text.parse() {
        Ok(rate @ 1..=RATE_PER_SECOND_MAX) => Ok(Rate::PerSecond(rate)),
        _ => Err(format!(
            "say a number from 1 to {RATE_PER_SECOND_MAX}, or max"
        )),
    }
}

fn parse_connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=CONNECTIONS_MAX) => Ok(count),
        _ => Err(format!("say a number from 1 to {CONNECTIONS_MAX}")),
    }
}
