//! The programs of `PostgreSQL` that are installed here.

use std::{
    env,
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use super::OWNER;
use crate::{
    Trouble,
    account::{self, command, run},
};

/// All that are needed.
const NAMES: [&str; 5] = ["initdb", "pg_basebackup", "pg_isready", "postgres", "psql"];
/// Connections of several servers, and of those who look.
const CONNECTIONS_MAX: u32 = 200;

/// Where they are.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// The newest of this machine.
    pub(super) fn find() -> Result<Self, Trouble> {
        let versions = fs::read_dir("/usr/lib/postgresql");
        let versions = versions.into_iter().flatten().flatten();
        let installed = versions.map(|version| version.path().join("bin"));
        let path = env::var_os("PATH").unwrap_or_default();
        let mut found: Vec<PathBuf> = installed.chain(env::split_paths(&path)).collect();
        found.retain(|directory| NAMES.iter().all(|name| directory.join(name).exists()));
        found.sort();
        let directory = found.pop().ok_or_else(|| Trouble::Missing {
            part: "PostgreSQL",
            reason: "no programs of a server are installed (apt install postgresql)".to_owned(),
        })?;
        Ok(Self { directory })
    }

    /// Makes the files of an empty server, in place of those that are there.
    pub(super) fn init(&self, data: &Path) -> Result<(), Trouble> {
        let template = self.template()?;
        // What a killed process left is in the way.
        let _ = fs::remove_dir_all(data);
        let mut copy = command("cp");
        copy.args(["-a", "--reflink=auto"]).arg(template).arg(data);
        run("make a PostgreSQL server", &mut copy).map(drop)
    }

    /// Files of an empty server, made once on this machine: that takes seconds.
    fn template(&self) -> Result<PathBuf, Trouble> {
        let doing = || Trouble::when("make files for PostgreSQL servers");
        let owner = account::account().unwrap_or("own");
        let templates = env::temp_dir().join(format!("semel-postgres-templates-{owner}"));
        account::directory(&templates).map_err(doing())?;
        let version = self.directory.to_string_lossy().replace('/', "-");
        let lock = templates.join(format!("lock{version}"));
        let lock = File::options().append(true).create(true).open(lock);
        let _held = lock
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(doing())?;
        let (made, making) = (templates.join(&version[1..]), templates.join("making"));
        if !made.exists() {
            let _ = fs::remove_dir_all(&making);
            let mut initdb = command(self.program("initdb"));
            let options = [
                "--no-sync",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ];
            initdb.args(options).arg(format!("--username={OWNER}"));
            run("make a PostgreSQL server", initdb.arg("-D").arg(&making))?;
            fs::rename(&making, &made).map_err(doing())?;
        }
        Ok(made)
    }

    /// Copies a server that runs, so that the copy follows it.
    pub(super) fn copy(&self, primary: SocketAddr, data: &Path) -> Result<(), Trouble> {
        let mut copy = command(self.program("pg_basebackup"));
        copy.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-d"])
            .arg(format!("postgres://{OWNER}@{primary}/"));
        run("copy a PostgreSQL server", copy.arg("-D").arg(data)).map(drop)
    }

    /// What serves files; who starts it says where.
    pub(super) fn serve(&self, data: &Path) -> Command {
        let mut serve = command(self.program("postgres"));
        serve.arg("-D").arg(data);
        let connections = format!("max_connections={CONNECTIONS_MAX}");
        serve.args(["-c", &connections, "-c", "logging_collector=off"]);
        serve
    }

    /// Whether sessions are taken there.
    pub(super) fn is_ready(&self, address: SocketAddr) -> bool {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        self.is_ready_at(Path::new(&host), &port)
    }

    /// The same for an address or a directory with a socket.
    pub(super) fn is_ready_at(&self, host: &Path, port: &str) -> bool {
        let mut ask = Command::new(self.program("pg_isready"));
        ask.args(["-q", "-p", port, "-h"]).arg(host);
        account::output(&mut ask).is_ok()
    }

    /// Runs one statement.
    pub(super) fn sql(&self, url: &str, statement: &str) -> Result<String, Trouble> {
        sql(&self.program("psql"), url, statement)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Runs one statement with some `psql`.
pub(super) fn sql(psql: &Path, url: &str, statement: &str) -> Result<String, Trouble> {
    let mut psql = Command::new(psql);
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c"])
        .args([statement, url]);
    let told = run("run SQL", &mut psql)?;
    Ok(told.trim_end_matches('\n').to_owned())
}
