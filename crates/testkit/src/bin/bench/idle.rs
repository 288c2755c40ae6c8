//! A server that has nothing to do.

use std::time::Duration;

use semel_client::{Incoming, Transport};
use semel_testkit::{Semel, binary, token};
use tokio::{sync::mpsc, time::sleep};

use crate::{load::Result, report::Report};

/// Starts that are measured; the one in the middle counts.
const STARTS: usize = 5;
/// Time in which memory comes to rest.
const REST: Duration = Duration::from_secs(1);
/// Connections that are made at the same time.
const CONNECTING_AT_ONCE: usize = 50;
const MIB: f64 = 1024.0 * 1024.0;

/// Measures the time to start with an empty database, and memory at rest.
pub(crate) fn at_rest(report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..STARTS {
        let directory = tempfile::tempdir()?;
        let server = Semel::start(binary(), directory.path())?;
        times.push(server.start_time.as_micros() as u64);
        std::thread::sleep(REST);
        bytes = server.resident_bytes()?;
    }
    times.sort_unstable();
    report.micros("start", times[STARTS / 2]);
    report.count("idle_mb", bytes as f64 / MIB);
    Ok(())
}

/// Measures how memory grows with connections, each of another person. The first quarter is not counted: it also fills
/// what is made once.
pub(crate) async fn connections(count: usize, report: &mut Report) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let server = Semel::start(binary(), directory.path())?;
    let mut held = Vec::with_capacity(count);
    let first = count / 4;
    open(&server, 0, first, &mut held).await?;
    sleep(REST).await;
    let before = server.resident_bytes()?;
    open(&server, first, count, &mut held).await?;
    sleep(REST).await;
    let after = server.resident_bytes()?;
    let per_connection = after.saturating_sub(before) as f64 / (count - first) as f64;
    report.count("connection_kib", per_connection / 1024.0);
    Ok(())
}

async fn open(
    server: &Semel,
    from: usize,
    to: usize,
    held: &mut Vec<mpsc::Sender<()>>,
) -> Result<()> {
    let numbers: Vec<usize> = (from..to).collect();
    for some in numbers.chunks(CONNECTING_AT_ONCE) {
        let opening: Vec<_> = some
            .iter()
            .map(|number| {
                let (address, token) = (server.address.clone(), token(&format!("idle-{number}")));
                tokio::spawn(async move { Transport::connect(&address, &token, None).await })
            })
            .collect();
        for connection in opening {
            let (handle, released) = mpsc::channel(1);
            tokio::spawn(stay(connection.await??, released));
            held.push(handle);
        }
    }
    Ok(())
}

/// Answers pings until released.
async fn stay(mut connection: Transport, mut released: mpsc::Receiver<()>) {
    loop {
        tokio::select! {
            _ = released.recv() => return,
            incoming = connection.next() => match incoming {
                Ok(Incoming::Event { .. } | Incoming::Ack { .. }) => {}
                Err(_) => return,
            },
        }
    }
}
