//! The fault proxy: what passes, what does not, and what arrives twice. Before a server that sends everything back, one
//! that remembers requests, and the real one.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod real;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use semel_client::Address;
use semel_testkit::{
    faults::until,
    proxy::{Again, Cut, Direction, Ending, Lane, Proxy, Repeat, Rules},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for bytes that are on their way to arrive.
const QUIET: Duration = Duration::from_millis(150);

async fn listen() -> (TcpListener, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (listener, Address { authority })
}

/// Sends everything back, and ends when the client has ended.
async fn echo() -> Address {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.ok();
                to.shutdown().await.ok();
            });
        }
    });
    address
}

/// Remembers all bytes of each connection, and answers each 4 bytes `\r\n\r\n` that it has read.
async fn remembering() -> (Address, Arc<Mutex<Vec<Vec<u8>>>>) {
    let (listener, address) = listen().await;
    let all: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let memory = Arc::clone(&all);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let index = memory.lock().unwrap().len();
            memory.lock().unwrap().push(vec![]);
            let memory = Arc::clone(&memory);
            tokio::spawn(async move {
                let (mut answered, mut buffer) = (0, [0; 1024]);
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let heads = {
                        let bytes = &mut memory.lock().unwrap()[index];
                        bytes.extend(&buffer[..length]);
                        bytes.windows(4).filter(|four| four == b"\r\n\r\n").count()
                    };
                    while answered < heads {
                        answered += 1;
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        stream.write_all(answer).await.ok();
                    }
                }
            });
        }
    });
    (address, all)
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(&proxy.address.authority).await.unwrap()
}

/// What comes until the connection ends, and whether it ended as programs end it.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = vec![];
    let ended = timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    (bytes, ended.is_ok())
}

async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> Duration {
    let started = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back, bytes);
    started.elapsed()
}

#[tokio::test]
async fn without_rules_every_byte_passes_once_and_so_do_ends() {
    let proxy = Proxy::start(&echo().await, 1).await.unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|number| ((number * 7) >> 3) as u8)
        .collect();
    let (mut from, mut to) = connect(&proxy).await.into_split();
    let sent = bytes.clone();
    tokio::spawn(async move {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut back = vec![];
    timeout(PATIENCE, from.read_to_end(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert!(back == bytes);
    let counts = proxy.counts();
    assert_eq!((counts.bytes_up, counts.bytes_down), (3_000_000, 3_000_000));
}

#[tokio::test]
async fn fault_n3_what_is_late_keeps_its_order() {
    let proxy = Proxy::start(&echo().await, 2).await.unwrap();
    let mut stream = connect(&proxy).await;
    let quick = round_trip(&mut stream, b"quick").await;
    let late = |delay| Lane {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(30),
        bytes_per_second: 0,
    };
    proxy.set(Rules {
        up: late(60),
        down: late(40),
        ..Rules::default()
    });
    let slow = round_trip(&mut stream, b"slow").await;
    assert!(slow >= Duration::from_millis(100), "{slow:?}, {quick:?}");
    // Pieces that leave one after the other, while earlier ones are still on their way.
    let (mut from, mut to) = stream.into_split();
    tokio::spawn(async move {
        for number in 0..100_u8 {
            to.write_all(&[number]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        to.shutdown().await.unwrap();
    });
    let mut back = vec![];
    timeout(PATIENCE, from.read_to_end(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back, (0..100).collect::<Vec<u8>>());
}

#[tokio::test]
async fn fault_n6_a_cut_comes_after_exactly_so_many_bytes_of_a_direction() {
    let (address, memory) = remembering().await;
    let proxy = Proxy::start(&address, 3).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for after in 0..request.len() as u64 {
        let ending = if after % 2 == 0 {
            Ending::Finish
        } else {
            Ending::Reset
        };
        let cut = |direction| {
            let cut = Some(Cut {
                direction,
                after_bytes: after..=after,
                ending,
            });
            Rules {
                cut,
                ..Rules::default()
            }
        };
        proxy.set(cut(Direction::Up));
        let mut stream = connect(&proxy).await;
        stream.write_all(request).await.unwrap();
        let (bytes, is_finished) = rest(&mut stream).await;
        assert!(bytes.is_empty());
        assert_eq!(is_finished, ending == Ending::Finish);
        let arrived = || memory.lock().unwrap().last().unwrap().clone();
        let passed = async || arrived().len() as u64 == after;
        until("the bytes before the cut are there", PATIENCE, passed)
            .await
            .unwrap();
        assert_eq!(arrived(), request[..after as usize]);

        proxy.set(cut(Direction::Down));
        let mut stream = connect(&proxy).await;
        stream.write_all(request).await.unwrap();
        assert_eq!(rest(&mut stream).await.0, answer[..after as usize]);
        assert_eq!(arrived(), request);
    }
    assert_eq!(proxy.counts().cut, 2 * request.len() as u64);
}

#[tokio::test]
async fn fault_n6_a_cut_counts_from_when_it_is_ordered_and_is_drawn_from_the_seed() {
    let mut lengths = vec![];
    for seed in [7, 7, 8] {
        let proxy = Proxy::start(&echo().await, seed).await.unwrap();
        let mut stream = connect(&proxy).await;
        round_trip(&mut stream, &[1; 1000]).await;
        let cut = Cut {
            direction: Direction::Down,
            after_bytes: 10..=1_000_000,
            ending: Ending::Finish,
        };
        proxy.set(Rules {
            cut: Some(cut),
            ..Rules::default()
        });
        let (mut from, mut to) = stream.into_split();
        tokio::spawn(async move { to.write_all(&vec![2; 1_500_000]).await.ok() });
        let mut bytes = vec![];
        timeout(PATIENCE, from.read_to_end(&mut bytes))
            .await
            .unwrap()
            .ok();
        let passed = proxy.counts().bytes_down - 1000;
        // What is still on its way up turns FIN into RST, which may overtake what passed last.
        assert!(bytes.len() as u64 <= passed);
        lengths.push(passed);
    }
    assert_eq!(lengths[0], lengths[1]);
    assert_ne!(lengths[0], lengths[2]);
    assert!(
        lengths
            .iter()
            .all(|length| (10..=1_000_000).contains(length))
    );
}

#[tokio::test]
async fn fault_n1_what_waits_in_silence_passes_afterwards() {
    let proxy = Proxy::start(&echo().await, 4).await.unwrap();
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"before").await;
    proxy.set(Rules {
        is_silent: true,
        ..Rules::default()
    });
    stream.write_all(b"meanwhile").await.unwrap();
    let mut byte = [0];
    assert!(timeout(QUIET, stream.read(&mut byte)).await.is_err());
    assert_eq!(proxy.counts().bytes_up, 6);
    proxy.set(Rules::default());
    let mut back = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"meanwhile");
}

#[tokio::test]
async fn fault_n7_a_half_open_connection_is_dead_and_nobody_is_told() {
    let proxy = Proxy::start(&echo().await, 5).await.unwrap();
    let mut dead = connect(&proxy).await;
    round_trip(&mut dead, b"before").await;
    proxy.abandon_all();
    dead.write_all(b"into the void").await.unwrap();
    let mut byte = [0];
    assert!(timeout(QUIET, dead.read(&mut byte)).await.is_err());
    assert_eq!(proxy.counts().bytes_up, 6);
    round_trip(&mut connect(&proxy).await, b"new connections are well").await;
    proxy.close_all(Ending::Reset);
    let told = timeout(PATIENCE, dead.read(&mut byte)).await.unwrap();
    assert!(told.is_err());
}

#[tokio::test]
async fn fault_n8_a_slow_reader_holds_up_who_writes_to_it_and_no_memory() {
    const BYTES_MAX: u64 = 8 * 1024 * 1024;
    let (listener, address) = listen().await;
    let written = Arc::new(Mutex::new(0_u64));
    let counter = Arc::clone(&written);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.write_all(&[3; 4096]).await.is_ok() {
            *counter.lock().unwrap() += 4096;
        }
    });
    let proxy = Proxy::start(&address, 6).await.unwrap();
    let slow = Lane {
        bytes_per_second: 2_000,
        ..Lane::default()
    };
    proxy.set(Rules {
        down: slow,
        ..Rules::default()
    });
    let mut stream = connect(&proxy).await;
    let started = Instant::now();
    let mut bytes = [0; 1_000];
    timeout(PATIENCE, stream.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(400), "{elapsed:?}");
    // It has long written all that fits between the two.
    let before = *written.lock().unwrap();
    assert!(before < BYTES_MAX, "{before}");
    tokio::time::sleep(QUIET).await;
    let after = *written.lock().unwrap();
    assert!(after - before < 64 * 1024, "{before} {after}");
}

#[tokio::test]
async fn connections_are_refused_and_closed_when_it_is_said() {
    let proxy = Proxy::start(&echo().await, 7).await.unwrap();
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"before").await;
    proxy.close_all(Ending::Finish);
    assert_eq!(rest(&mut stream).await, (vec![], true));
    proxy.set(Rules {
        is_refusing: true,
        ..Rules::default()
    });
    let refused = async {
        let mut stream = TcpStream::connect(&proxy.address.authority).await?;
        stream.write_all(b"hello").await?;
        stream.read(&mut [0]).await
    };
    assert!(!matches!(
        timeout(PATIENCE, refused).await.unwrap(),
        Ok(1..)
    ));
    assert_eq!(proxy.counts().refused, 1);
    proxy.set(Rules::default());
    round_trip(&mut connect(&proxy).await, b"after").await;
}

#[tokio::test]
async fn fault_n4_whole_requests_arrive_twice_at_the_time_that_is_said() {
    let wait = Duration::from_millis(100);
    for when in [Again::AtOnce, Again::AfterAnswer, Again::After(wait..=wait)] {
        let (address, memory) = remembering().await;
        let proxy = Proxy::start(&address, 8).await.unwrap();
        proxy.set(Rules {
            repeat: Some(Repeat {
                per_mille: 1_000,
                when: vec![when.clone()],
            }),
            ..Rules::default()
        });
        let mut stream = connect(&proxy).await;
        let request = b"POST /x HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello";
        let started = Instant::now();
        // In two pieces, so that it is put together again.
        stream.write_all(&request[..20]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        stream.write_all(&request[20..]).await.unwrap();
        let mut answer = [0; 40];
        timeout(PATIENCE, stream.read_exact(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(answer.ends_with(b"ok"));
        let repeated = async || proxy.counts().requests_repeated == 1;
        until("it was repeated", PATIENCE, repeated).await.unwrap();
        proxy.settle().await;
        assert_eq!(*memory.lock().unwrap(), [request, request], "{when:?}");
        if matches!(when, Again::After(_)) {
            assert!(started.elapsed() >= wait);
        }
        stream.write_all(b"GET /x HTTP/1.1\r\n\r\n").await.unwrap();
        timeout(PATIENCE, stream.read_exact(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (proxy.counts().requests, memory.lock().unwrap().len()),
            (1, 2)
        );
    }
}
