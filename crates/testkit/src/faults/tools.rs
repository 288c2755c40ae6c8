//! Programs that are called, and waiting.

use std::{
    ffi::OsStr,
    io,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(5);

/// What is not there, and so cannot be tried here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The part that is not tested.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}

/// Waits for a condition.
pub async fn until(
    what: &str,
    limit: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> io::Result<()> {
    let deadline = Instant::now() + limit;
    while !is_so().await {
        if Instant::now() >= deadline {
            let why = format!("not within {limit:?}: {what}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// Runs a program that must succeed. Returns what it printed.
pub(super) fn run<A: AsRef<OsStr>>(program: &str, arguments: &[A]) -> io::Result<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| {
        io::Error::new(error.kind(), format!("failed to run {program}: {error}"))
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{program} ended with {}: {}",
        output.status,
        errors.trim()
    )))
}

/// Whether a program can be run.
pub(super) fn is_here(program: &str, argument: &str) -> bool {
    run(program, &[argument]).is_ok()
}
