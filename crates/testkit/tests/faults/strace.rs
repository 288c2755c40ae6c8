//! Makes system calls of a running server fail, dawdle or kill.

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use semel_testkit::{Semel, skip};

use super::until;

/// Time in which an interrupted strace must have let go.
const END_MAX: Duration = Duration::from_secs(1);
/// Pause between looks whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// Whose system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Those of the one thread that writes.
    Lane,
    /// Those of the whole process.
    Everybody,
}

/// An attached strace. Dropping it, or ending it, heals the server.
pub(crate) struct Strace {
    child: Child,
}

impl Strace {
    /// Whether there is one here; if not, a line says so.
    pub(crate) fn is_here() -> bool {
        let is_here = Command::new("strace")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        if !is_here {
            skip("injected errors", "strace is not installed");
        }
        is_here
    }

    /// From when this returns, these calls of the server are treated this way (see `inject` in strace's manual).
    pub(crate) async fn attach(server: &Semel, whom: Whom, calls: &str, how: &str) -> Self {
        let lane = |(id, name): &(u32, String)| (name == "lane").then_some(*id);
        let find_lane = || threads(server.pid()).iter().find_map(lane);
        // A thread names itself, some time after it has begun.
        until("there is a lane", async || find_lane().is_some()).await;
        let threads = threads(server.pid());
        let target = match whom {
            Whom::Lane => threads.iter().find_map(lane).unwrap(),
            Whom::Everybody => server.pid(),
        };
        let mut command = Command::new("strace");
        if whom == Whom::Everybody {
            command.arg("--follow-forks");
        }
        let child = command
            .args(["--attach", &target.to_string(), "--output", "/dev/null"])
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:{how}")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut strace = Self { child };
        let traced: Vec<u32> = match whom {
            Whom::Lane => vec![target],
            Whom::Everybody => threads.iter().map(|(id, _)| *id).collect(),
        };
        until("strace is attached", async || {
            if let Some(ended) = strace.child.try_wait().unwrap() {
                // One that was told to kill may have done so already; then nothing is left to attach to.
                assert!(ended.success(), "strace cannot attach: {ended:?}");
                return true;
            }
            traced.iter().all(|id| is_traced(server.pid(), *id))
        })
        .await;
        strace
    }

    /// Lets go of the server.
    pub(crate) fn detach(self) {
        drop(self);
    }

    /// An interrupted strace detaches, and the server goes on. One whose server it has killed may wait for ever.
    fn end(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            return;
        }
        let interrupted = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(interrupted.unwrap().success());
        let deadline = Instant::now() + END_MAX;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                self.child.kill().unwrap();
            }
            sleep(LOOK);
        }
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        self.end();
    }
}

/// The threads of a process, with their names.
fn threads(process: u32) -> Vec<(u32, String)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let thread = |path: std::path::PathBuf| {
        // A thread may end while we look.
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let id = path.file_name()?.to_str()?.parse().ok()?;
        Some((id, name.trim_end().to_owned()))
    };
    tasks
        .filter_map(|task| thread(task.unwrap().path()))
        .collect()
}

/// A thread that has ended counts: there is nothing of it to trace.
fn is_traced(process: u32, thread: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/task/{thread}/status"));
    status.map_or(true, |status| !status.contains("TracerPid:\t0\n"))
}
