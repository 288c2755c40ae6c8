//! HTTP requests that arrive once more, on a connection of their own.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    Counts, Inner, PIECE_BYTES,
    http::{Parser, Side, Step},
};

/// Time in which the answer must have come.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Sends a request once more after a time. Nobody gets the answer.
pub(super) fn replay(inner: &Arc<Inner>, request: Vec<u8>, wait: Duration) {
    let inner = Arc::clone(inner);
    tokio::spawn(async move {
        let Ok(_permit) = inner.replays.try_acquire() else {
            return;
        };
        sleep(wait).await;
        let answered = timeout(ANSWER_MAX, send(&inner.again, &request)).await;
        if let Ok(Some(())) = answered {
            Counts::add(&inner.counters.requests_repeated, 1);
        }
    });
}

async fn send(upstream: &str, request: &[u8]) -> Option<()> {
    let mut stream = TcpStream::connect(upstream).await.ok()?;
    stream.write_all(request).await.ok()?;
    let mut parser = Parser::new(Side::Answers);
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let length = stream.read(&mut buffer).await.ok()?;
        if length == 0 {
            return None;
        }
        if let Step::End(..) = parser.step(&buffer[..length]) {
            return Some(());
        }
    }
}
