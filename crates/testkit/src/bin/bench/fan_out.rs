//! One group in which everybody is online.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use semel_client::{IdMaker, Incoming, Transport};
use semel_protocol::{
    ThreadType,
    socket::{from_client, from_server},
};
use semel_testkit::{Semel, random, token};

use crate::{
    load::{self, Result},
    report::Report,
};

/// Members who write; the others only read.
const WRITERS: usize = 4;

/// Measures how many entries a second reach the members of a group.
pub(crate) async fn deliveries(
    server: &Semel,
    people: usize,
    time: Duration,
    report: &mut Report,
) -> Result<()> {
    let names: Vec<String> = (0..people)
        .map(|number| format!("crowd-{number}"))
        .collect();
    let mut ends = Vec::with_capacity(people);
    for name in &names {
        ends.push(Transport::connect(&server.address, &token(name), None).await?);
    }
    let thread_id = load::thread(&server.address, &names[0], &names, ThreadType::Group).await?;
    let delivered = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = ends
        .drain(WRITERS..)
        .map(|reader| tokio::spawn(read(reader, Arc::clone(&delivered))))
        .collect();
    let mut writers = Vec::new();
    for writer in ends {
        let (delivered, is_over) = (Arc::clone(&delivered), Arc::clone(&is_over));
        writers.push(tokio::spawn(write(writer, thread_id, delivered, is_over)));
    }
    let begin = Instant::now();
    tokio::time::sleep(time).await;
    let count = delivered.load(Ordering::Relaxed);
    let elapsed = begin.elapsed();
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer
            .await?
            .map_err(|error| format!("a writer of the group: {error}"))?;
    }
    let ended = readers.iter().filter(|reader| reader.is_finished()).count();
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    if ended > 0 {
        return Err(format!("{ended} members of the group were cut off").into());
    }
    report.count(
        "deliveries_per_second",
        count as f64 / elapsed.as_secs_f64(),
    );
    Ok(())
}

async fn read(mut reader: Transport, delivered: Arc<AtomicU64>) {
    while let Ok(incoming) = reader.next().await {
        note(&incoming, &delivered);
    }
}

/// Writes the next message when the last one has come back to the writer's own screen: so that there are never more on
/// the way than members can read.
async fn write(
    mut writer: Transport,
    thread_id: semel_protocol::ThreadId,
    delivered: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
) -> std::result::Result<(), semel_client::TransportError> {
    let mut ids = IdMaker::new(random());
    while !is_over.load(Ordering::Relaxed) {
        let send = load::message(thread_id, &mut ids, "to everybody".to_owned());
        let wanted = writer.emit(from_client::MESSAGE_SEND, &send).await?;
        loop {
            let incoming = writer.next().await?;
            note(&incoming, &delivered);
            if matches!(incoming, Incoming::Ack { id, .. } if id == wanted) {
                break;
            }
        }
    }
    Ok(())
}

fn note(incoming: &Incoming, delivered: &AtomicU64) {
    if let Incoming::Event { name, .. } = incoming
        && name == from_server::ENTRY
    {
        delivered.fetch_add(1, Ordering::Relaxed);
    }
}
