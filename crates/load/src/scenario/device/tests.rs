use std::{collections::VecDeque, sync::Mutex};

use async_trait::async_trait;
use semel_protocol::Timestamp;
use serde_json::value::RawValue;
use tokio::time::{sleep, sleep_until};
use uuid::Uuid;

use super::{seeing::stamp, *};
use crate::scenario::orders::desk;

const SECOND: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_millis(1);
const THREAD: ThreadId = ThreadId(Uuid::from_u128(7));

/// A server that answers everything after a millisecond, except that it stands still for some time.
struct Server {
    standstill: std::ops::Range<Instant>,
    answers: VecDeque<(u64, Instant)>,
    next_id: u64,
    written: Arc<Mutex<Vec<Instant>>>,
}

#[async_trait]
impl Link for Server {
    async fn feed(&mut self, _: &str, _: &RawValue) -> Result<u64, TransportError> {
        let now = Instant::now();
        self.written.lock().unwrap().push(now);
        let mut done = now + ANSWER;
        if self.standstill.contains(&done) {
            done = self.standstill.end;
        }
        self.next_id += 1;
        self.answers.push_back((self.next_id, done));
        Ok(self.next_id)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn next(&mut self) -> Result<Incoming, TransportError> {
        let Some((id, done)) = self.answers.front().copied() else {
            return std::future::pending().await;
        };
        sleep_until(done).await;
        self.answers.pop_front();
        let payload = r#"{"status":"success","data":{}}"#.to_owned().into();
        Ok(Incoming::Ack { id, payload })
    }

    async fn close(self: Box<Self>) {}
}

struct Run {
    zero: Instant,
    tally: Arc<Tally>,
    written: Arc<Mutex<Vec<Instant>>>,
}

/// A device of a server that stands still between its second and its fourth second.
fn begin() -> (Run, Device) {
    let zero = Instant::now();
    let (tally, written) = (Arc::new(Tally::default()), Arc::default());
    let server = Server {
        standstill: zero + 2 * SECOND..zero + 4 * SECOND,
        answers: VecDeque::new(),
        next_id: 0,
        written: Arc::clone(&written),
    };
    let shared = Shared {
        tally: Arc::clone(&tally),
        now: Arc::new(|| Timestamp(1)),
        zero,
    };
    let device = Device::new(
        Box::new(server),
        IdMaker::new(1),
        shared,
        Interest::default(),
    );
    (
        Run {
            zero,
            tally,
            written,
        },
        device,
    )
}

/// A hundred messages a second for ten seconds, handed in when they are due; returns when all are answered.
async fn hand_in(run: &Run, device: Device) {
    let (orders, desk) = desk(THREAD);
    let running = tokio::spawn(device.run(orders));
    for number in 0..1_000 {
        let due = run.zero + Duration::from_millis(10 * number);
        sleep_until(due).await;
        run.tally.ask();
        desk.order(due, Deed::Say);
    }
    while run.tally.counters().open() > 0 {
        sleep(ANSWER).await;
    }
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stands_still_shows_in_everything_that_was_due_meanwhile() {
    let (run, device) = begin();
    hand_in(&run, device).await;
    let times = &run.tally.times()[&Timed::Ack];
    assert_eq!(times.len(), 1_000);
    // Two seconds of ten: a fifth of all messages waited, a second on average. Whoever sends the next message when the
    // last one is answered sees one slow message of hundreds, and finds that 99 % are fast.
    let slow = times.count_between(20_000, u64::MAX);
    assert!((195..=200).contains(&slow), "{slow} messages waited");
    assert!(times.value_at_quantile(0.5) < 3_000);
    let p90 = times.value_at_quantile(0.9);
    assert!((950_000..1_050_000).contains(&p90), "p90 is {p90} µs");
    assert!(
        (1_990_000..2_010_000).contains(&times.max()),
        "{}",
        times.max()
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_no_more_under_way_than_the_server_takes_and_forgets_nothing() {
    let (run, device) = begin();
    hand_in(&run, device).await;
    let written = run.written.lock().unwrap();
    let standstill = run.zero + 2 * SECOND..run.zero + 4 * SECOND;
    let during = written.iter().filter(|time| standstill.contains(time));
    assert_eq!(during.count(), IN_FLIGHT_MAX);
    assert_eq!(written.len(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_sends_one_message_after_the_other_in_its_time() {
    let (run, device) = begin();
    let time = run.zero + SECOND..run.zero + 5 * SECOND;
    let orders = Orders::Endless {
        time: time.clone(),
        thread_id: THREAD,
    };
    // It only ends with its task.
    let ended = tokio::time::timeout(6 * SECOND, device.run(orders)).await;
    assert!(ended.is_err());
    let written = run.written.lock().unwrap();
    assert!(written.iter().all(|sent| time.contains(sent)));
    assert!(written.windows(2).all(|pair| pair[1] - pair[0] >= ANSWER));
    let counters = run.tally.counters();
    assert_eq!(counters.asked, written.len() as u64);
    assert_eq!(counters.open(), 0);
    // The same standstill, seen by a closed loop: one slow message.
    assert_eq!(
        run.tally.times()[&Timed::Ack].count_between(20_000, u64::MAX),
        1
    );
}

#[test]
fn only_what_was_said_carries_a_time() {
    let words = words(Duration::from_micros(1_234_567));
    let entry =
        |kind: &str| format!(r#"{{"rev":3,"type":"{kind}","message":{{"content":"{words}"}}}}"#);
    assert_eq!(
        stamp(&entry("message")),
        Some(Duration::from_micros(1_234_567))
    );
    assert_eq!(stamp(&entry("message_edited")), None);
    assert_eq!(stamp(&entry("reaction_added")), None);
    assert_eq!(
        stamp(r#"{"type":"message","message":{"content":"@x y"}}"#),
        None
    );
}
