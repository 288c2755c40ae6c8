//! The task behind a session.
//!
//! Invariant: everything here follows from the options, what the network answers, and tokio's time: every `select!` has
//! an order, and no map is walked whose order is not its own.

mod log;
mod send;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use semel_protocol::{
    Rev, ThreadId, limits,
    socket::{Closing, from_client, from_server},
    sync::SyncRequest,
};
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{Command, Counters, Note, SessionOptions, Waiter};
use crate::{
    ConnectError, Event, Incoming, Link, Outcome, Payload, Timeline, TransportError,
    outbox::Outbox, store::StoreError,
};

/// First pause before connecting again, in milliseconds; each further one is twice as long.
const PAUSE_MILLIS_MIN: u64 = 50;
/// Longest pause before connecting again, in milliseconds.
const PAUSE_MILLIS_MAX: u64 = 5_000;
/// Longest wait that the server may ask for, in milliseconds.
const WAIT_MILLIS_MAX: u64 = 3_600_000;
/// Commands that are taken up between two looks at the connection.
const COMMANDS_IN_A_ROW_MAX: usize = 256;

/// Why a connection is over.
enum End {
    /// Come back after this time.
    Broken(Option<Duration>),
    /// The server keeps us out, or the store failed.
    KeptOut(String),
    /// The owner wants no more.
    Stopped,
}

/// What a connection does next.
enum Turn {
    Retry,
    Incoming(Result<Incoming, TransportError>),
    Command(Option<Command>),
}

pub(crate) struct Worker {
    options: SessionOptions,
    notes: mpsc::Sender<Note>,
    counters: Arc<Counters>,
    outbox: Outbox<Waiter>,
    timelines: BTreeMap<ThreadId, Timeline>,
    /// Threads known to have entries up to this rev that we do not have.
    behind: BTreeMap<ThreadId, Rev>,
    since: Option<u64>,
    incarnation: Option<String>,
    /// Number of the `sync` that is being answered.
    syncing: Option<u64>,
    /// Whether this connection's server has named its database. Nothing is sent before: after a restore, what was
    /// acknowledged before has to come first.
    is_named: bool,
    /// Connections in a row that did not come as far as a whole `sync`.
    failures: u32,
}

pub(super) async fn run(
    options: SessionOptions,
    mut commands: mpsc::Receiver<Command>,
    notes: mpsc::Sender<Note>,
    counters: Arc<Counters>,
) {
    let mut worker = match Worker::wake(options, notes.clone(), counters).await {
        Ok(worker) => worker,
        Err(error) => return drop(notes.send(Note::Refused(error.to_string())).await),
    };
    loop {
        let end = match worker.connect().await {
            Ok(mut link) => {
                let end = worker.stay(link.as_mut(), &mut commands).await;
                if matches!(end, End::Stopped) {
                    link.close().await;
                }
                worker.lose();
                worker.note(Note::Disconnected).await;
                end
            }
            Err(ConnectError::Refused { code, message, .. })
                if code.is_none_or(|code| !code.is_retryable()) =>
            {
                End::KeptOut(message)
            }
            Err(ConnectError::Refused { retry_after_ms, .. }) => {
                End::Broken(retry_after_ms.map(wait))
            }
            Err(_) => End::Broken(None),
        };
        let end = match end {
            End::Broken(wait) => {
                let pause = wait.unwrap_or_else(|| worker.pause(worker.failures));
                worker.failures += 1;
                worker.rest(pause, &mut commands).await
            }
            over => over,
        };
        match end {
            End::Broken(_) => {}
            End::KeptOut(reason) => return worker.note(Note::Refused(reason)).await,
            End::Stopped => return,
        }
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::KeptOut(error.to_string())
    }
}

impl Worker {
    /// Goes on from what was kept.
    async fn wake(
        options: SessionOptions,
        notes: mpsc::Sender<Note>,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let kept = options.store.load().await?;
        let mut outbox = Outbox::default();
        for message in kept.outgoing {
            outbox.push(message, None);
        }
        if let Some(witness) = &options.witness {
            for (thread_id, timeline) in &kept.timelines {
                let epoch = timeline.epoch().unwrap_or_default();
                witness.reset(*thread_id, epoch, timeline.head());
            }
        }
        Ok(Self {
            options,
            notes,
            counters,
            outbox,
            timelines: kept.timelines,
            behind: BTreeMap::new(),
            since: kept.since,
            incarnation: kept.incarnation,
            syncing: None,
            is_named: false,
            failures: 0,
        })
    }

    async fn connect(&self) -> Result<Box<dyn Link>, ConnectError> {
        let options = &self.options;
        let connected = options.network.connect(&options.token, &options.device_id);
        connected.await
    }

    /// Nothing is on its way any more.
    fn lose(&mut self) {
        let lost = self.outbox.disconnected();
        if let Some(witness) = &self.options.witness {
            for attempt in lost {
                witness.outcome(attempt, Outcome::Lost);
            }
        }
        self.syncing = None;
        self.is_named = false;
    }

    /// Waits before connecting again, unless the session is over.
    async fn rest(&mut self, pause: Duration, commands: &mut mpsc::Receiver<Command>) -> End {
        let end = Instant::now() + pause;
        loop {
            // Time comes first: however much is enqueued, the session comes back.
            let command = tokio::select! {
                biased;
                () = sleep_until(end) => return End::Broken(None),
                command = commands.recv() => command,
            };
            match self.obey(command) {
                // There is no connection to cut.
                Ok(()) | Err(End::Broken(_)) => {}
                Err(over) => return over,
            }
        }
    }

    /// Doubles with every failure, and is spread over half of itself so that not all come back at once.
    fn pause(&self, failures: u32) -> Duration {
        let longest = PAUSE_MILLIS_MIN
            .saturating_mul(1 << failures.min(10))
            .min(PAUSE_MILLIS_MAX);
        let spread = self.options.seed.rotate_left(failures.wrapping_mul(7)) % (longest / 2 + 1);
        Duration::from_millis(longest - spread)
    }

    async fn stay(&mut self, link: &mut dyn Link, commands: &mut mpsc::Receiver<Command>) -> End {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        self.note(Note::Connected).await;
        if self.ask_sync(link, None).await.is_err() {
            return End::Broken(None);
        }
        loop {
            if self.pump(link).await.is_err() {
                return End::Broken(None);
            }
            let step = match self.next_turn(link, commands).await {
                Turn::Retry => {
                    self.outbox.retry(Instant::now());
                    Ok(())
                }
                Turn::Incoming(Ok(incoming)) => self.take(incoming, link).await,
                Turn::Incoming(Err(_)) => Err(End::Broken(None)),
                Turn::Command(command) => self.obey(command),
            };
            // Whatever came first, commands that wait are taken now: a busy connection must not keep them waiting, and
            // what they bring is written in one go.
            let step = step.and_then(|()| self.obey_waiting(commands));
            if let Err(end) = step {
                // What was enqueued before a cut is on its way when the connection breaks.
                let _ = self.pump(link).await;
                return end;
            }
        }
    }

    /// Time, then the connection, then commands. None of them starves: time passes seldom, and after every turn commands
    /// are looked at.
    async fn next_turn(&self, link: &mut dyn Link, commands: &mut mpsc::Receiver<Command>) -> Turn {
        let far = Instant::now() + Duration::from_hours(1);
        tokio::select! {
            biased;
            () = sleep_until(self.outbox.retry_at().unwrap_or(far)) => Turn::Retry,
            incoming = link.next() => Turn::Incoming(incoming),
            command = commands.recv() => Turn::Command(command),
        }
    }

    fn obey_waiting(&mut self, commands: &mut mpsc::Receiver<Command>) -> Result<(), End> {
        for _ in 0..COMMANDS_IN_A_ROW_MAX {
            match commands.try_recv() {
                Ok(command) => self.obey(Some(command))?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn obey(&mut self, command: Option<Command>) -> Result<(), End> {
        match command {
            Some(Command::Send(message, waiter)) => {
                if let Some(waiter) = self.outbox.claim(&message, waiter) {
                    self.outbox.push(message, Some(waiter));
                }
                Ok(())
            }
            Some(Command::Fail(error)) => Err(error.into()),
            Some(Command::Cut) => Err(End::Broken(Some(Duration::ZERO))),
            Some(Command::Stop) | None => Err(End::Stopped),
        }
    }

    async fn take(&mut self, incoming: Incoming, link: &mut dyn Link) -> Result<(), End> {
        match incoming {
            Incoming::Ack { id, payload } if self.syncing == Some(id) => {
                self.take_sync(&payload, link).await
            }
            Incoming::Ack { id, payload } => self.take_answer(id, &payload).await,
            Incoming::Event { name, payload } => match name.as_str() {
                from_server::ENTRY => self.take_entry(&payload).await,
                from_server::HEADS => self.take_heads(&payload).await,
                from_server::CLOSING => Err(kept_out(&payload)),
                _ => {
                    self.note(Note::Event(Event { name, payload })).await;
                    Ok(())
                }
            },
        }
    }

    async fn ask_sync(
        &mut self,
        link: &mut dyn Link,
        cursor: Option<String>,
    ) -> Result<(), TransportError> {
        let known = self.timelines.iter().take(limits::SYNC_THREADS_MAX);
        let request = SyncRequest {
            threads: known
                .map(|(id, timeline)| (*id, timeline.cursor()))
                .collect(),
            since: self.since,
            incarnation: self.incarnation.clone(),
            cursor,
        };
        self.syncing = Some(feed(link, from_client::SYNC, &request).await?);
        link.flush().await
    }

    async fn note(&self, note: Note) {
        // Whoever reads no notes any more wants no news.
        let _ = self.notes.send(note).await;
    }
}

async fn feed(
    link: &mut dyn Link,
    name: &str,
    argument: &impl Serialize,
) -> Result<u64, TransportError> {
    link.feed(name, &to_raw_value(argument)?).await
}

fn kept_out(payload: &Payload) -> End {
    match payload.parse::<Closing>() {
        Ok(Closing {
            retry_after_ms: Some(millis),
            ..
        }) => End::Broken(Some(wait(millis))),
        Ok(Closing { code, .. }) => End::KeptOut(code.to_string()),
        Err(_) => End::Broken(None),
    }
}

/// A wait that the server asked for.
fn wait(millis: u64) -> Duration {
    Duration::from_millis(millis.min(WAIT_MILLIS_MAX))
}
