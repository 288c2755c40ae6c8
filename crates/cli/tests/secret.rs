//! A server whose secret is not that of the others is noticed.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

use semel_services::{Port, Postgres, or_skip};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
const OLD: &str = "the secret that all servers had at first";
const NEW: &str = "the secret that they shall have from now on";

fn semel(directory: &Path, database: &str, secret: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_semel"));
    command
        .env_clear()
        .current_dir(directory)
        .env("DATABASE_URL", database)
        .env("JWT_SECRET_KEY", secret);
    command
}

/// A server that is killed when the test ends.
struct Server {
    child: Child,
    port: Port,
    log: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(directory: &Path, database: &str, secret: &str) -> Self {
        let port = Port::reserve().expect("a port is free");
        let log = format!("{}.log", port.number());
        let child = semel(directory, database, secret)
            .args(["serve", "--metrics-listen", "off"])
            .args(["--data-dir", &format!("data-{}", port.number())])
            .args(["--listen", &port.address().to_string()])
            .stderr(fs::File::create(directory.join(&log)).expect("a file of its own"))
            .spawn()
            .expect("the program is built");
        let log = directory.join(log).display().to_string();
        Self { child, port, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("it was made at the start")
    }

    fn is_ready(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.number()))?;
            stream
                .write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            std::io::Result::Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    fn becomes_ready(self) -> Self {
        wait_for("it is ready", || self.is_ready());
        self
    }
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(50));
    }
}

fn told(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).expect("it writes UTF-8")
}

#[test]
fn a_server_with_another_secret_does_not_join_until_it_is_said_to_be_new() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let Some(postgres) = or_skip(Postgres::start(&path.join("postgres"), &[])) else {
        return;
    };
    let database = postgres.database("chat").unwrap();
    let start = |secret| Server::start(path, &database, secret);
    let _first = start(OLD).becomes_ready();
    let mut wrong = start(NEW);
    wait_for("it gives up", || wrong.child.try_wait().unwrap().is_some());
    let log = wrong.log();
    assert!(log.contains("another `jwt_secret_key`"), "{log}");
    assert!(log.contains("semel new-secret"), "{log}");
    assert!(!wrong.child.wait().unwrap().success());
    // What it held is given back at once: only the first one's.
    let leases = || {
        postgres
            .sql_in("chat", "SELECT count(*) FROM leases")
            .unwrap()
    };
    assert_eq!(leases(), "4");

    let new = semel(path, &database, NEW)
        .arg("new-secret")
        .output()
        .unwrap();
    assert!(new.status.success(), "{}", told(&new));
    assert_eq!(leases(), "4");
    let second = start(NEW).becomes_ready();
    // Servers are replaced one after the other: those that have the old one may start as well, and it is told.
    start(OLD).becomes_ready();
    let word = "unless it was changed on purpose";
    wait_for(word, || second.log().contains(word));
}

#[test]
fn a_secret_that_the_servers_do_not_have_is_made_for_no_command() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let Some(postgres) = or_skip(Postgres::start(&path.join("postgres"), &[])) else {
        return;
    };
    let database = postgres.database("chat").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = semel(path, &database, OLD);
        command.env_remove("JWT_SECRET_KEY").args(arguments);
        command.args(["--data-dir", "own"]).output().unwrap()
    };
    let commands = [["user", "add", "ada"], ["user", "show", "ada"]];
    let commands = commands.iter().map(|words| &words[..]);
    for words in commands.chain([&["token", "ada"][..]]) {
        let refused = run(words);
        assert!(!refused.status.success(), "{words:?}: {}", told(&refused));
        let said = told(&refused);
        assert!(said.contains("JWT_SECRET_KEY"), "{words:?}: {said}");
        assert!(!path.join("own/secret").exists(), "{words:?}");
    }
    // Who comes first with the secret of the servers keeps none of them out.
    for words in [["user", "add", "ada"], ["user", "show", "ada"]] {
        let done = semel(path, &database, OLD).args(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", told(&done));
    }
    Server::start(path, &database, OLD).becomes_ready();
}

#[test]
fn with_sqlite_another_secret_is_told_and_holds() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let database = "sqlite:./semel.db";
    let first = Server::start(path, database, OLD).becomes_ready();
    assert!(
        !first.log().contains("another one than before"),
        "{}",
        first.log()
    );
    drop(first);
    let second = Server::start(path, database, NEW).becomes_ready();
    let log = second.log();
    assert!(
        log.contains("the signing secret is another one than before"),
        "{log}"
    );
    let refused = semel(path, database, NEW)
        .arg("new-secret")
        .output()
        .unwrap();
    assert!(
        told(&refused).contains("holds from the next start on"),
        "{}",
        told(&refused)
    );
}
