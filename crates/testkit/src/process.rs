//! The program as a process.

use std::{
    ffi::OsString,
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use semel_client::Address;
use serde_json::Value;

use crate::{SECRET, watch::Watch};

/// Time in which a server must serve, in seconds.
const START_SECONDS_MAX: u64 = 60;
/// Time in which a server that was told to stop must have ended, in seconds.
const STOP_SECONDS_MAX: u64 = 30;
/// Pause between looks whether it does, in microseconds.
const LOOK_MICROS: u64 = 500;

/// A free port of this machine.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Variables by which whoever runs tests may have set up a server of their own, beside those that begin with `SEMEL_`.
const SETTINGS: [&str; 3] = ["DATABASE_URL", "REDIS_URL", "SERVER_ID"];

/// What variables begin with that tell of the package of a test.
const OF_PACKAGE: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// How a server is started, beyond where.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Variables of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where its log goes; left out, `test.log` beside the data.
    pub log: Option<PathBuf>,
    /// Where it listens; left out, on a free port of this machine.
    pub listen: Option<SocketAddr>,
}

/// A running server. Dropping it kills it, and so does the end of the process that started it.
#[derive(Debug)]
pub struct Semel {
    binary: PathBuf,
    data_dir: PathBuf,
    launch: Launch,
    child: Child,
    /// Until it has ended.
    watch: Option<Watch>,
    /// Where it serves.
    pub address: Address,
    /// From the start of the process until it served.
    pub start_time: Duration,
}

impl Semel {
    /// Starts a server on a data directory. Its log goes beside the data.
    pub fn start(binary: &Path, data_dir: &Path) -> io::Result<Self> {
        Self::start_with(binary, data_dir, Launch::default())
    }

    /// The same in an environment of one's own.
    pub fn start_with(binary: &Path, data_dir: &Path, launch: Launch) -> io::Result<Self> {
        let listen = launch.listen.unwrap_or(ANYWHERE).to_string();
        let started = spawn(binary, data_dir, &listen, &launch)?;
        Ok(Self {
            binary: binary.to_owned(),
            data_dir: data_dir.to_owned(),
            launch,
            child: started.child,
            watch: Some(started.watch),
            address: started.address,
            start_time: started.time,
        })
    }

    /// Kills it with SIGKILL, as a crash would.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.watch = None;
        self.child.wait().map(drop)
    }

    /// Tells it to stop, and waits until it has.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let told = Instant::now();
        while told.elapsed() < Duration::from_secs(STOP_SECONDS_MAX) {
            if let Some(status) = self.child.try_wait()? {
                self.watch = None;
                return Ok(status);
            }
            sleep(Duration::from_micros(LOOK_MICROS));
        }
        let why = "the server was told to stop and did not";
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = Pid::from_raw(self.pid() as i32);
        let pid = pid.ok_or_else(|| io::Error::other("no process"))?;
        Ok(kill_process(pid, signal)?)
    }

    /// Whether no thread of it runs: each has stopped, or waits for the disk and stops then. Linux only.
    pub fn is_standing(&self) -> bool {
        let state = |task: &Path| {
            let stat = fs::read_to_string(task.join("stat")).ok()?;
            // After the name, which may have brackets itself.
            stat.rsplit_once(") ")?.1.chars().next()
        };
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid()));
        let mut tasks = tasks.into_iter().flatten().flatten();
        tasks.all(|task| {
            matches!(
                state(&task.path()),
                None | Some('T' | 't' | 'D' | 'Z' | 'X')
            )
        })
    }

    /// Starts it again at the same address.
    pub fn restart(&mut self) -> io::Result<()> {
        let listen = self.address.authority.clone();
        let started = spawn(&self.binary, &self.data_dir, &listen, &self.launch)?;
        (self.child, self.address) = (started.child, started.address);
        self.watch = Some(started.watch);
        self.start_time = started.time;
        Ok(())
    }

    /// The same in another environment, from now on.
    pub fn restart_with(&mut self, launch: Launch) -> io::Result<()> {
        self.launch = launch;
        self.restart()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its database is.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Memory that it holds, in bytes. Linux only.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other("no VmRSS"))
    }
}

impl Drop for Semel {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.kill();
    }
}

/// A server that serves.
struct Started {
    child: Child,
    watch: Watch,
    address: Address,
    time: Duration,
}

fn spawn(binary: &Path, data_dir: &Path, listen: &str, launch: &Launch) -> io::Result<Started> {
    fs::create_dir_all(data_dir)?;
    let note = data_dir.join("server.json");
    if let Err(error) = fs::remove_file(&note)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let log_path = launch.log.clone();
    let log_path = log_path.unwrap_or_else(|| data_dir.join("test.log"));
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(&log_path)?;
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("SEMEL_") || SETTINGS.contains(&text.as_ref()) {
            command.env_remove(name);
        }
    }
    let started = Instant::now();
    let mut child = command
        .args(["serve", "--listen", listen, "--data-dir"])
        .arg(data_dir)
        .env("JWT_SECRET_KEY", SECRET)
        .env("SEMEL_METRICS_LISTEN", "off")
        .envs(launch.environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // What a terminal tells its group is for whoever started it to pass on.
        .process_group(0)
        .spawn()?;
    let watch = Watch::over(child.id())?;
    while started.elapsed() < Duration::from_secs(START_SECONDS_MAX) {
        if let Some(address) = read_note(&note) {
            let time = started.elapsed();
            return Ok(Started {
                child,
                watch,
                address,
                time,
            });
        }
        if let Some(status) = child.try_wait()? {
            let log = fs::read_to_string(&log_path)?;
            return Err(io::Error::other(format!(
                "the server ended with {status}: {log}"
            )));
        }
        sleep(Duration::from_micros(LOOK_MICROS));
    }
    child.kill()?;
    Err(io::Error::new(
        io::ErrorKind::TimedOut,
        "the server did not start in time",
    ))
}

/// The server writes where it is once it serves.
fn read_note(path: &Path) -> Option<Address> {
    let note: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    note.get("url")?.as_str()?.parse().ok()
}

/// The built program: `SEMEL_BINARY`, or the one of this build's profile, which is built if it is missing or old.
///
/// # Panics
///
/// If the program cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("SEMEL_BINARY") {
        Some(path) => path.into(),
        None => build().expect("the program can be built"),
    })
}

fn build() -> io::Result<PathBuf> {
    // target/PROFILE/deps/TEST, or target/PROFILE/bench.
    let own = std::env::current_exe()?;
    let folders = own.ancestors().skip(1);
    let profile = folders.into_iter().find(|folder| !folder.ends_with("deps"));
    let profile = profile.ok_or_else(|| io::Error::other("not in a target directory"))?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "semel-cli",
        "--bin",
        "semel",
    ]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a test of its own package: some dependencies would be built anew for each.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OF_PACKAGE.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status()?;
    if status.success() {
        Ok(profile.join("semel"))
    } else {
        Err(io::Error::other(format!("cargo ended with {status}")))
    }
}
