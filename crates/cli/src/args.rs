//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use semel_protocol::UserId;

const ABOUT: &str = "A chat server in which nothing happens twice and nothing gets lost";
const EXAMPLES: &str = "Examples:
  semel serve                                serve on 127.0.0.1:8080, data in ./data
  semel token ada                            print an access token for ada
  semel serve --data-dir b --listen 127.0.0.1:0
                                             a second server on a free port

Settings come from flags, the environment, semel.toml and defaults, in this order;
`semel config print` shows them and where each came from.";

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
data directory, which is made if it is missing. The person is made when the token is
used for the first time.")]
    Token(TokenArgs),
    /// Add or show people
    #[command(subcommand)]
    User(UserCommand),
    /// Copy the database to a file, while the server runs or not
    #[command(after_help = "Examples:
  semel backup /backups/semel-2026-01-31.db
  semel --data-dir /var/lib/semel backup /backups/today.db

The copy is one consistent moment, and is checked. Restore it with `semel restore FILE`.")]
    Backup {
        /// File to write; it must not be there yet
        to: PathBuf,
    },
    /// Put a backup in the place of the database
    #[command(after_help = "Examples:
  semel restore /backups/semel-2026-01-31.db
  semel restore --replace /backups/semel-2026-01-31.db

The server must not run. The restored database gets a new incarnation, so that devices
notice and sync from scratch.")]
    Restore {
        /// File that `semel backup` wrote
        from: PathBuf,
        /// Put it in the place of the database that is there, and keep a copy of that
        #[arg(long)]
        replace: bool,
    },
    /// Look for damage: holes, duplicates, wrong keys, orphans
    #[command(after_help = "Examples:
  semel doctor
  semel doctor || mail -s 'Semel needs a look' ops@example.org

Exit status: 0 nothing found, 1 something found, 2 could not look. It changes nothing and
may run beside the server.")]
    Doctor,
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
        /// Address of a picture
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
