//! The program as its users meet it: what it prints, and with which exit status it ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn semel(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_semel"));
    command
        .current_dir(data_dir)
        .env_clear()
        .arg("--data-dir")
        .arg(data_dir.join("data"));
    command
}

fn run(data_dir: &Path, args: &[&str]) -> Output {
    semel(data_dir).args(args).output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A server that is killed when the test ends.
struct Server {
    child: Child,
    url: String,
    banner: String,
}

impl Server {
    fn start(data_dir: &Path) -> Self {
        Self::begin(&mut semel(data_dir))
    }

    /// With settings of its own.
    fn begin(command: &mut Command) -> Self {
        let args = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = command.args(args).stderr(Stdio::piped()).spawn().unwrap();
        let mut banner = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        while !banner.contains("Ctrl-C") {
            banner.push_str(
                &lines
                    .next()
                    .expect("the server says that it is ready")
                    .unwrap(),
            );
            banner.push('\n');
        }
        // The log goes on: somebody has to take it.
        std::thread::spawn(move || lines.for_each(drop));
        let (_, rest) = banner.split_once("http://").unwrap();
        let url = format!("http://{}", rest.split_whitespace().next().unwrap());
        Self { child, url, banner }
    }

    fn get(&self, path: &str) -> String {
        Self::get_from(&self.url, path)
    }

    fn get_from(url: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// As a supervisor stops it; answers the exit status.
    fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_token_needs_no_server_and_is_all_that_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(
        directory.path(),
        &["token", "-4", "--name", "Ada", "--hours", "1"],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output).trim_end().split('.').count(), 3);
    assert_eq!(stdout(&output).lines().count(), 1);
    assert_eq!(stderr(&output), "");
    let secret = directory.path().join("data/secret");
    assert_eq!(
        std::fs::metadata(secret).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_server_says_where_it_is_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path());
    assert!(
        server.banner.contains("semel token YOUR_NAME --data-dir"),
        "{}",
        server.banner
    );
    assert!(server.banner.contains("/api/docs"), "{}", server.banner);
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 200"));
    assert!(server.get("/").contains("<title>Semel</title>"));
    assert_eq!(run(directory.path(), &["health"]).status.code(), Some(0));
    assert_eq!(server.stop(), Some(0));
    assert_eq!(run(directory.path(), &["health"]).status.code(), Some(1));
}

#[test]
fn a_data_directory_is_made_when_database_and_secret_are_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let database = format!("sqlite:{}/semel.db", elsewhere.display());
    let server = Server::begin(
        semel(directory.path())
            .env("DATABASE_URL", database)
            .env("JWT_SECRET_KEY", "a secret that has thirty-two bytes"),
    );
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 200"));
    let data = directory.path().join("data");
    assert!(data.join("server.json").exists());
    let mode = std::fs::metadata(data).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn metrics_say_which_server_counts_and_in_which_version() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::begin(semel(directory.path()).env("SERVER_ID", "one"));
    let (_, rest) = server.banner.split_once("metrics ").unwrap();
    let address = rest.split_whitespace().next().unwrap();
    let metrics = Server::get_from(address.trim_end_matches("/metrics"), "/metrics");
    let version = env!("CARGO_PKG_VERSION");
    let orders = [
        format!("semel_info{{server_id=\"one\",version=\"{version}\"}} 1"),
        format!("semel_info{{version=\"{version}\",server_id=\"one\"}} 1"),
    ];
    assert!(
        orders.iter().any(|line| metrics.contains(line)),
        "{metrics}"
    );
}

#[test]
fn a_second_server_on_the_data_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let _server = Server::start(directory.path());
    let second = run(directory.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        stderr(&second).contains("another server is running"),
        "{}",
        stderr(&second)
    );
}

#[test]
fn people_are_added_and_shown_beside_a_server_and_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let server = Server::start(path);
    assert!(
        run(path, &["user", "add", "ada", "--name", "Ada"])
            .status
            .success()
    );
    assert_eq!(server.stop(), Some(0));
    let shown = run(path, &["user", "show", "ada"]);
    assert!(
        stdout(&shown).contains("\"display_name\": \"Ada\""),
        "{}",
        stderr(&shown)
    );
    let absent = run(path, &["user", "show", "bob"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(
        stderr(&absent).contains("semel user add bob"),
        "{}",
        stderr(&absent)
    );
}

#[test]
fn a_backup_is_made_beside_a_server_and_restored_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let server = Server::start(path);
    assert!(run(path, &["user", "add", "ada"]).status.success());
    let backup = run(path, &["backup", "copy.db"]);
    assert!(backup.status.success(), "{}", stderr(&backup));
    assert!(
        !run(path, &["backup", "copy.db"]).status.success(),
        "overwrites"
    );
    let running = run(path, &["restore", "--replace", "copy.db"]);
    assert!(
        stderr(&running).contains("another server is running"),
        "{}",
        stderr(&running)
    );
    assert!(run(path, &["user", "add", "bob"]).status.success());
    assert_eq!(server.stop(), Some(0));
    let unasked = run(path, &["restore", "copy.db"]);
    assert!(
        stderr(&unasked).contains("--replace"),
        "{}",
        stderr(&unasked)
    );
    let restored = run(path, &["restore", "--replace", "copy.db"]);
    assert!(restored.status.success(), "{}", stderr(&restored));
    assert!(run(path, &["user", "show", "ada"]).status.success());
    assert!(
        !run(path, &["user", "show", "bob"]).status.success(),
        "made after the backup"
    );
    assert_eq!(run(path, &["doctor"]).status.code(), Some(0));
}

#[test]
fn a_restore_that_fails_leaves_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("words.db"), "words").unwrap();
    assert!(run(path, &["user", "add", "ada"]).status.success());
    let names = || -> std::collections::BTreeSet<_> {
        let files = std::fs::read_dir(path.join("data")).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    };
    let before = names();
    let server = Server::start(path);
    let running = run(path, &["restore", "--replace", "words.db"]);
    assert!(stderr(&running).contains("another server is running"));
    assert_eq!(server.stop(), Some(0));
    for file in ["words.db", "nothing.db"] {
        assert_eq!(
            run(path, &["restore", "--replace", file]).status.code(),
            Some(1)
        );
    }
    assert_eq!(names(), before);
    assert!(run(path, &["user", "show", "ada"]).status.success());
}

#[test]
fn looking_at_a_person_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let shown = run(directory.path(), &["user", "show", "ada"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        stderr(&shown).contains("there is no database in"),
        "{}",
        stderr(&shown)
    );
    assert!(!directory.path().join("data").exists());
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("data"), "a file").unwrap();
    for command in [&["token", "ada"][..], &["user", "add", "ada"], &["serve"]] {
        let output = run(directory.path(), command);
        assert_eq!(output.status.code(), Some(1));
        let path = directory.path().join("data");
        assert!(
            stderr(&output).contains(path.to_str().unwrap()),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let directory = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = semel(directory.path());
    let child = command
        .args(["token", "ada"])
        .stdout(writer)
        .stderr(Stdio::piped());
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(stderr(&output), "");
}

#[test]
fn doctor_tells_three_things_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    assert_eq!(run(path, &["doctor"]).status.code(), Some(2));
    assert!(run(path, &["user", "add", "ada"]).status.success());
    assert_eq!(run(path, &["doctor"]).status.code(), Some(0));
    assert_eq!(
        semel(path)
            .args(["doctor"])
            .env("SEMEL_X", "1")
            .status()
            .unwrap()
            .code(),
        Some(2)
    );
}

#[test]
fn settings_are_shown_with_their_sources_and_without_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = semel(directory.path());
    command
        .env("JWT_SECRET_KEY", "swordfish".repeat(4))
        .env("SERVER_ID", "server-7");
    let output = command.args(["config", "print"]).output().unwrap();
    let printed: toml::Table = stdout(&output).parse().unwrap();
    assert_eq!(printed["server_id"].as_str(), Some("server-7"));
    assert!(stdout(&output).contains("# environment SERVER_ID"));
    assert!(stdout(&output).contains("# flag --data-dir"));
    assert!(!stdout(&output).contains("swordfish"));
}

#[test]
fn every_command_shows_examples() {
    let directory = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["token"],
        &["user", "add"],
        &["user", "show"],
        &["backup"],
        &["restore"],
        &["restored"],
        &["new-secret"],
        &["transfer"],
        &["doctor"],
        &["config", "print"],
        &["demo"],
        &["completions"],
        &["health"],
    ];
    for command in commands {
        let output = run(directory.path(), &[command, &["--help"][..]].concat());
        assert!(
            stdout(&output).contains("Examples:"),
            "{command:?} has no examples"
        );
    }
    let script = run(directory.path(), &["completions", "bash"]);
    assert!(stdout(&script).contains("_semel"));
}

#[test]
fn check_says_when_a_history_cannot_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("none.history");
    let output = run(directory.path(), &["check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("failed to check"));
}
