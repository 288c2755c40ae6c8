//! A service as a process, with those that it starts itself.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::Trouble;

/// Pause between looks whether something has happened.
const LOOK: Duration = Duration::from_millis(10);
/// How long a service may take to be of use.
const START_MAX: Duration = Duration::from_mins(1);
/// How long processes may take to be gone after they were killed.
const GONE_MAX: Duration = Duration::from_secs(20);

/// Runs what it is given until its input ends, which it does with the process that started it; then nothing is left.
///
/// The first stop keeps the service from starting more while those are listed that it has. A group of processes in which one is
/// paused is told to hang up when whoever started it is gone.
const WATCH: &str = r#"
"$@" </dev/null >&3 2>&3 &
service=$!
trap '' HUP
echo $service
read -r end
kill -STOP $service
read -r children </proc/$service/task/$service/children
kill -KILL $children $service
wait
"#;

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    watch: Child,
    pid: Pid,
}

impl Process {
    /// Starts it; what it says goes to the end of a file.
    pub(crate) fn start(command: &Command, log: &Path) -> io::Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let words = [command.get_program()].into_iter();
        let words: Vec<OsString> = words
            .chain(command.get_args())
            .map(OsString::from)
            .collect();
        let set = command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut shell = Command::new("sh");
        // A group of its own: what a terminal tells its group when somebody interrupts is not for services.
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let mut watch = shell
            .arg("-c")
            .arg(format!("exec 3>&2 2>/dev/null; {WATCH}"))
            .arg("watch")
            .args(words)
            .envs(set)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let mut line = String::new();
        if let Some(told) = watch.stdout.take() {
            BufReader::new(told).read_line(&mut line)?;
        }
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process was started"))?;
        Ok(Self { watch, pid })
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&self) -> bool {
        is_running(self.pid)
    }

    /// Sends a signal to it alone.
    pub(crate) fn tell(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Stops it and all that it has started, until they are resumed.
    pub(crate) fn pause(&self) -> io::Result<()> {
        // First of all it must not start more.
        self.tell(Signal::STOP)?;
        self.tell_children(Signal::STOP);
        Ok(())
    }

    /// Lets all of them go on.
    pub(crate) fn resume(&self) -> io::Result<()> {
        self.tell_children(Signal::CONT);
        self.tell(Signal::CONT)
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(&self, deadline: Duration) -> io::Result<()> {
        until("the service", deadline, || !self.is_running())
    }

    fn tell_children(&self, signal: Signal) {
        for child in children(self.pid) {
            // It may have ended meanwhile.
            let _ = kill_process(child, signal);
        }
    }

    /// Kills it and all that it has started, at once; returns when they are gone.
    fn end(&mut self) -> io::Result<()> {
        let children = if self.is_running() {
            self.pause()?;
            children(self.pid)
        } else {
            Vec::new()
        };
        drop(self.watch.stdin.take());
        self.watch.wait()?;
        until("what a service has started", GONE_MAX, || {
            !children.iter().any(|child| is_running(*child))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.end();
    }
}

/// Those whom it started.
fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    let numbers = list.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    // The state comes after the name, which may have brackets itself.
    let state = stat.as_deref().unwrap_or_default().rsplit_once(") ");
    state.is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until something is the case.
pub(crate) fn until(
    what: &str,
    deadline: Duration,
    mut is_so: impl FnMut() -> bool,
) -> io::Result<()> {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > deadline {
            let why = format!("{what}: not within {} s", deadline.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// A service that may be up or down.
#[derive(Debug)]
pub(crate) struct Slot {
    name: &'static str,
    process: Mutex<Option<Process>>,
}

impl Slot {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            process: Mutex::default(),
        }
    }

    /// Starts it and waits until it is of use.
    pub(crate) fn launch(
        &self,
        command: &Command,
        log: &Path,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<(), Trouble> {
        let doing = || format!("start {}", self.name);
        let process = Process::start(command, log).map_err(Trouble::when(doing()))?;
        let mut has_ended = false;
        let ready = until("ready", START_MAX, || {
            has_ended = !process.is_running();
            has_ended || is_ready()
        });
        if ready.is_err() || has_ended {
            let said = fs::read_to_string(log).unwrap_or_default();
            let why = format!("it is not ready; {} says: {}", log.display(), said.trim());
            return Err(Trouble::told(doing(), why));
        }
        *self.held() = Some(process);
        Ok(())
    }

    /// Kills it with all that it has started, if it runs.
    pub(crate) fn kill(&self) -> Result<(), Trouble> {
        let Some(mut process) = self.held().take() else {
            return Ok(());
        };
        let doing = format!("kill {}", self.name);
        process.end().map_err(Trouble::when(doing))
    }

    /// Does something to it.
    pub(crate) fn act(
        &self,
        what: &str,
        act: impl FnOnce(&Process) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        let doing = format!("{what} {}", self.name);
        match &*self.held() {
            Some(process) => act(process).map_err(Trouble::when(doing)),
            None => Err(Trouble::told(doing, "it is not running")),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().expect("nobody panics with it")
    }
}
