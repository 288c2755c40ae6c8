//! A private Redis on a free port of this machine.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The program. Another one that speaks the same (Valkey) may be named.
const PROGRAM_VARIABLE: &str = "SEMEL_TEST_REDIS_SERVER";

/// A Redis that keeps nothing. Dropping it ends it.
pub(crate) struct Redis {
    child: Option<Child>,
    directory: TempDir,
    pub(crate) port: u16,
    more: Vec<String>,
    /// That of a sentinel.
    config: Option<PathBuf>,
}

impl Redis {
    /// Starts one; none, with a line that says so, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[])
    }

    pub(crate) fn with(more: &[&str]) -> Option<Self> {
        if Command::new(program()).arg("--version").output().is_err() {
            skip(
                "the bus",
                "redis-server is not installed (apt install redis-server)",
            );
            return None;
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut redis = Self {
            child: None,
            directory: TempDir::new().unwrap(),
            port,
            config: None,
            more: more.iter().map(|&word| word.to_owned()).collect(),
        };
        redis.run();
        Some(redis)
    }

    /// A sentinel that watches a Redis on this machine.
    pub(crate) fn sentinel(service: &str, port: u16) -> Option<Self> {
        let mut sentinel = Self::with(&[])?;
        sentinel.kill();
        let file = sentinel.directory.path().join("sentinel.conf");
        fs::write(
            &file,
            format!("sentinel monitor {service} 127.0.0.1 {port} 1\n"),
        )
        .unwrap();
        sentinel.config = Some(file);
        sentinel.run();
        Some(sentinel)
    }

    /// Starts it on its port, empty.
    pub(crate) fn run(&mut self) {
        assert!(self.child.is_none());
        let mut command = Command::new(program());
        command.args(&self.config);
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .arg("--dir")
            .arg(self.directory.path())
            .stdout(Stdio::null());
        match self.config {
            Some(_) => command.arg("--sentinel"),
            None => command.args(["--save", "", "--appendonly", "no"]),
        };
        command.args(&self.more);
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.try_ask("PING").is_none_or(|answer| answer != "+PONG") {
            assert!(Instant::now() < deadline, "Redis does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it; what it had is gone.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Gives a command; the first line of the answer.
    pub(crate) fn ask(&self, command: &str) -> String {
        self.try_ask(command).unwrap()
    }

    /// Gives a command of several words; the first line of the answer.
    pub(crate) fn ask_with(&self, words: &[&str]) -> String {
        let words = words
            .iter()
            .map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let words: Vec<String> = words.collect();
        let command = format!("*{}\r\n{}", words.len(), words.concat());
        self.ask(command.trim_end())
    }

    /// Gives a command; the whole answer, which is a text.
    pub(crate) fn ask_long(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream
            .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
            .unwrap();
        std::io::read_to_string(stream).unwrap()
    }

    fn try_ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

fn program() -> String {
    std::env::var(PROGRAM_VARIABLE).unwrap_or_else(|_| "redis-server".to_owned())
}

/// Tells that a part is not tested, as `scripts/common.sh` does: it is told again at the end.
#[expect(clippy::print_stderr, reason = "whoever runs the tests must see it")]
fn skip(part: &str, reason: &str) {
    eprintln!("SKIPPED {part}: {reason}");
    let skips = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/skipped");
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(skips)
        .unwrap();
    writeln!(file, "{part}: {reason}").unwrap();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_ci, "in CI nothing may be skipped");
}
