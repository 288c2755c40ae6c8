//! Many devices lose their connection at once and come back, while some of them go on writing.
//!
//! Every group of people has its own thread, in which one of them writes. With a server of our own the server is killed,
//! which cuts everybody off; else all devices cut themselves off.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use semel_client::{
    Destination, IdMaker, NewThread, Note, Notes, SendError, Session, SessionOptions, Stored,
};
use semel_protocol::{DeviceId, Rev, ThreadId, ThreadType};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    LoadError, Outcome,
    device::{Shared, words},
    pace::{Arrival, Schedule},
    plan::Rate,
    stage::Stage,
    tally::{Counters, Timed},
};
use crate::record::NodeState;

/// People of a group.
const GROUP_PEOPLE: usize = 50;
/// Devices that begin to connect at the same time, before the storm.
const CONNECTING_AT_ONCE: usize = 100;
/// Time in which everybody must be there before the storm.
const GATHER: Duration = Duration::from_mins(5);
/// Time in which devices should be back with everything.
const BACK_WANTED: Duration = Duration::from_mins(1);
/// Time after which the run does not wait any longer for them.
const STORM_MAX: Duration = Duration::from_mins(3);
/// Share of the goodput before the storm that is wanted after it.
const GOODPUT_PERCENT_WANTED: f64 = 95.0;
/// What may be under way when goodput is measured again, as a share of what is due in a second.
const BACKLOG_SHARE: u64 = 20;
const LOOK: Duration = Duration::from_millis(20);

/// What all devices know.
struct Sky {
    shared: Shared,
    /// When the connections were cut.
    cut: watch::Sender<Option<Instant>>,
    /// Of every group: the last entry that was acknowledged to its writer.
    heads: Vec<AtomicU64>,
    back: AtomicUsize,
    caught_up: AtomicUsize,
}

/// Goodput of a time.
struct Goodput {
    messages: f64,
    deliveries: f64,
}

pub(super) async fn reconnect_storm(stage: &mut Stage<'_>) -> Result<Outcome, LoadError> {
    let names: Vec<String> = (0..stage.plan.connections)
        .map(|number| stage.name("device", number))
        .collect();
    let groups: Vec<&[String]> = groups(&names);
    let sky = Arc::new(Sky {
        shared: stage.shared.clone(),
        cut: watch::Sender::new(None),
        heads: groups.iter().map(|_| AtomicU64::new(0)).collect(),
        back: AtomicUsize::new(0),
        caught_up: AtomicUsize::new(0),
    });
    let sessions = gather(stage, &groups, &sky).await?;
    stage.tally.enter("making threads");
    let mut threads = Vec::new();
    for people in &groups {
        threads.push(stage.thread(people, ThreadType::Group).await?);
    }
    let made = names.len() as u64;
    wait(GATHER, || stage.tally.counters().delivered >= made).await;

    stage.begin();
    let (over, is_over) = watch::channel(false);
    write(stage, &sky, &sessions, &threads, &is_over);
    let mut outcome = storm(stage, &sky, &sessions).await?;
    over.send_replace(true);
    stage.drain_answers().await;
    // The last messages are on their way to the other devices.
    let heads = sky.heads.iter().zip(&groups);
    let expected = heads.map(|(head, people)| head.load(Ordering::Relaxed) * people.len() as u64);
    stage.drain_screens(expected.sum()).await;
    let fetches: u64 = sessions.iter().map(|one| one.counts().fetches).sum();
    outcome.measure("fetches", "gaps fetched over HTTP", fetches as f64);
    Ok(outcome)
}

/// The storm itself: a time before, the cut, the way back, a time after.
async fn storm(
    stage: &Stage<'_>,
    sky: &Sky,
    sessions: &[Arc<Session>],
) -> Result<Outcome, LoadError> {
    stage.tally.enter("writing, before the storm");
    let half = stage.plan.duration / 2;
    let before = goodput(stage, half).await;
    stage.tally.enter("cut off");
    let begin = Instant::now();
    sky.cut.send_replace(Some(begin));
    let down = cut(stage, sessions).await?;
    let is_whole = wait(STORM_MAX, || {
        let (back, done) = (count(&sky.back), count(&sky.caught_up));
        stage
            .tally
            .enter(format!("{back} connected again, {done} caught up"));
        done == sessions.len()
    })
    .await;
    let caught_up = count(&sky.caught_up);
    // What had to wait meanwhile is stored now, and is no goodput of afterwards.
    if let Rate::PerSecond(rate) = stage.plan.rate {
        let backlog_max = u64::from(rate) / BACKLOG_SHARE + 1;
        wait(STORM_MAX, || stage.tally.counters().open() <= backlog_max).await;
    }
    stage.tally.enter("writing, after the storm");
    let after = goodput(stage, half).await;
    let mut outcome = Outcome::new(half + begin.elapsed());
    outcome.measure("devices", "devices cut off", sessions.len() as f64);
    outcome.measure(
        "devices_caught_up",
        "devices caught up again",
        caught_up as f64,
    );
    if let Some(down) = down {
        let text = "server killed until it served again, ms";
        outcome.measure("server_down_ms", text, millis(down));
    }
    judge(stage, &mut outcome, &before, &after, is_whole);
    Ok(outcome)
}

fn judge(
    stage: &Stage<'_>,
    outcome: &mut Outcome,
    before: &Goodput,
    after: &Goodput,
    is_whole: bool,
) {
    outcome.measure("goodput_before", "deliveries/s before", before.deliveries);
    outcome.measure("goodput_after", "deliveries/s after", after.deliveries);
    let percent = 100.0 * after.deliveries / before.deliveries.max(f64::MIN_POSITIVE);
    outcome.measure("goodput_percent", "goodput after, % of before", percent);
    outcome.measure(
        "messages_before",
        "acknowledged messages/s before",
        before.messages,
    );
    outcome.measure(
        "messages_after",
        "acknowledged messages/s after",
        after.messages,
    );
    if percent < GOODPUT_PERCENT_WANTED {
        outcome.warn(format!(
            "goodput is {percent:.0} % of what it was before; {GOODPUT_PERCENT_WANTED} % is wanted"
        ));
    }
    let slowest = stage
        .tally
        .times()
        .get(&Timed::CaughtUp)
        .map_or(0, hdrhistogram::Histogram::max);
    if !is_whole {
        outcome.warn(format!(
            "some devices were not caught up after {STORM_MAX:?}"
        ));
    } else if u128::from(slowest) > BACK_WANTED.as_micros() {
        outcome.warn(format!(
            "everybody caught up within {BACK_WANTED:?} is wanted"
        ));
    }
}

/// Groups of the same size; the rest of the people go into the last one.
fn groups(names: &[String]) -> Vec<&[String]> {
    let count = (names.len() / GROUP_PEOPLE).max(1);
    (0..count)
        .map(|group| {
            let end = if group + 1 == count {
                names.len()
            } else {
                (group + 1) * GROUP_PEOPLE
            };
            &names[group * GROUP_PEOPLE..end]
        })
        .collect()
}

/// Connects everybody, some at a time.
async fn gather(
    stage: &mut Stage<'_>,
    groups: &[&[String]],
    sky: &Arc<Sky>,
) -> Result<Vec<Arc<Session>>, LoadError> {
    let mut sessions = Vec::new();
    let people = groups
        .iter()
        .enumerate()
        .flat_map(|(group, people)| people.iter().map(move |name| (group, name)));
    for (group, name) in people {
        let number = sessions.len();
        let token = stage.token(name);
        let seed =
            stage.target.entropy as u64 ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let device = DeviceId(format!("device-{number}"));
        let mut options = SessionOptions::to(
            stage.target.address(number),
            token,
            device,
            NewThread::WholeLog,
            seed,
        );
        options.witness = stage.witness(name).map(|witness| witness as _);
        let (session, notes) = Session::start(options);
        sessions.push(Arc::new(session));
        stage
            .devices
            .spawn(follow(Arc::clone(sky), group, Instant::now(), notes));
        if sessions.len() % CONNECTING_AT_ONCE == 0 {
            arrive(stage, sessions.len()).await?;
        }
    }
    arrive(stage, sessions.len()).await?;
    Ok(sessions)
}

async fn arrive(stage: &Stage<'_>, count: usize) -> Result<(), LoadError> {
    stage
        .tally
        .enter(format!("connecting, {count} of {}", stage.plan.connections));
    let connected = || stage.tally.counters().connected >= count as u64;
    if wait(GATHER, connected).await {
        Ok(())
    } else {
        Err(LoadError::Gather(count))
    }
}

/// One device: what it has, and when it has it again.
async fn follow(sky: Arc<Sky>, group: usize, begin: Instant, mut notes: Notes) {
    let tally = &sky.shared.tally;
    let mut head: Rev = 0;
    let mut is_known = false;
    // After the storm: the last entry of those that were acknowledged when it was connected again.
    let mut wanted: Option<Rev> = None;
    let mut is_done = false;
    while let Some(note) = notes.recv().await {
        match note {
            Note::Connected if !is_known => {
                is_known = true;
                tally.connect(begin.elapsed());
            }
            Note::Connected => {
                if let (Some(cut), None) = (*sky.cut.borrow(), wanted) {
                    wanted = Some(sky.heads[group].load(Ordering::Relaxed));
                    tally.time(Timed::Back, cut.elapsed());
                    sky.back.fetch_add(1, Ordering::Relaxed);
                }
            }
            Note::Entry(entry) => {
                head = entry.rev;
                tally.deliver(1);
            }
            Note::Reset { head_rev, .. } => {
                tally.note("log begun anew");
                head = head_rev;
            }
            Note::Refused(reason) => tally.note(&reason),
            Note::Left(_) => tally.note("not in its thread any more"),
            Note::Disconnected | Note::Answered { .. } | Note::Event(_) => {}
        }
        if let (Some(cut), false) = (*sky.cut.borrow(), is_done)
            && wanted.is_some_and(|wanted| head >= wanted)
        {
            is_done = true;
            tally.time(Timed::CaughtUp, cut.elapsed());
            sky.caught_up.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One person of each group writes until it is over.
fn write(
    stage: &mut Stage<'_>,
    sky: &Arc<Sky>,
    sessions: &[Arc<Session>],
    threads: &[ThreadId],
    is_over: &watch::Receiver<bool>,
) {
    let writers: Vec<Writer> = threads
        .iter()
        .enumerate()
        .map(|(group, thread_id)| Writer {
            sky: Arc::clone(sky),
            session: Arc::clone(&sessions[group * GROUP_PEOPLE]),
            group,
            thread_id: *thread_id,
            ids: stage.target.ids(1 << 33 | group as u64),
        })
        .collect();
    let is_over = is_over.clone();
    match stage.plan.rate {
        Rate::Max => {
            for writer in writers {
                stage.devices.spawn(writer.go_on(is_over.clone()));
            }
        }
        Rate::PerSecond(rate) => {
            let begin = stage.time().start;
            let schedule = Schedule::new(begin, rate, stage.plan.duration + STORM_MAX);
            stage.devices.spawn(keep_pace(schedule, writers, is_over));
        }
    }
}

struct Writer {
    sky: Arc<Sky>,
    session: Arc<Session>,
    group: usize,
    thread_id: ThreadId,
    ids: IdMaker,
}

async fn keep_pace(schedule: Schedule, mut writers: Vec<Writer>, is_over: watch::Receiver<bool>) {
    let mut due = schedule.run();
    let count = writers.len();
    while let Some(Arrival { number, due }) = due.recv().await {
        if *is_over.borrow() {
            return;
        }
        let writer = &mut writers[number as usize % count];
        writer.sky.shared.tally.time(Timed::Lag, due.elapsed());
        let answer = writer.say(due).await;
        let sky = Arc::clone(&writer.sky);
        let group = writer.group;
        tokio::spawn(async move { sky.answered(group, due, answer.await) });
    }
}

impl Writer {
    /// Puts a message into the outbox of the device.
    async fn say(&mut self, due: Instant) -> oneshot::Receiver<Result<Stored, SendError>> {
        let shared = &self.sky.shared;
        shared.tally.ask();
        let client_id = self.ids.next((shared.now)());
        let to = Destination::Thread(self.thread_id);
        self.session
            .enqueue(to, client_id, words(due - shared.zero))
            .await
    }

    async fn go_on(mut self, is_over: watch::Receiver<bool>) {
        while !*is_over.borrow() {
            let due = Instant::now();
            let answer = self.say(due).await;
            self.sky.answered(self.group, due, answer.await);
        }
    }
}

type Answered = Result<Result<Stored, SendError>, oneshot::error::RecvError>;

impl Sky {
    fn answered(&self, group: usize, due: Instant, answer: Answered) {
        let tally = &self.shared.tally;
        match answer {
            Ok(Ok(stored)) => {
                tally.succeed(Some(Timed::Ack), due.elapsed());
                self.heads[group].fetch_max(stored.message.rev, Ordering::Relaxed);
            }
            Ok(Err(SendError::Refused(problem))) => tally.fail(problem.code.as_str()),
            Ok(Err(_)) => tally.fail("unreadable"),
            Err(_) => tally.fail("disconnected"),
        }
    }
}

/// Cuts everybody off. Returns how long the server was away, if it was killed.
async fn cut(stage: &Stage<'_>, sessions: &[Arc<Session>]) -> Result<Option<Duration>, LoadError> {
    let Some(own) = stage.target.own.clone() else {
        for session in sessions {
            session.cut().await;
        }
        return Ok(None);
    };
    let begin = Instant::now();
    stage.node(NodeState::Killed);
    let restarted = tokio::task::spawn_blocking(move || own.restart()).await;
    restarted
        .map_err(LoadError::Task)?
        .map_err(LoadError::Server)?;
    stage.node(NodeState::Started);
    Ok(Some(begin.elapsed()))
}

async fn goodput(stage: &Stage<'_>, time: Duration) -> Goodput {
    let (begin, before) = (Instant::now(), stage.tally.counters());
    sleep_until(begin + time).await;
    let after: Counters = stage.tally.counters();
    let seconds = begin.elapsed().as_secs_f64();
    Goodput {
        messages: (after.done - before.done) as f64 / seconds,
        deliveries: (after.delivered - before.delivered) as f64 / seconds,
    }
}

/// Waits until something is so. False when it is not in time.
async fn wait(time: Duration, is_so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + time;
    while !is_so() {
        if Instant::now() >= end {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}

fn count(counter: &AtomicUsize) -> usize {
    counter.load(Ordering::Relaxed)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
