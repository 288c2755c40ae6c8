//! Settings: defaults, then `semel.toml`, then the environment, then flags.
//!
//! Invariant: nothing below reads the environment or a file of settings; the program passes a [`Config`] down.

mod layers;
mod parse;
mod secret;
mod settings;
mod sign_in_parse;
mod snapshot;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

pub use layers::Source;
pub use secret::Secret;
pub use settings::{SETTINGS, Setting};
pub use snapshot::SettingLine;

use ipnet::IpNet;
use semel_backends::postgres::Address;

use crate::{auth::Verified, bus::redis::Target, limits::Rates, realtime::Admission, sign_in};

/// The settings file that is read when none is named and it is there.
pub const FILE_DEFAULT: &str = "semel.toml";
/// Stands for every origin in `allowed_origins`.
pub const ANY_ORIGIN: &str = "*";
/// Names the settings file in the environment.
pub const FILE_VARIABLE: &str = "SEMEL_CONFIG";

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the data.
    pub data_dir: PathBuf,
    /// Directory of the database, which is called `semel.db`.
    pub database_dir: PathBuf,
    /// The database of a `PostgreSQL` server; none: `SQLite`, in that directory.
    pub postgres: Option<Address>,
    /// Where servers of the same database hear of each other; none: this one is alone, or looks into the database.
    pub redis: Option<Target>,
    /// How often one of several servers looks into the database.
    pub look: Duration,
    /// Transactions that are committed to a database server side by side.
    pub lanes: usize,
    /// Where people and programs are served.
    pub listen: SocketAddr,
    /// Where metrics are served.
    pub metrics_listen: MetricsListen,
    /// Name of this server.
    pub server_id: String,
    /// Signs tokens; none: `secret` in the data directory.
    pub jwt_secret_key: Option<Secret>,
    /// Origins of other pages that may call; `*` alone: all.
    pub allowed_origins: Vec<String>,
    /// For how many days browsers that came over TLS come over TLS only; 0: they are not told.
    pub hsts_days: u32,
    /// How people may sign in.
    pub sign_in: sign_in::Settings,
    /// What is asked of a host application's tokens.
    pub host: HostTokens,
    /// Whether Socket.IO may begin with long polling.
    pub polling: bool,
    /// Whether operators may give people pictures that other servers keep.
    pub outside_pictures: bool,
    /// Proxies that are believed to say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// How many may come in at a time.
    pub admission: Admission,
    /// How often people may do things.
    pub rates: Rates,
    /// After how many people with whom they share no thread one person asks in a day.
    pub strangers_day_max: u64,
    /// How long answers are kept for replay.
    pub idempotency: Duration,
    /// How long a start waits for a database server that is not there.
    pub start: Duration,
    /// How long a server that stops serves on after it says that it is not ready.
    pub drain_notice: Duration,
    /// How long a stop waits for what is under way.
    pub drain: Duration,
    /// How logs look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    values: layers::Values,
}

/// What is asked of a host application's tokens.
#[derive(Clone, Debug, Default)]
pub struct HostTokens {
    /// `iss`, if it must be anything.
    pub issuer: Option<String>,
    /// `aud`, if it must be anything.
    pub audience: Option<String>,
    /// Where its keys are, if it publishes any.
    pub keys_url: Option<String>,
    /// Who counts as verified.
    pub verified: Verified,
}

/// Where metrics are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsListen {
    /// Nowhere.
    Off,
    /// On this machine, near the port of `listen`.
    Auto,
    /// Here.
    At(SocketAddr),
}

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where settings are looked for. The program fills it from the process; tests from nothing.
#[derive(Debug, Default)]
pub struct Sources {
    /// A settings file that must be there; none: [`FILE_DEFAULT`] if it is there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// Flags: name as in the file, and value.
    pub flags: Vec<(&'static str, String)>,
}

/// Everything that is wrong with the settings, all at once.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One line each, saying what to mend.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not valid:")?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks the settings.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut values = layers::defaults();
        let mut problems = Vec::new();
        if let Some((path, text)) = file_text(&sources, &mut problems) {
            layers::read_file(&path, &text, &mut values, &mut problems);
        }
        layers::read_environment(sources.environment, &mut values, &mut problems);
        let flags: Vec<_> = sources
            .flags
            .into_iter()
            .filter_map(|(key, value)| Some((settings::by_key(key)?, value)))
            .collect();
        layers::read_flags(&flags, &mut values);
        let config = parse::config(values, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError { problems }),
        }
    }

    /// Defaults on a data directory, on free ports of this machine: for tests and tools.
    ///
    /// # Panics
    /// When the path is empty.
    pub fn for_directory(data_dir: &Path) -> Self {
        let flags = vec![
            ("data_dir", data_dir.display().to_string()),
            ("listen", "127.0.0.1:0".to_owned()),
        ];
        let mut values = layers::defaults();
        let flags: Vec<_> = flags
            .into_iter()
            .filter_map(|(key, value)| Some((settings::by_key(key)?, value)))
            .collect();
        layers::read_flags(&flags, &mut values);
        parse::config(values, &mut Vec::new()).expect("the defaults are valid")
    }

    /// The same on free ports of this machine, without metrics: a server for a moment.
    #[must_use]
    pub fn for_a_moment(&self) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen,
            metrics_listen: MetricsListen::Off,
            ..self.clone()
        }
    }

    /// Every setting with its value and where it came from, secrets hidden.
    pub fn snapshot_with_sources(&self) -> Vec<SettingLine> {
        snapshot::lines(&self.values)
    }
}

/// The settings file's path and text, if there is one.
fn file_text(sources: &Sources, problems: &mut Vec<String>) -> Option<(PathBuf, String)> {
    let named = sources.file.clone().or_else(|| {
        let variable = sources
            .environment
            .iter()
            .find(|(name, _)| name == FILE_VARIABLE)?;
        (!variable.1.is_empty()).then(|| PathBuf::from(&variable.1))
    });
    let path = named.clone().unwrap_or_else(|| PathBuf::from(FILE_DEFAULT));
    match std::fs::read_to_string(&path) {
        Ok(text) => Some((path, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => None,
        Err(error) => {
            problems.push(format!(
                "cannot read the settings file {}: {error}",
                path.display()
            ));
            None
        }
    }
}
