//! `make cluster` as people use it: in a terminal, with orders and Ctrl-C; and killed. Nothing of it stays.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use semel_client::{Address, Api, Method};
use semel_services::{Redis, or_skip};
use semel_testkit::{random, skip, token};
use serde_json::{Value, json};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a terminal makes of Ctrl-C.
const CTRL_C: u8 = 3;

/// A cluster that somebody tries out.
struct TryOut {
    child: Child,
    keyboard: ChildStdin,
    screen: Receiver<String>,
    /// Where people get in.
    front: Address,
    /// Whatever listens.
    addresses: Vec<SocketAddr>,
    /// Where all its files are.
    directory: PathBuf,
}

impl TryOut {
    /// Starts it and waits until it is ready; none, with a line that says so, where a part is not installed.
    fn start(command: &mut Command) -> Option<Self> {
        let beside = tempfile::tempdir().unwrap();
        or_skip(Redis::start(beside.path()))?;
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap();
        let (tell, screen) = channel();
        let output = child.stdout.take().unwrap();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.for_each(|line| drop(tell.send(line.trim_end().to_owned())));
        });
        let mut it = Self {
            keyboard: child.stdin.take().unwrap(),
            child,
            screen,
            front: "http://127.0.0.1:1".parse().unwrap(),
            addresses: Vec::new(),
            directory: PathBuf::new(),
        };
        for line in it.read_to("Ready after") {
            it.learn(&line);
        }
        assert!(it.addresses.len() >= 5, "{:?}", it.addresses);
        assert!(it.directory.is_dir(), "{}", it.directory.display());
        Some(it)
    }

    /// Lines up to one that begins so.
    fn read_to(&self, beginning: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.starts_with(beginning)) {
            let line = self.screen.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|_| panic!("no {beginning}: {lines:#?}")));
        }
        lines
    }

    /// What a line says of where something is.
    fn learn(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let address = |url: &str| {
            let (_, rest) = url.split_once("://").unwrap();
            let rest = rest.rsplit('@').next().unwrap();
            rest.split('/')
                .next()
                .unwrap()
                .parse::<SocketAddr>()
                .unwrap()
        };
        match words[..] {
            ["Open", front, ..] => {
                self.addresses.push(address(front));
                self.front = front.parse().unwrap();
            }
            ["server", _, at, "pid", pid] => {
                self.addresses
                    .push(at.parse().unwrap_or_else(|_| address(at)));
                let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
                let mut arguments = arguments.split('\0');
                arguments.find(|word| *word == "--data-dir").unwrap();
                let data = PathBuf::from(arguments.next().unwrap());
                data.parent().unwrap().clone_into(&mut self.directory);
            }
            ["PostgreSQL" | "standby" | "Redis", url] => self.addresses.push(address(url)),
            _ => {}
        }
    }

    /// Gives an order, and waits until it is done.
    fn order(&mut self, order: &str) {
        writeln!(self.keyboard, "{order}").unwrap();
        self.read_to("done");
    }

    /// Somebody makes a group, as soon as it can be made.
    fn serves(&self) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let api = Api::new(self.front.clone(), &token("visitor"));
            let key = format!("{:x}", random());
            let body = json!({"participants": [], "thread_type": "self"});
            let began = Instant::now();
            loop {
                let path = "/api/chat/create-or-get";
                let answer = api.ask(Method::POST, path, Some(&body), Some(&key)).await;
                if let Ok(answer) = &answer
                    && answer.status < 300
                {
                    let told: Value = serde_json::from_slice(&answer.body).unwrap();
                    assert_eq!(told["status"], "success");
                    return;
                }
                assert!(began.elapsed() < PATIENCE, "{answer:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }

    /// Nobody listens any more.
    fn is_over(&self) {
        let began = Instant::now();
        for address in &self.addresses {
            while TcpStream::connect(address).is_ok() {
                assert!(began.elapsed() < PATIENCE, "something is left at {address}");
                sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Drop for TryOut {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_cluster");

#[test]
fn a_cluster_in_a_terminal_takes_orders_and_ctrl_c_leaves_nothing() {
    if Command::new("script").arg("--version").output().is_err() {
        return skip(
            "a terminal",
            "script is not installed (apt install bsdutils)",
        );
    }
    // Not every shell gives way to the last thing that it runs; one that stays would die of the Ctrl-C.
    let command = format!("exec {PROGRAM} --servers 2 --standby --lines 30");
    // A terminal of its own, on whose keyboard this test types.
    let mut terminal = Command::new("script");
    terminal.args([
        "--quiet",
        "--flush",
        "--return",
        "--command",
        &command,
        "/dev/null",
    ]);
    let Some(mut it) = TryOut::start(&mut terminal) else {
        return;
    };
    it.serves();
    it.order("kill 1");
    it.serves();
    it.order("start 1");
    it.order("stop redis");
    it.serves();
    it.order("failover");
    it.serves();
    it.keyboard.write_all(&[CTRL_C]).unwrap();
    it.read_to("Nothing is left.");
    assert!(it.child.wait().unwrap().success());
    it.is_over();
    assert!(!it.directory.exists(), "{}", it.directory.display());
}

#[test]
fn of_a_cluster_that_is_killed_nothing_goes_on() {
    let mut command = Command::new(PROGRAM);
    command.args(["--servers", "2", "--lines", "30"]);
    let Some(mut it) = TryOut::start(&mut command) else {
        return;
    };
    it.child.kill().unwrap();
    it.is_over();
    // Whoever is killed cannot clean up after itself.
    let mut log = String::new();
    let server = fs::File::open(it.directory.join("server-1.log"));
    server.unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.is_empty());
    fs::remove_dir_all(&it.directory).unwrap();
}
