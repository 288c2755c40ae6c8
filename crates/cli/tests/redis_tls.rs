//! Redis over TLS: the program believes the certificates that `SSL_CERT_FILE` names, and no others.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
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
        let own = Port::reserve().unwrap();
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
