//! `PostgreSQL`, with files and a port of its own.

mod programs;
mod shared;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;

use self::programs::Programs;
use crate::{
    Port, Trouble, account,
    process::{Process, Slot, until},
};

pub use self::shared::{Shared, shared_postgres};

/// Who owns the databases.
const OWNER: &str = "semel";
const STOP_MAX: Duration = Duration::from_mins(1);
/// How long a changed setting, or a standby, may take to be of use.
const EFFECT_MAX: Duration = Duration::from_secs(30);
/// Sockets have short names only.
const SOCKET_PATH_BYTES_MAX: usize = 80;

/// A database server. Dropping it kills it; its files stay with its directory.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    directory: PathBuf,
    port: Port,
    settings: Vec<(String, String)>,
    process: Slot,
}

impl Postgres {
    /// Starts one in an empty directory, with settings beyond the defaults. It is durable, as the defaults are.
    pub fn start(directory: &Path, settings: &[(&str, &str)]) -> Result<Self, Trouble> {
        let programs = Programs::find()?;
        account::directory(directory).map_err(Trouble::when("make a directory for PostgreSQL"))?;
        programs.init(&data(directory))?;
        let settings = settings
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Self::run(programs, directory, settings.collect())
    }

    /// Another one that follows this one under a name, in an empty directory, with the same settings. Whether this one
    /// waits for it, [`Self::synchronous_standbys`] says.
    pub fn standby(&self, directory: &Path, name: &str) -> Result<Self, Trouble> {
        account::directory(directory).map_err(Trouble::when("make a directory for a standby"))?;
        self.programs.copy(self.address(), &data(directory))?;
        let mut settings = self.settings.clone();
        settings.retain(|(name, _)| name != "synchronous_standby_names");
        // Under this name the other one knows it.
        settings.push(("cluster_name".to_owned(), name.to_owned()));
        Self::run(self.programs.clone(), directory, settings)
    }

    fn run(
        programs: Programs,
        directory: &Path,
        settings: Vec<(String, String)>,
    ) -> Result<Self, Trouble> {
        let server = Self {
            programs,
            directory: directory.to_owned(),
            port: Port::reserve()?,
            settings,
            process: Slot::new("PostgreSQL"),
        };
        server.restart()?;
        Ok(server)
    }

    /// The address of a database, for settings, over TCP.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@{}/{database}", self.address())
    }

    /// Where it listens. It has a socket in its directory as well, unless the name of that is too long for one.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where its files, its socket and its log are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Kills it and all its sessions at once, as a loss of power to the machine would. Nothing happens if it is dead already.
    pub fn kill(&self) -> Result<(), Trouble> {
        self.process.kill()
    }

    /// Stops it in order: sessions are ended, and what it has is written.
    pub fn stop(&self) -> Result<(), Trouble> {
        self.process.act("stop", |process| {
            process.tell(Signal::INT)?;
            process.wait(STOP_MAX)
        })?;
        self.kill()
    }

    /// Starts it on the same port with the same files; kills it before if it runs. Returns when it takes sessions.
    pub fn restart(&self) -> Result<(), Trouble> {
        self.restart_with(&[])
    }

    /// The same with settings for this run that win over all others.
    pub fn restart_with(&self, more: &[(&str, &str)]) -> Result<(), Trouble> {
        self.kill()?;
        let mut command = self.programs.serve(&data(&self.directory));
        let port = self.port.number().to_string();
        let socket = match self.directory.as_os_str().len() {
            ..=SOCKET_PATH_BYTES_MAX => self.directory.to_string_lossy(),
            _ => "".into(),
        };
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", port.as_str()),
            ("unix_socket_directories", &socket),
        ];
        let given = self
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.into_iter().chain(given).chain(more.iter().copied()) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let log = self.directory.join("log");
        let is_ready = || self.programs.is_ready(self.address());
        self.process.launch(&command, &log, is_ready)
    }

    /// Stops it and its sessions where they stand, as a machine that hangs; connections stay open.
    pub fn pause(&self) -> Result<(), Trouble> {
        self.process.act("pause", Process::pause)
    }

    /// Lets them go on.
    pub fn resume(&self) -> Result<(), Trouble> {
        self.process.act("resume", Process::resume)
    }

    /// A standby takes the place of the one that it followed; returns when it takes writes.
    pub fn promote(&self) -> Result<(), Trouble> {
        match self.sql("SELECT pg_promote()")?.as_str() {
            "t" => Ok(()),
            told => Err(Trouble::told("promote a standby", told)),
        }
    }

    /// Makes a database; its address.
    pub fn database(&self, name: &str) -> Result<String, Trouble> {
        self.sql(&format!(
            "CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"
        ))?;
        Ok(self.url(name))
    }

    /// Runs one statement in the database `postgres`; its rows, a line each, with `|` between the columns.
    pub fn sql(&self, statement: &str) -> Result<String, Trouble> {
        self.sql_in("postgres", statement)
    }

    /// The same in another database.
    pub fn sql_in(&self, database: &str, statement: &str) -> Result<String, Trouble> {
        self.programs.sql(&self.url(database), statement)
    }

    /// Changes a setting while it runs; returns when new sessions have it.
    pub fn set(&self, name: &str, value: &str) -> Result<(), Trouble> {
        self.sql(&format!("ALTER SYSTEM SET {name} = '{value}'"))?;
        self.sql("SELECT pg_reload_conf()")?;
        let now = format!("SELECT current_setting('{name}')");
        self.wait_for(&format!("set {name} to {value}"), &now, value)
    }

    /// Names the standbys of which one has to have what is committed before it counts; none with an empty list. Returns when
    /// one of them follows.
    pub fn synchronous_standbys(&self, names: &[&str]) -> Result<(), Trouble> {
        if names.is_empty() {
            return self.set("synchronous_standby_names", "");
        }
        let list = format!("FIRST 1 ({})", names.join(", "));
        self.set("synchronous_standby_names", &list)?;
        let follows = "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'";
        self.wait_for("wait for a synchronous standby", follows, "t")
    }

    fn wait_for(&self, doing: &str, question: &str, answer: &str) -> Result<(), Trouble> {
        let is_so = || self.sql(question).is_ok_and(|told| told == answer);
        until(answer, EFFECT_MAX, is_so).map_err(Trouble::when(doing))
    }
}

/// Where a server has its files.
fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}
