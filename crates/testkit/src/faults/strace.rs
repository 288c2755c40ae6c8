//! Makes system calls of a running server fail, dawdle or kill.

use std::{
    fs, io,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::tools::{Missing, is_here, until};
use crate::Semel;

/// System calls that make a commit durable.
pub const SYNCS: &str = "fdatasync,fsync";

/// Time in which it must be attached.
const ATTACH_MAX: Duration = Duration::from_secs(30);
/// Time in which an interrupted strace must have let go.
const END_MAX: Duration = Duration::from_secs(1);
/// Pause between looks whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// Whose system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Those of the one thread that writes.
    Lane,
    /// Those of the whole process.
    Everybody,
}

/// An attached strace. Dropping it heals the server.
#[derive(Debug)]
pub struct Strace {
    child: Child,
}

impl Strace {
    /// Whether there is one here.
    pub fn look() -> Result<(), Missing> {
        let reason = || "strace is not installed".to_owned();
        let part = "errors and delays of system calls";
        is_here("strace", "--version")
            .then_some(())
            .ok_or_else(|| Missing {
                part,
                reason: reason(),
            })
    }

    /// From when this returns, these calls of the server are treated this way (see `inject` in strace's manual).
    pub async fn attach(server: &Semel, whom: Whom, calls: &str, how: &str) -> io::Result<Self> {
        let process = server.pid();
        let lane = |(id, name): &(u32, String)| (name == "lane").then_some(*id);
        let find_lane = || threads(process).iter().find_map(lane);
        // A thread names itself, some time after it has begun.
        until("there is a lane", ATTACH_MAX, async || {
            find_lane().is_some()
        })
        .await?;
        let mut command = Command::new("strace");
        let traced: Vec<u32> = match whom {
            Whom::Lane => find_lane().into_iter().collect(),
            Whom::Everybody => threads(process).into_iter().map(|(id, _)| id).collect(),
        };
        let target = match whom {
            Whom::Lane => traced.first().copied().unwrap_or(process),
            Whom::Everybody => {
                command.arg("--follow-forks");
                process
            }
        };
        let child = command
            .args(["--attach", &target.to_string(), "--output", "/dev/null"])
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:{how}")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut strace = Self { child };
        let mut ended = Ok(None);
        until("strace is attached", ATTACH_MAX, async || {
            ended = strace.child.try_wait();
            !matches!(ended, Ok(None)) || traced.iter().all(|id| is_traced(process, *id))
        })
        .await?;
        match ended? {
            // One that was told to kill may have done so already; then nothing is left to attach to.
            Some(status) if !status.success() => {
                Err(io::Error::other(format!("strace cannot attach: {status}")))
            }
            _ => Ok(strace),
        }
    }

    /// An interrupted strace detaches, and the server goes on. One whose server it has killed may wait for ever.
    fn end(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            kill_process(pid, Signal::INT)?;
        }
        let deadline = Instant::now() + END_MAX;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
            }
            sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let ended = self.end();
        assert!(std::thread::panicking() || ended.is_ok(), "{ended:?}");
    }
}

/// The threads of a process, with their names.
fn threads(process: u32) -> Vec<(u32, String)> {
    let thread = |path: PathBuf| {
        // A thread may end while we look.
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let id = path.file_name()?.to_str()?.parse().ok()?;
        Some((id, name.trim_end().to_owned()))
    };
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    tasks.filter_map(|task| thread(task.path())).collect()
}

/// A thread that has ended counts: there is nothing of it to trace.
fn is_traced(process: u32, thread: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/task/{thread}/status"));
    status.map_or(true, |status| !status.contains("TracerPid:\t0\n"))
}
