//! Load on threads of two: a sender and a receiver who is online.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use semel_client::{Address, Api, IdMaker, Incoming, Transport};
use semel_protocol::{
    ThreadId, ThreadType, UserId,
    requests::CreateOrGet,
    socket::{SendOne, from_client, from_server},
};
use semel_testkit::{Semel, now, random, token};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Time after the load in which receivers must have everything.
const DRAIN: Duration = Duration::from_secs(10);
/// What a message says, after its number.
const FILLER: &str = "some words of the length that people write in a chat";

/// What a closed loop brought.
pub(crate) struct Loaded {
    pub(crate) messages: u64,
    pub(crate) received: u64,
    pub(crate) elapsed: Duration,
    /// Of acknowledgements, in microseconds.
    pub(crate) latency: Histogram<u64>,
}

impl Loaded {
    pub(crate) fn per_second(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }
}

/// Both ends of a thread of two.
struct Pair {
    sender: Transport,
    receiver: Transport,
    thread_id: ThreadId,
}

/// Every sender sends the next message when the last one is acknowledged.
pub(crate) async fn closed_loop(server: &Semel, senders: usize, time: Duration) -> Result<Loaded> {
    let received = Arc::new(AtomicU64::new(0));
    let begin = Instant::now() + Duration::from_millis(200);
    let end = begin + time;
    let mut tasks: Vec<JoinHandle<Result<Histogram<u64>>>> = Vec::new();
    let mut receivers = Vec::new();
    for pair in pairs(server, senders).await? {
        receivers.push(tokio::spawn(count(pair.receiver, Arc::clone(&received))));
        let (sender, thread_id) = (pair.sender, pair.thread_id);
        tasks.push(tokio::spawn(async move {
            tokio::time::sleep_until(begin.into()).await;
            send_until(sender, thread_id, end).await
        }));
    }
    let mut latency = histogram();
    for task in tasks {
        latency.add(task.await??)?;
    }
    let elapsed = begin.elapsed();
    let messages = latency.len();
    let drained = async {
        while received.load(Ordering::Relaxed) < messages {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DRAIN, drained)
        .await
        .map_err(|_| "receivers did not get everything")?;
    let received = received.load(Ordering::Relaxed);
    receivers.iter().for_each(JoinHandle::abort);
    Ok(Loaded {
        messages,
        received,
        elapsed,
        latency,
    })
}

async fn send_until(
    mut sender: Transport,
    thread_id: ThreadId,
    end: Instant,
) -> Result<Histogram<u64>> {
    let mut latency = histogram();
    let mut ids = IdMaker::new(random());
    while Instant::now() < end {
        let send = message(thread_id, &mut ids, FILLER.to_owned());
        let began = Instant::now();
        let id = sender.emit(from_client::MESSAGE_SEND, &send).await?;
        acknowledged(&mut sender, id).await?;
        latency.record(began.elapsed().as_micros() as u64)?;
    }
    Ok(latency)
}

/// Waits for one acknowledgement; it must be a success.
pub(crate) async fn acknowledged(sender: &mut Transport, wanted: u64) -> Result<()> {
    loop {
        match sender.next().await? {
            Incoming::Ack { id, payload } if id == wanted => {
                // The answer begins with its status.
                let text = payload.as_str();
                let is_success = text.starts_with(r#"{"status":"success""#);
                return if is_success {
                    Ok(())
                } else {
                    Err(format!("refused: {text}").into())
                };
            }
            Incoming::Ack { .. } | Incoming::Event { .. } => {}
        }
    }
}

async fn count(mut screen: Transport, received: Arc<AtomicU64>) {
    while let Ok(incoming) = screen.next().await {
        if let Incoming::Event { name, .. } = incoming
            && name == from_server::ENTRY
        {
            received.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sends at a steady rate and returns the times from send to the receiver's screen, in microseconds.
pub(crate) async fn open_loop(
    server: &Semel,
    senders: usize,
    per_second: u32,
    time: Duration,
) -> Result<Histogram<u64>> {
    let zero = Instant::now();
    let mut all = pairs(server, senders).await?;
    let mut screens = Vec::new();
    let mut outlets = Vec::new();
    for pair in all.drain(..) {
        screens.push(tokio::spawn(watch_screen(pair.receiver, zero)));
        let (outlet, lines) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(send_lines(pair.sender, pair.thread_id, lines, zero));
        outlets.push(outlet);
    }
    let mut beat = interval(Duration::from_secs(1) / per_second);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let total = time.as_secs() as usize * per_second as usize;
    for number in 0..total {
        beat.tick().await;
        outlets[number % senders]
            .send(())
            .map_err(|_| "a sender ended")?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(outlets);
    let mut latency = histogram();
    for screen in screens {
        latency.add(screen.await??)?;
    }
    let seen = latency.len() as usize;
    if seen == total {
        Ok(latency)
    } else {
        Err(format!("{seen} of {total} were seen").into())
    }
}

async fn send_lines(
    mut sender: Transport,
    thread_id: ThreadId,
    mut lines: tokio::sync::mpsc::UnboundedReceiver<()>,
    zero: Instant,
) {
    let mut ids = IdMaker::new(random());
    loop {
        tokio::select! {
            line = lines.recv() => {
                if line.is_none() {
                    return;
                }
                let content = format!("@{} {FILLER}", zero.elapsed().as_micros());
                let send = message(thread_id, &mut ids, content);
                if sender.emit(from_client::MESSAGE_SEND, &send).await.is_err() {
                    return;
                }
            }
            incoming = sender.next() => if incoming.is_err() { return },
        }
    }
}

/// Ends when nothing has come for a while.
async fn watch_screen(
    mut receiver: Transport,
    zero: Instant,
) -> std::result::Result<Histogram<u64>, &'static str> {
    const QUIET: Duration = Duration::from_secs(2);
    let mut latency = histogram();
    while let Ok(incoming) = timeout(QUIET, receiver.next()).await {
        let Ok(Incoming::Event { name, payload }) = incoming else {
            return Err("a receiver ended");
        };
        if name != from_server::ENTRY {
            continue;
        }
        let now = zero.elapsed().as_micros() as u64;
        let sent = sent_at(payload.as_str()).ok_or("an entry without its time")?;
        latency
            .record(now.saturating_sub(sent))
            .map_err(|_| "a time too long")?;
    }
    Ok(latency)
}

fn sent_at(entry: &str) -> Option<u64> {
    let (_, after) = entry.split_once(r#""content":"@"#)?;
    after.split_once(' ')?.0.parse().ok()
}

/// A message to a thread.
pub(crate) fn message(thread_id: ThreadId, ids: &mut IdMaker, content: String) -> SendOne {
    let client_id = ids.next(now());
    SendOne {
        thread_id,
        client_id,
        content,
        kind: None,
        reply_to: None,
        attachments: vec![],
    }
}

/// Up to a minute, with three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are valid")
}

async fn pairs(server: &Semel, count: usize) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(count);
    for number in 0..count {
        let (sender, receiver) = (format!("sender-{number}"), format!("receiver-{number}"));
        let receiver_end = Transport::connect(&server.address, &token(&receiver), None).await?;
        let sender_end = Transport::connect(&server.address, &token(&sender), None).await?;
        let thread_id = thread(&server.address, &sender, &[receiver], ThreadType::Direct).await?;
        pairs.push(Pair {
            sender: sender_end,
            receiver: receiver_end,
            thread_id,
        });
    }
    Ok(pairs)
}

/// The one thread of these people, who are known to the server already.
pub(crate) async fn thread(
    address: &Address,
    caller: &str,
    others: &[String],
    thread_type: ThreadType,
) -> Result<ThreadId> {
    let others: std::result::Result<Vec<_>, _> =
        others.iter().map(|id| UserId::parse(id)).collect();
    let body = CreateOrGet {
        participants: others?,
        thread_type: Some(thread_type),
        title: None,
        distinct: None,
        client_id: None,
    };
    let api = Api::new(address.clone(), &token(caller));
    Ok(api.create_or_get(&body).await?.data.thread.id)
}
