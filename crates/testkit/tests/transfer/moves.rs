//! `semel transfer`, as operators run it.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use semel_testkit::binary;

use crate::PATIENCE;

/// A move from one database to another.
pub(crate) struct Move {
    directory: PathBuf,
    from: String,
    to: String,
}

impl Move {
    pub(crate) fn new(directory: &Path, from: &str, to: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    /// Begins, and is killed as soon as it has moved something, which is long before it has moved everything.
    pub(crate) fn killed_when(&self, has_begun: impl Fn() -> bool) {
        let mut child = self.begin(&[]);
        let began = Instant::now();
        while !has_begun() {
            assert!(began.elapsed() < PATIENCE, "it moves nothing");
            sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let signal = output.status.signal();
        assert_eq!(signal, Some(Signal::KILL.as_raw()), "{}", said(&output));
    }

    /// Goes on where it was, to the end; both ends are the same then.
    pub(crate) fn goes_on(&self) {
        let done = self.begin(&[]).wait_with_output().unwrap();
        assert!(done.status.success(), "{}", said(&done));
        assert!(
            said(&done).contains("of an earlier attempt"),
            "{}",
            said(&done)
        );
        let same = self.begin(&["--verify-only"]).wait_with_output().unwrap();
        assert!(same.status.success(), "{}", said(&same));
    }

    /// No server opens what is half filled.
    pub(crate) fn is_refused_to(&self, url: &str) {
        let mut serve = program(&self.directory);
        serve
            .env("DATABASE_URL", url)
            .args(["serve", "--listen", "127.0.0.1:0"]);
        let refused = serve.output().unwrap();
        assert!(!refused.status.success());
        assert!(
            said(&refused).contains("semel transfer"),
            "{}",
            said(&refused)
        );
    }

    fn begin(&self, more: &[&str]) -> Child {
        let mut command = program(&self.directory);
        command.args(["transfer", "--from", &self.from, "--to", &self.to]);
        command
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

/// A look through a database finds nothing.
pub(crate) fn is_sound(directory: &Path, url: &str) {
    let mut doctor = program(directory);
    let looked = doctor
        .env("DATABASE_URL", url)
        .arg("doctor")
        .output()
        .unwrap();
    assert!(looked.status.success(), "{}", said(&looked));
}

/// The program in an environment of nothing else.
fn program(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    command.env_clear().current_dir(directory);
    command
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(both).unwrap()
}
