//! The means to make a store fail under a running server, and to look at the server meanwhile.

mod crowd;
mod room;

use std::{env::temp_dir, process::Command, time::Duration};

use semel_client::Address;
use semel_testkit::{
    Semel, binary,
    faults::{Disk, Missing, Strace, Whom},
    skip,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

pub(crate) use crowd::Crowd;
pub(crate) use room::{Line, Room, Said};

/// Time in which everything must have happened.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between looks, in milliseconds.
const LOOK_MILLIS: u64 = 10;

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(LOOK_MILLIS)).await;
    }
}

/// What is there, or a line about what is not.
pub(crate) fn or_skip<T>(found: Result<T, Missing>) -> Option<T> {
    found
        .map_err(|missing| skip(missing.part, &missing.reason))
        .ok()
}

/// A disk of so many MiB, where there can be one.
pub(crate) fn disk(mebibytes: u64) -> Option<Disk> {
    or_skip(Disk::mount(&temp_dir(), mebibytes))
}

/// From when this returns, these calls of the server are treated this way.
pub(crate) async fn attach(server: &Semel, whom: Whom, calls: &str, how: &str) -> Strace {
    Strace::attach(server, whom, calls, how).await.unwrap()
}

/// What `/health/ready` answers: status and body.
pub(crate) async fn ready(address: &Address) -> (u16, String) {
    let mut stream = TcpStream::connect(&address.authority).await.unwrap();
    let host = &address.authority;
    let request =
        format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, body.to_owned())
}

/// `semel doctor` finds nothing.
pub(crate) fn assert_sound(server: &Semel) {
    let output = Command::new(binary())
        .env_remove("SEMEL_BINARY")
        .args(["doctor", "--data-dir"])
        .arg(server.data_dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
