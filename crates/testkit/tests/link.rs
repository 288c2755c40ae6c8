//! A link between a server and what it needs: what passes over it, and what whoever uses it sees when it does not. Before
//! a target that says its name and then sends everything back.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use semel_testkit::{faults::until, link::Link};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for bytes that are on their way to arrive.
const QUIET: Duration = Duration::from_millis(150);

/// Greets with one byte, sends everything back, and ends when the client has ended.
async fn target(name: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                to.write_all(&[name]).await.ok();
                tokio::io::copy(&mut from, &mut to).await.ok();
                to.shutdown().await.ok();
            });
        }
    });
    address
}

async fn link() -> Link {
    Link::start(target(b'A').await).await.unwrap()
}

/// Connects, and hears who is there.
async fn greeted(link: &Link) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(link.address).await.unwrap();
    let name = read(&mut stream, 1).await[0];
    (stream, name)
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let reading = timeout(PATIENCE, stream.read_exact(&mut bytes)).await;
    reading.unwrap().unwrap();
    bytes
}

async fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"hello").await.unwrap();
    assert_eq!(read(stream, 5).await, b"hello");
}

/// The connection was reset.
async fn is_reset(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let reading = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert_eq!(
        reading.unwrap().unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
}

async fn is_quiet(stream: &mut TcpStream) {
    let mut byte = [0];
    let read = timeout(QUIET, stream.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn a_link_passes_everything_in_order_and_both_ends() {
    let link = link().await;
    let (mut stream, name) = greeted(&link).await;
    assert_eq!((name, link.open()), (b'A', 1));
    let bytes: Vec<u8> = (0..2_000_000u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let (mut from, mut to) = stream.split();
    let mut back = Vec::new();
    let writing = async {
        to.write_all(&bytes).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let reading = from.read_to_end(&mut back);
    timeout(PATIENCE, async {
        tokio::join!(writing, reading).1.unwrap()
    })
    .await
    .unwrap();
    assert!(back == bytes, "{} bytes came back", back.len());
    let closed = async || link.open() == 0;
    until("the connection is over", PATIENCE, closed)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_link_that_is_cut_resets_what_is_open_and_refuses_what_is_new_until_it_is_healed() {
    let link = link().await;
    let (mut stream, _) = greeted(&link).await;
    link.cut();
    is_reset(&mut stream).await;
    is_reset(&mut TcpStream::connect(link.address).await.unwrap()).await;
    link.heal();
    echoes(&mut greeted(&link).await.0).await;
}

#[tokio::test]
async fn over_a_silent_link_nothing_passes_and_what_was_sent_arrives_when_it_is_healed() {
    let link = link().await;
    let (mut stream, _) = greeted(&link).await;
    link.silence();
    stream.write_all(b"hello").await.unwrap();
    is_quiet(&mut stream).await;
    let mut newcomer = TcpStream::connect(link.address).await.unwrap();
    is_quiet(&mut newcomer).await;
    link.heal();
    assert_eq!(read(&mut stream, 5).await, b"hello");
    assert_eq!(read(&mut newcomer, 1).await, b"A");
}

#[tokio::test]
async fn a_silent_link_does_not_tell_that_the_other_side_is_gone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::start(listener.local_addr().unwrap()).await.unwrap();
    for is_reset_by_it in [true, false] {
        let mut stream = TcpStream::connect(link.address).await.unwrap();
        let (mut other, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        other.write_all(b"hello").await.unwrap();
        assert_eq!(read(&mut stream, 5).await, b"hello");
        link.silence();
        if is_reset_by_it {
            other.set_zero_linger().unwrap();
        }
        drop(other);
        is_quiet(&mut stream).await;
        link.heal();
        if is_reset_by_it {
            is_reset(&mut stream).await;
        } else {
            let ended = timeout(PATIENCE, stream.read(&mut [0])).await;
            assert_eq!(ended.unwrap().unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn a_silent_link_can_be_cut() {
    let link = link().await;
    let (mut stream, _) = greeted(&link).await;
    link.silence();
    let mut newcomer = TcpStream::connect(link.address).await.unwrap();
    is_quiet(&mut newcomer).await;
    link.cut();
    is_reset(&mut stream).await;
    is_reset(&mut newcomer).await;
}

#[tokio::test]
async fn over_a_slow_link_everything_is_late_until_it_is_healed() {
    const DELAY: Duration = Duration::from_millis(200);
    let link = link().await;
    let (mut stream, _) = greeted(&link).await;
    link.delay(DELAY);
    let began = Instant::now();
    echoes(&mut stream).await;
    // There and back.
    assert!(began.elapsed() >= 2 * DELAY, "{:?}", began.elapsed());
    link.heal();
    let began = Instant::now();
    echoes(&mut stream).await;
    assert!(began.elapsed() < 2 * DELAY, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_link_that_points_elsewhere_resets_what_is_open_and_leads_there() {
    let link = link().await;
    let (mut stream, _) = greeted(&link).await;
    let other = target(b'B').await;
    link.point_at(other);
    assert_eq!(link.target(), other);
    is_reset(&mut stream).await;
    let (mut stream, name) = greeted(&link).await;
    assert_eq!(name, b'B');
    echoes(&mut stream).await;
    // What it was told beside that stays so.
    link.cut();
    link.point_at(target(b'C').await);
    is_reset(&mut TcpStream::connect(link.address).await.unwrap()).await;
    link.heal();
    assert_eq!(greeted(&link).await.1, b'C');
}

#[tokio::test]
async fn a_link_whose_target_is_not_there_resets_whoever_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::start(listener.local_addr().unwrap()).await.unwrap();
    drop(listener);
    is_reset(&mut TcpStream::connect(link.address).await.unwrap()).await;
}
