//! The program and Redis: over TLS it believes the certificates that `SSL_CERT_FILE` names, and no others; its metrics and its
//! log say how Redis is.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use semel_services::{Authority, Port, Redis, or_skip};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that is killed when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn body(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn redis_is_reached_over_tls_when_its_certificate_is_right_and_not_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let authority = |name| or_skip(Authority::make(path, name));
    let (Some(right), Some(wrong)) = (authority("right"), authority("wrong")) else {
        return;
    };
    let (certificate, key) = right.sign(Ipv4Addr::LOCALHOST.into()).unwrap();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let (port, roots) = (
        Port::reserve().unwrap(),
        right.roots().display().to_string(),
    );
    let number = port.number().to_string();
    let more = [
        ["--tls-port", &number],
        ["--tls-auth-clients", "no"],
        ["--tls-cert-file", &certificate],
        ["--tls-key-file", &key],
        ["--tls-ca-cert-file", &roots],
    ];
    let redis = Redis::start_with(&path.join("redis"), more.as_flattened());
    let Some(_redis) = or_skip(redis) else {
        return;
    };
    let url = format!("rediss://{}", port.address());
    for (authority, told, expected) in [
        (right, "connected to the bus", "\"ok\""),
        (wrong, "invalid peer certificate", "\"degraded\""),
    ] {
        let own = Port::reserve().expect("a port is free");
        let data = authority.roots().with_extension("data");
        let log = data.with_extension("log");
        let server = Command::new(env!("CARGO_BIN_EXE_semel"))
            .env_clear()
            .env("REDIS_URL", &url)
            .env("SSL_CERT_FILE", authority.roots())
            .args(["serve", "--metrics-listen", "off", "--data-dir"])
            .arg(data)
            .args(["--listen", &own.address().to_string()])
            .stderr(fs::File::create(&log).unwrap())
            .spawn();
        let _server = Running(server.unwrap());
        wait_for(told, || fs::read_to_string(&log).unwrap().contains(told));
        wait_for("it says so", || {
            body(own.number(), "/health/ready").is_some_and(|body| body.contains(expected))
        });
    }
}

/// What appears when it is used for the first time; alerts that watch it look at its rate only.
const LATER: &[&str] = &[
    "semel_bus_look_seconds",
    "semel_command_seconds_bucket",
    "semel_connections_refused_total",
    "semel_duplicates_absorbed_total",
    "semel_entries_delivered_total",
    "semel_idempotency_keys_total",
];

/// Every metric of ours that a file of `deploy/` names, but for [`LATER`].
fn watched(file: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let text = fs::read_to_string(root.join(file)).expect("it is in the repository");
    text.split(|c: char| !c.is_ascii_lowercase() && c != '_')
        .filter(|word| word.starts_with("semel_") && !LATER.contains(word))
        .map(str::to_owned)
        .collect()
}

/// A server that looks for Redis there, and the port of its metrics.
fn server(directory: &Path, redis: &str) -> (Running, Port) {
    let metrics = Port::reserve().expect("a port is free");
    let server = Command::new(env!("CARGO_BIN_EXE_semel"))
        .env_clear()
        .env("REDIS_URL", redis)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory)
        .args(["--metrics-listen", &metrics.address().to_string()])
        .stderr(fs::File::create(directory.with_extension("log")).expect("a file of its own"))
        .spawn();
    (Running(server.expect("the program is built")), metrics)
}

fn has_line(metrics: &Port, line: &str) -> bool {
    body(metrics.number(), "/metrics").is_some_and(|body| body.lines().any(|it| it == line))
}

#[test]
fn what_alerts_and_dashboard_watch_is_there_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = Port::reserve().expect("a port is free");
    let redis = format!("redis://{}", nobody.address());
    let (_server, metrics) = server(&directory.path().join("data"), &redis);
    for line in [
        "semel_bus_connected 0",
        "semel_database_up 1",
        "semel_questions_failed_total 0",
        "semel_commands_total{action=\"Send\",result=\"store_unavailable\"} 0",
        "semel_lane_failures_total{outcome=\"unknown\"} 0",
        "semel_bus_messages_unreadable_total{what=\"kind\"} 0",
        "semel_http_requests_total{route=\"/api/chat/create-or-get\",status=\"500\"} 0",
    ] {
        wait_for(line, || has_line(&metrics, line));
    }
    let text = body(metrics.number(), "/metrics").unwrap();
    for file in ["alerts.yml", "grafana/semel.json"] {
        let names = watched(file);
        assert!(names.len() > 8, "{file} names metrics: {names:?}");
        for name in names {
            let is_it = |line: &str| {
                let rest = line.strip_prefix(&name);
                rest.is_some_and(|rest| rest.starts_with([' ', '{']))
            };
            assert!(text.lines().any(is_it), "{file}: {name} is not there");
        }
    }
}

#[test]
fn a_redis_that_refuses_is_told_once_and_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let Some(redis) = or_skip(Redis::start(&directory.path().join("redis"))) else {
        return;
    };
    let data = directory.path().join("data");
    let (_server, metrics) = server(&data, &redis.url());
    let connected = |is: u8| {
        let line = format!("semel_bus_connected {is}");
        wait_for(&line, || has_line(&metrics, &line));
    };
    connected(1);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    connected(0);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert!(has_line(&metrics, "semel_bus_connected 0"), "it counts");
        sleep(Duration::from_millis(100));
    }
    let log = fs::read_to_string(data.with_extension("log")).unwrap();
    let told = log.lines().filter(|line| line.contains("bus")).count();
    assert_eq!(
        told, 2,
        "once that it is there, once that it refuses: {log}"
    );
    assert!(log.contains("`maxmemory`"), "{log}");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    connected(1);
}
