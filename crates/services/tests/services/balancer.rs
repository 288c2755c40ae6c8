//! `HAProxy`.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use semel_services::{Affinity, Algorithm, Balance, Balancer, or_skip};

use crate::until;

/// A server that is always ready and answers with its name.
fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream, name));
        }
    });
    address
}

fn answer(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let length = name.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}"
    )
}

/// Who answered, and with which cookie.
fn ask(balancer: &Balancer, cookie: &str) -> (String, String) {
    let mut stream = TcpStream::connect(balancer.address()).unwrap();
    write!(
        stream,
        "GET /socket.io/?transport=polling HTTP/1.1\r\nHost: here\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
    )
    .unwrap();
    let answer = io::read_to_string(stream).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let cookie = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then_some(value)
    });
    let cookie = cookie.unwrap_or_default().split(';').next();
    (body.to_owned(), cookie.unwrap_or_default().to_owned())
}

fn balance(affinity: Affinity) -> Balance {
    Balance {
        algorithm: Algorithm::RoundRobin,
        affinity,
    }
}

#[test]
fn calls_are_spread_and_those_who_are_gone_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = nobody.local_addr().unwrap();
    drop(nobody);
    let servers = [server("one"), gone, server("two")];
    let started = Balancer::start_with(directory.path(), &servers, balance(Affinity::None));
    let Some(balancer) = or_skip(started) else {
        return;
    };
    let mut counts = BTreeMap::new();
    for _ in 0..20 {
        *counts.entry(ask(&balancer, "").0).or_insert(0) += 1;
    }
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["one", "two"]);
    assert!(counts.values().all(|count| *count >= 5), "{counts:?}");
    balancer.kill().unwrap();
    TcpStream::connect(balancer.address()).unwrap_err();
    balancer.restart().unwrap();
    until("it is of use again", || !ask(&balancer, "").0.is_empty());
}

#[test]
fn a_cookie_keeps_a_caller_where_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let servers = [server("one"), server("two"), server("three")];
    let started = Balancer::start_with(directory.path(), &servers, balance(Affinity::Cookie));
    let Some(balancer) = or_skip(started) else {
        return;
    };
    let (first, cookie) = ask(&balancer, "");
    assert!(!cookie.is_empty());
    for _ in 0..6 {
        assert_eq!(ask(&balancer, &cookie).0, first);
    }
}
