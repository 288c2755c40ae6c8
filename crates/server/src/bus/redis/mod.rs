//! The bus over Redis (7 or newer) or Valkey.
//!
//! One connection, which subscribes and is tried before anybody is told that it is there, and is made anew whenever anything
//! about it is doubtful: it ended, an answer took too long, a channel was taken away.
//!
//! Invariant: nothing that is needed later is kept in Redis only: devices are added again from memory after every connect
//! and from time to time.

mod connection;
mod message;
mod pace;
mod presence;
mod rates;
mod target;
mod trial;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use redis::{
    PushInfo, PushKind, RedisResult, Value,
    aio::{AsyncPushSender, SendError},
};
use semel_protocol::UserId;
use tokio::{
    sync::{Mutex as AsyncMutex, Notify},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

pub use self::target::Target;
use self::{
    connection::Connection,
    message::Said,
    pace::{Failure, Pace},
    presence::{Line, Presence},
};
use super::{Bus, DeviceNumber, Ear, Hints, State};
use crate::{limits::Used, telemetry::metrics::HINTS_DROPPED};

/// Channels, each with its part of the threads and people; a cluster spreads them over its nodes.
const CHANNELS: usize = 4;
/// From one message on a channel to the next: meanwhile hints gather and become fewer.
const GATHER: Duration = Duration::from_millis(10);
/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// How long an answer may take before the connection is given up.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long somebody who asks for presence waits.
const PRESENCE_MAX: Duration = Duration::from_millis(500);
/// How often the connection is tried.
const PING_INTERVAL: Duration = Duration::from_secs(1);
/// Devices that have gone and wait to be told. What is beyond ends by itself.
const WENT_MAX: usize = 10_000;
/// How long a device is taken for connected after its server spoke last.
const DEVICE_ENDS_AFTER: Duration = Duration::from_secs(15);

/// Whether there is a connection that is of use.
const CONNECTED: &str = "semel_bus_connected";
/// How long what is said takes to be heard.
const LAG: &str = "semel_bus_lag_seconds";

/// The bus over Redis.
pub struct RedisBus {
    target: Target,
    /// Names this run of this server.
    run: String,
    /// From here its clock runs.
    began: Instant,
    ends_after: Duration,
    out: Mutex<Out>,
    came: Notify,
    /// Held while devices are read from `out` and told: what was read first is told first.
    telling: AsyncMutex<()>,
    link: Mutex<Option<Link>>,
    /// Whether the link counts as one.
    is_good: AtomicBool,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
struct Link {
    connection: Connection,
    names: Names,
    presence: Arc<Presence>,
}

/// What others are to be told.
#[derive(Default)]
struct Out {
    hints: Hints,
    /// All devices of this server.
    devices: BTreeMap<DeviceNumber, Line>,
    /// Those that were not told yet; who went meanwhile is told to have come, and gone.
    came: BTreeSet<Line>,
    went: BTreeSet<Line>,
}

impl std::fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBus")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl RedisBus {
    /// A bus that connects when it is started. The seed is random: it tells this run from all others.
    pub fn new(target: Target, seed: u128) -> Arc<Self> {
        Self::with(target, seed, DEVICE_ENDS_AFTER)
    }

    /// The same, with another time after which devices of a dead server are taken for gone.
    pub fn with(target: Target, seed: u128, ends_after: Duration) -> Arc<Self> {
        Arc::new(Self {
            target,
            run: format!("{seed:032x}"),
            began: Instant::now(),
            ends_after,
            out: Mutex::default(),
            came: Notify::new(),
            telling: AsyncMutex::default(),
            link: Mutex::default(),
            is_good: AtomicBool::new(false),
        })
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self) -> MutexGuard<'_, Option<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects again and again, as long as somebody listens.
    async fn keep_connected(bus: Weak<Self>, names: Names, ear: Weak<dyn Ear>) {
        let mut pace = Pace::new();
        while let Some(this) = bus.upgrade() {
            let ended = Arc::new(Notify::new());
            let opened = timeout(CONNECT_MAX * 2, this.open(&names, &ear, &ended)).await;
            let pause = match opened {
                Ok(Ok(link)) => {
                    *this.link() = Some(link.clone());
                    match ear.upgrade() {
                        Some(ear) => ear.connected(),
                        None => return,
                    }
                    let began = Instant::now();
                    let failure = this.work(link, &ended, &mut pace).await;
                    *this.link() = None;
                    this.counts(false);
                    pace.ended(&failure, began.elapsed())
                }
                Ok(Err(error)) => pace.failed(&error.into()),
                Err(_) => pace.failed(&Failure::Away("it does not answer".to_owned())),
            };
            drop(this);
            sleep(pause).await;
        }
    }

    /// Whether there is a connection that is of use, from now on.
    fn counts(&self, is_good: bool) {
        self.is_good.store(is_good, SeqCst);
        metrics::gauge!(CONNECTED).set(u8::from(is_good));
    }

    async fn open(
        &self,
        names: &Names,
        ear: &Weak<dyn Ear>,
        ended: &Arc<Notify>,
    ) -> RedisResult<Link> {
        let pushes = Pushes {
            run: self.run.clone(),
            began: self.began,
            ear: ear.clone(),
            ended: ended.clone(),
        };
        let mut connection = self.target.connect(pushes).await?;
        let channels: Vec<String> = (0..CHANNELS).map(|n| names.channel(n)).collect();
        connection.subscribe(&channels).await?;
        self.try_out(&mut connection, names).await?;
        Ok(Link {
            connection,
            names: names.clone(),
            presence: Arc::new(Presence::new(names.clone(), self.ends_after)),
        })
    }

    async fn try_out(&self, connection: &mut Connection, names: &Names) -> RedisResult<()> {
        trial::try_out(connection, names, &self.run, micros(self.began)).await
    }

    /// Works over a connection until it is of no use. Why.
    async fn work(&self, mut link: Link, ended: &Notify, pace: &mut Pace) -> Failure {
        let every = |period| {
            let mut timer = interval(period);
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            timer
        };
        // The first tick comes at once: all devices are added.
        let mut prolong = every(self.ends_after / 3);
        let mut sweep = every(self.ends_after / 5);
        let mut ping = every(PING_INTERVAL);
        let (mut is_due, mut next) = (true, Instant::now());
        let (mut is_on_probation, ends) = (true, next + pace.probation());
        loop {
            let done = tokio::select! {
                () = ended.notified() => return Failure::Away("the connection ended".to_owned()),
                () = sleep_until(ends), if is_on_probation => {
                    is_on_probation = false;
                    tracing::info!(target = ?self.target, "connected to the bus");
                    pace.is_good();
                    self.counts(true);
                    Ok(())
                }
                () = self.came.notified() => {
                    is_due = true;
                    Ok(())
                }
                () = sleep_until(next), if is_due => {
                    (is_due, next) = (false, Instant::now() + GATHER);
                    self.tell_all(&mut link).await
                }
                _ = prolong.tick() => self.prolong_all(&mut link).await,
                _ = sweep.tick() => link.presence.sweep(&mut link.connection).await,
                _ = ping.tick() => redis::cmd("PING").exec_async(&mut link.connection).await,
            };
            if let Err(error) = done {
                return error.into();
            }
        }
    }

    /// Tells again of all who are here. If they are none, a connection that is of no use any more is found out all the same.
    async fn prolong_all(&self, link: &mut Link) -> RedisResult<()> {
        self.try_out(&mut link.connection, &link.names).await?;
        let _turn = self.telling.lock().await;
        let all: Vec<Line> = self.out().devices.values().cloned().collect();
        link.presence.come(&mut link.connection, all).await
    }

    /// Tells what waits.
    async fn tell_all(&self, link: &mut Link) -> RedisResult<()> {
        let _turn = self.telling.lock().await;
        let (hints, came, went) = {
            let mut out = self.out();
            let came = std::mem::take(&mut out.came);
            let went = std::mem::take(&mut out.went);
            (std::mem::take(&mut out.hints), came, went)
        };
        let told = self.tell_some(link, &hints, &came, &went).await;
        if told.is_err() {
            // Later they are still of use. Whoever is still here is added anyway.
            let mut out = self.out();
            out.hints.merge(hints);
            out.came.extend(came.intersection(&went).cloned());
            out.went.extend(went);
        }
        told
    }

    async fn tell_some(
        &self,
        link: &mut Link,
        hints: &Hints,
        came: &BTreeSet<Line>,
        went: &BTreeSet<Line>,
    ) -> RedisResult<()> {
        self.tell_hints(link, hints.clone()).await?;
        let (came, went) = (came.iter().cloned(), went.iter().cloned());
        link.presence.come(&mut link.connection, came).await?;
        link.presence.go(&mut link.connection, went).await
    }

    async fn tell_hints(&self, link: &Link, hints: Hints) -> RedisResult<()> {
        if hints.is_empty() {
            return Ok(());
        }
        let tell = hints.split(CHANNELS).into_iter().enumerate();
        let tell = tell
            .filter(|(_, hints)| !hints.is_empty())
            .map(|(n, hints)| {
                let message = message::encode(&self.run, micros(self.began), hints);
                let mut connection = link.connection.clone();
                let channel = link.presence.channel(n);
                async move {
                    let mut tell = redis::cmd("SPUBLISH");
                    tell.arg(channel).arg(message);
                    tell.exec_async(&mut connection).await
                }
            });
        try_join_all(tell).await?;
        Ok(())
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn start(self: Arc<Self>, incarnation: &str, ear: Weak<dyn Ear>) {
        let names = Names(incarnation.to_owned());
        self.counts(false);
        tokio::spawn(Self::keep_connected(Arc::downgrade(&self), names, ear));
    }

    fn tell(&self, hints: Hints) {
        let dropped = self.out().hints.merge(hints);
        if dropped > 0 {
            metrics::counter!(HINTS_DROPPED).increment(dropped as u64);
        }
        self.came.notify_one();
    }

    fn came(&self, device: DeviceNumber, who: &UserId) {
        {
            let mut out = self.out();
            let line = Line::new(&self.run, device, who);
            out.devices.insert(device, line.clone());
            out.came.insert(line);
        }
        self.came.notify_one();
    }

    fn went(&self, device: DeviceNumber) -> bool {
        let is_connected = self.link().is_some();
        {
            let mut out = self.out();
            let Some(line) = out.devices.remove(&device) else {
                return false;
            };
            let is_full = out.went.len() >= WENT_MAX;
            // Of one that came while nobody could be told, or is too much, nobody elsewhere ever knows.
            if (is_full || !is_connected) && out.came.remove(&line) {
                return false;
            }
            if !is_full {
                out.went.insert(line);
            }
        }
        self.came.notify_one();
        is_connected
    }

    async fn presence(&self, whom: &[UserId]) -> Option<Vec<State>> {
        let mut link = self.link().clone()?;
        let states = link.presence.states(&mut link.connection, whom);
        timeout(PRESENCE_MAX, states).await.ok()?.ok()
    }

    async fn share(&self, used: &[Used]) -> Option<Vec<u64>> {
        let mut link = self.link().clone()?;
        rates::share(&mut link.connection, &link.names, used)
            .await
            .ok()
    }

    fn is_connected(&self) -> Option<bool> {
        Some(self.is_good.load(SeqCst))
    }

    async fn close(&self) {
        {
            // Those that would not go are not connected here any more, as soon as the process ends.
            let mut out = self.out();
            let left = std::mem::take(&mut out.devices);
            out.went.extend(left.into_values());
            out.came.clear();
        }
        let link = self.link().clone();
        if let Some(mut link) = link {
            let told = timeout(ANSWER_MAX, self.tell_all(&mut link)).await;
            if !matches!(told, Ok(Ok(()))) {
                tracing::info!("not everything was told to other servers");
            }
        }
    }
}

/// How channels and keys are called. What is in braces decides on which node of a cluster they are.
#[derive(Clone, Debug)]
struct Names(String);

impl Names {
    fn channel(&self, n: usize) -> String {
        self.key(n, "bus")
    }

    fn key(&self, n: usize, what: &str) -> String {
        format!("semel:{{{}:{n}}}:{what}", self.0)
    }
}

/// Takes what Redis says by itself, on the task of the connection.
struct Pushes {
    run: String,
    began: Instant,
    ear: Weak<dyn Ear>,
    ended: Arc<Notify>,
}

impl Pushes {
    /// This server hears what it says itself: how long that took, it takes for the others as well.
    fn note_lag(&self, at: u64) {
        let took = Duration::from_micros(micros(self.began).saturating_sub(at));
        metrics::histogram!(LAG).record(took.as_secs_f64());
    }
}

fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}

impl AsyncPushSender for Pushes {
    fn send(&self, info: PushInfo) -> Result<(), SendError> {
        match info.kind {
            PushKind::SMessage => {
                let payload = match info.data.get(1) {
                    Some(Value::BulkString(bytes)) => bytes.as_slice(),
                    Some(Value::SimpleString(text)) => text.as_bytes(),
                    _ => return Ok(()),
                };
                match message::read(payload, &self.run) {
                    Some(Said::Own(at)) => self.note_lag(at),
                    Some(Said::News(hints, states)) => {
                        if let Some(ear) = self.ear.upgrade() {
                            if !hints.is_empty() {
                                ear.hints(hints);
                            }
                            for state in states {
                                ear.state(state);
                            }
                        }
                    }
                    None => {}
                }
            }
            // A node gave the channel away, or ended: another connection finds where it is now.
            PushKind::SUnsubscribe | PushKind::Disconnection => self.ended.notify_one(),
            _ => {}
        }
        Ok(())
    }
}
