//! A server of our own: this program as another process, on a temporary directory, until it is dropped.

use std::{
    fs, io,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use semel_client::Address;
use semel_core::ports::Entropy as _;
use semel_load::scenario::OwnServer;
use semel_server::{serve::ServerFile, world::SystemEntropy};
use tempfile::TempDir;

use crate::commands::Failure;

/// Time in which the server must serve.
const START_MAX: Duration = Duration::from_mins(1);
/// Pause between looks whether it does.
const LOOK: Duration = Duration::from_millis(1);
/// What it says, beside its data.
const LOG: &str = "server.log";

/// A running server. Dropping it kills it and removes its data.
pub(super) struct Server {
    directory: TempDir,
    secret: String,
    address: Address,
    child: Mutex<Child>,
}

impl Server {
    pub(super) fn start() -> Result<Self, Failure> {
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::because("cannot make a temporary directory", &error))?;
        let entropy = SystemEntropy;
        let secret = format!("{:032x}{:032x}", entropy.seed(), entropy.seed());
        let (child, address) = launch(directory.path(), &secret, "127.0.0.1:0")
            .map_err(|error| Failure::because("cannot start a server", &error))?;
        Ok(Self {
            directory,
            secret,
            address,
            child: Mutex::new(child),
        })
    }

    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Where its database is.
    pub(super) fn data_dir(&self) -> &Path {
        self.directory.path()
    }
}

impl OwnServer for Server {
    fn restart(&self) -> io::Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill()?;
        child.wait()?;
        (*child, _) = launch(self.data_dir(), &self.secret, &self.address.authority)?;
        Ok(())
    }

    fn resident_bytes(&self) -> io::Result<u64> {
        let pid = self
            .child
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .id();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other("the system does not tell"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It may be gone already. Its data goes with it: nothing has to be finished.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn launch(data_dir: &Path, secret: &str, listen: &str) -> io::Result<(Child, Address)> {
    let note = data_dir.join("server.json");
    if let Err(error) = fs::remove_file(&note)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(data_dir.join(LOG))?;
    let mut command = Command::new(std::env::current_exe()?);
    let own =
        |name: &String| name.starts_with("SEMEL_") || name == "DATABASE_URL" || name == "REDIS_URL";
    for (name, _) in
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
    {
        if own(&name) {
            command.env_remove(name);
        }
    }
    let mut child = command
        // A semel.toml here is for another server.
        .current_dir(data_dir)
        .args([
            "serve",
            "--listen",
            listen,
            "--metrics-listen",
            "off",
            "--data-dir",
        ])
        .arg(data_dir)
        .env("JWT_SECRET_KEY", secret)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let end = Instant::now() + START_MAX;
    while Instant::now() < end {
        if let Ok(Some(file)) = ServerFile::read(data_dir)
            && let Ok(address) = file.url.parse()
        {
            return Ok((child, address));
        }
        if let Some(status) = child.try_wait()? {
            let log = fs::read_to_string(data_dir.join(LOG))?;
            return Err(io::Error::other(format!("it ended with {status}: {log}")));
        }
        sleep(LOOK);
    }
    child.kill()?;
    child.wait()?;
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "it did not serve in time",
    ))
}
