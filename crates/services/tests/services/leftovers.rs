//! Nothing stays when whoever started it is gone, however they went.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use semel_services::{Balancer, Postgres, Redis, or_skip};

use crate::until;

/// Set in the process that is to be killed, with a directory.
const VICTIM: &str = "SEMEL_TEST_SERVICES_VICTIM";

/// Does nothing by itself: the other test starts it in a process of its own.
#[test]
#[expect(clippy::print_stdout, reason = "the other test reads it")]
fn somebody_who_will_be_killed() {
    let Some(directory) = env::var_os(VICTIM) else {
        return;
    };
    let directory = std::path::PathBuf::from(directory);
    let redis = Redis::start(&directory.join("redis")).unwrap();
    let postgres = Postgres::start(&directory.join("postgres"), &[]).unwrap();
    let balancer = Balancer::start(&directory.join("balancer"), &[redis.address()]).unwrap();
    // Also what does not move.
    postgres.pause().unwrap();
    println!(
        "\nhere {} {} {}",
        redis.address(),
        postgres.address(),
        balancer.address()
    );
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn nothing_is_left_of_a_process_that_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let trial = [
        Redis::start(directory.path()).map(drop),
        Postgres::start(&directory.path().join("trial"), &[]).map(drop),
        Balancer::start(directory.path(), &["127.0.0.1:1".parse().unwrap()]).map(drop),
    ];
    if trial.into_iter().any(|started| or_skip(started).is_none()) {
        return;
    }
    let mut victim = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "leftovers::somebody_who_will_be_killed",
            "--nocapture",
        ])
        .env(VICTIM, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let line = lines
        .find_map(|line| line.unwrap().strip_prefix("here ").map(str::to_owned))
        .unwrap();
    let addresses: Vec<SocketAddr> = line.split(' ').map(|it| it.parse().unwrap()).collect();
    assert!(!left_in(directory.path()).is_empty());
    victim.kill().unwrap();
    victim.wait().unwrap();
    until("nobody listens", || {
        let is_gone = |address| TcpStream::connect(address).is_err();
        addresses.iter().all(is_gone)
    });
    until("no process is left", || {
        left_in(directory.path()).is_empty()
    });
}

/// Processes that have something open, or were told of something, in a directory.
fn left_in(directory: &std::path::Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| {
        let own = process.file_name() == std::process::id().to_string().as_str();
        let line = fs::read_to_string(process.path().join("cmdline")).ok()?;
        let place = fs::read_link(process.path().join("cwd")).unwrap_or_default();
        let is_of = !own && (line.contains(name) || place.starts_with(directory));
        is_of.then_some(line)
    });
    lines.collect()
}
