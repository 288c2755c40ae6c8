//! A process that must not outlive whoever started it, even if that one is killed.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

/// Kills `$1` when its input ends, which it does with the process that holds the other end.
const WATCH: &str = r#"trap '' HUP INT TERM; read -r end; kill -KILL "$1""#;

/// Watches over one process. Dropping it lets the process be.
#[derive(Debug)]
pub(crate) struct Watch(Child);

impl Watch {
    /// Over a process of this number, until it has been waited for: its number may be another's then.
    pub(crate) fn over(pid: u32) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", WATCH, "watch", &pid.to_string()])
            // What a terminal tells its group is not for the watch.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.spawn().map(Self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // First of all: once its input has ended it would kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
