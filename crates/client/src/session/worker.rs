//! The task behind a session.

mod log;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use semel_protocol::{
    Rev, ThreadId, limits,
    message::SendResult,
    requests::StartConversation,
    socket::{Ack, Closing, SendOne, from_client, from_server},
    sync::SyncRequest,
    thread::StartConversationResult,
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{Command, Counters, Note, SendError, SessionOptions, Stored, Waiter};
use crate::{
    Api, ConnectError, Destination, Event, Incoming, Payload, Timeline, Transport,
    outbox::{Item, Outbox},
};

/// First pause before connecting again, in milliseconds; each further one is twice as long.
const PAUSE_MILLIS_MIN: u64 = 50;
/// Longest pause before connecting again, in milliseconds.
const PAUSE_MILLIS_MAX: u64 = 5_000;
/// Pause before sending again what was refused for now, when the server does not say how long, in milliseconds.
const RETRY_MILLIS_DEFAULT: u64 = 200;

/// Why a connection is over.
enum End {
    /// Come back after this time.
    Broken(Option<Duration>),
    /// The server keeps us out.
    KeptOut(String),
    /// The owner wants no more.
    Stopped,
}

pub(crate) struct Worker {
    options: SessionOptions,
    api: Api,
    notes: mpsc::Sender<Note>,
    counters: Arc<Counters>,
    outbox: Outbox<Waiter>,
    timelines: HashMap<ThreadId, Timeline>,
    /// Threads known to have entries up to this rev that we do not have.
    behind: BTreeMap<ThreadId, Rev>,
    since: Option<u64>,
    incarnation: Option<String>,
    /// Number of the `sync` that is being answered.
    syncing: Option<u64>,
    retry_at: Option<Instant>,
}

pub(super) async fn run(
    options: SessionOptions,
    mut commands: mpsc::Receiver<Command>,
    notes: mpsc::Sender<Note>,
    counters: Arc<Counters>,
) {
    let mut worker = Worker {
        api: Api::new(options.address.clone(), &options.token),
        options,
        notes,
        counters,
        outbox: Outbox::default(),
        timelines: HashMap::new(),
        behind: BTreeMap::new(),
        since: None,
        incarnation: None,
        syncing: None,
        retry_at: None,
    };
    let mut failures = 0;
    loop {
        let end = match worker.connect().await {
            Ok(mut transport) => {
                failures = 0;
                let end = worker.stay(&mut transport, &mut commands).await;
                if matches!(end, End::Stopped) {
                    transport.close().await;
                }
                worker.note(Note::Disconnected).await;
                end
            }
            Err(ConnectError::Refused { code, message })
                if code.is_none_or(|code| !code.is_retryable()) =>
            {
                End::KeptOut(message)
            }
            Err(_) => End::Broken(None),
        };
        worker.outbox.disconnected();
        worker.retry_at = None;
        match end {
            End::Broken(wait) => {
                let pause = wait.unwrap_or_else(|| worker.pause(failures));
                failures += 1;
                if !worker.rest(pause, &mut commands).await {
                    return;
                }
            }
            End::KeptOut(reason) => return worker.note(Note::Refused(reason)).await,
            End::Stopped => return,
        }
    }
}

impl Worker {
    async fn connect(&self) -> Result<Transport, ConnectError> {
        let options = &self.options;
        Transport::connect(&options.address, &options.token, Some(&options.device_id)).await
    }

    /// Waits before connecting again. False when the owner wants no more.
    async fn rest(&mut self, pause: Duration, commands: &mut mpsc::Receiver<Command>) -> bool {
        let end = Instant::now() + pause;
        loop {
            let command = tokio::select! {
                command = commands.recv() => command,
                () = sleep_until(end) => return true,
            };
            match command {
                Some(Command::Send(destination, client_id, content, waiter)) => {
                    let item = Item {
                        client_id,
                        content,
                        attempts: 0,
                        waiter,
                    };
                    self.outbox.push(destination, item);
                }
                Some(Command::Cut) => {}
                Some(Command::Stop) | None => return false,
            }
        }
    }

    /// Doubles with every failure, and is spread over half of itself so that not all come back at once.
    fn pause(&self, failures: u32) -> Duration {
        let longest = PAUSE_MILLIS_MIN
            .saturating_mul(1 << failures.min(10))
            .min(PAUSE_MILLIS_MAX);
        let spread = self.options.seed.rotate_left(failures * 7) % (longest / 2 + 1);
        Duration::from_millis(longest - spread)
    }

    async fn stay(
        &mut self,
        transport: &mut Transport,
        commands: &mut mpsc::Receiver<Command>,
    ) -> End {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        self.note(Note::Connected).await;
        if self.ask_sync(transport, None).await.is_err() {
            return End::Broken(None);
        }
        loop {
            if self.pump(transport).await.is_err() {
                return End::Broken(None);
            }
            let far = Instant::now() + Duration::from_hours(1);
            let retry_at = self.retry_at.unwrap_or(far);
            let step = tokio::select! {
                command = commands.recv() => self.obey(command),
                incoming = transport.next() => match incoming {
                    Ok(incoming) => self.take(incoming, transport).await,
                    Err(_) => Err(End::Broken(None)),
                },
                () = sleep_until(retry_at) => {
                    self.retry_at = None;
                    self.outbox.retry();
                    Ok(())
                }
            };
            if let Err(end) = step {
                // What was enqueued before a cut is on its way when the connection breaks.
                let _ = self.pump(transport).await;
                return end;
            }
        }
    }

    fn obey(&mut self, command: Option<Command>) -> Result<(), End> {
        match command {
            Some(Command::Send(destination, client_id, content, waiter)) => {
                let item = Item {
                    client_id,
                    content,
                    attempts: 0,
                    waiter,
                };
                self.outbox.push(destination, item);
                Ok(())
            }
            Some(Command::Cut) => Err(End::Broken(Some(Duration::ZERO))),
            Some(Command::Stop) | None => Err(End::Stopped),
        }
    }

    /// Writes every message that may go now.
    async fn pump(&mut self, transport: &mut Transport) -> Result<(), crate::TransportError> {
        let mut wrote = false;
        while let Some((destination, item)) = self.outbox.next() {
            item.attempts += 1;
            let id = feed(transport, destination, item).await?;
            self.outbox.sent(id);
            self.counters.attempts.fetch_add(1, Ordering::Relaxed);
            wrote = true;
        }
        if wrote {
            transport.flush().await
        } else {
            Ok(())
        }
    }

    async fn take(&mut self, incoming: Incoming, transport: &mut Transport) -> Result<(), End> {
        match incoming {
            Incoming::Ack { id, payload } if self.syncing == Some(id) => {
                self.take_sync(&payload, transport).await
            }
            Incoming::Ack { id, payload } => {
                self.take_answer(id, &payload);
                Ok(())
            }
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

    fn take_answer(&mut self, id: u64, payload: &Payload) {
        if !self.outbox.knows(id) {
            return;
        }
        let answer = read_answer(payload);
        if let Err(SendError::Refused(problem)) = &answer
            && problem.code.is_retryable()
        {
            let wait =
                Duration::from_millis(problem.retry_after_ms.unwrap_or(RETRY_MILLIS_DEFAULT));
            self.outbox.pause(id);
            self.retry_at.get_or_insert(Instant::now() + wait);
            return;
        }
        if let Some(item) = self.outbox.settle(id) {
            let attempts = item.attempts;
            // The sender may have gone; the message is stored all the same.
            let _ = item
                .waiter
                .send(answer.map(|stored| Stored { attempts, ..stored }));
        }
    }

    async fn ask_sync(
        &mut self,
        transport: &mut Transport,
        cursor: Option<String>,
    ) -> Result<(), crate::TransportError> {
        let known = self.timelines.iter().take(limits::SYNC_THREADS_MAX);
        let request = SyncRequest {
            threads: known
                .map(|(id, timeline)| (*id, timeline.cursor()))
                .collect(),
            since: self.since,
            incarnation: self.incarnation.clone(),
            cursor,
        };
        self.syncing = Some(transport.emit(from_client::SYNC, &request).await?);
        Ok(())
    }

    async fn note(&self, note: Note) {
        // Whoever reads no notes any more wants no news.
        let _ = self.notes.send(note).await;
    }
}

async fn feed(
    transport: &mut Transport,
    destination: Destination,
    item: &Item<Waiter>,
) -> Result<u64, crate::TransportError> {
    let (client_id, content) = (item.client_id, item.content.clone());
    match destination {
        Destination::Thread(thread_id) => {
            let attachments = Vec::new();
            let (kind, reply_to) = (None, None);
            let send = SendOne {
                thread_id,
                client_id,
                content,
                kind,
                reply_to,
                attachments,
            };
            transport.feed(from_client::MESSAGE_SEND, &send).await
        }
        Destination::People {
            participants,
            thread_type,
        } => {
            let start = StartConversation {
                participants,
                message_content: content,
                thread_type: Some(thread_type),
                title: None,
                client_id: Some(client_id),
                distinct: None,
            };
            transport.feed(from_client::MESSAGE_SEND, &start).await
        }
    }
}

fn read_answer(payload: &Payload) -> Result<Stored, SendError> {
    if payload.as_str().contains("\"is_existing_thread\":")
        && let Ok(result) = read::<StartConversationResult>(payload)
    {
        return Ok(Stored {
            message: result.message,
            is_duplicate: None,
            is_existing_thread: Some(result.is_existing_thread),
            attempts: 0,
        });
    }
    let result = read::<SendResult>(payload)?;
    Ok(Stored {
        message: result.message,
        is_duplicate: Some(result.duplicate),
        is_existing_thread: None,
        attempts: 0,
    })
}

fn read<T: DeserializeOwned>(payload: &Payload) -> Result<T, SendError> {
    match payload.parse::<Ack<T>>() {
        Ok(Ack::Success { data }) => Ok(data),
        Ok(Ack::Error { error }) => Err(SendError::Refused(error)),
        Err(error) => Err(SendError::Unexpected(error.to_string())),
    }
}

fn kept_out(payload: &Payload) -> End {
    match payload.parse::<Closing>() {
        Ok(Closing {
            retry_after_ms: Some(millis),
            ..
        }) => End::Broken(Some(Duration::from_millis(millis))),
        Ok(Closing { code, .. }) => End::KeptOut(code.to_string()),
        Err(_) => End::Broken(None),
    }
}
