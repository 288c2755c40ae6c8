//! Measures what people wait for: two who have nothing to do with the load, one of whom listens at every server.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use semel_client::{Address, Api, IdMaker, NewThread, Note, Notes, Session, SessionOptions};
use semel_protocol::{
    ClientId, DeviceId, ThreadId, ThreadType, UserId,
    entry::EntryBody,
    requests::{CreateOrGet, SendMessage},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use crate::{faults::until, now, random, token};

/// Time in which what one server commits is told by the others without much load, as long as Redis is there: a fraction of the
/// pause between two looks into the database, by which it comes without.
const USUAL: Duration = Duration::from_millis(500);
/// Messages in a row that have to arrive in that time.
const IN_A_ROW: usize = 6;
/// Pause after a message that was not acknowledged.
const AGAIN: Duration = Duration::from_millis(25);
/// Time for one attempt.
const ATTEMPT_MAX: Duration = Duration::from_secs(2);
/// Time after which nobody waits any longer.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Stopwatch {
    addresses: Vec<Address>,
    speaker: String,
    thread: ThreadId,
    ids: IdMaker,
    /// One at each server.
    listeners: Vec<Listener>,
    /// How late the others told it, at most, when nothing was wrong.
    usual: Duration,
}

struct Listener {
    heard: Arc<Heard>,
    _session: Session,
}

#[derive(Default)]
struct Heard {
    messages: Mutex<Vec<(ClientId, Instant)>>,
    came: Notify,
}

impl Heard {
    fn when(&self, id: ClientId) -> Option<Instant> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let found = messages.iter().rev().find(|(other, _)| *other == id);
        found.map(|(_, at)| *at)
    }

    async fn wait_for(&self, id: ClientId) -> Instant {
        loop {
            let came = self.came.notified();
            if let Some(at) = self.when(id) {
                return at;
            }
            came.await;
        }
    }
}

impl Stopwatch {
    /// Begins with servers that are well. The addresses are those of the servers themselves.
    pub(super) async fn start(addresses: Vec<Address>) -> io::Result<Self> {
        let (speaker, hearer) = ("stopwatch-speaks", "stopwatch-hears");
        let failed = |error| io::Error::other(format!("the stopwatch does not start: {error}"));
        let api = |name: &str| Api::new(addresses[0].clone(), &token(name));
        api(hearer)
            .get::<serde_json::Value>("/api/users/me")
            .await
            .map_err(failed)?;
        let body = CreateOrGet {
            participants: vec![UserId::parse(hearer).map_err(io::Error::other)?],
            thread_type: Some(ThreadType::Direct),
            title: None,
            distinct: None,
            client_id: None,
        };
        let made = api(speaker).create_or_get(&body).await.map_err(failed)?;
        let thread = made.data.thread.id;
        let listeners = addresses.iter().enumerate();
        let listeners = listeners.map(|(number, address)| listen(address, number, hearer, thread));
        let mut stopwatch = Self {
            listeners: listeners.collect(),
            speaker: speaker.to_owned(),
            thread,
            ids: IdMaker::new(random()),
            addresses,
            usual: USUAL,
        };
        stopwatch.delivery_back(Instant::now()).await?;
        Ok(stopwatch)
    }

    /// How long after `since` every server has acknowledged something that was written after it.
    pub(super) async fn writes_back(&mut self, since: Instant) -> io::Result<Duration> {
        for server in 0..self.addresses.len() {
            self.write(server).await?;
        }
        Ok(since.elapsed())
    }

    /// While nothing is wrong: under this load, that late is usual.
    pub(super) async fn look_at_usual(&mut self) -> io::Result<()> {
        self.usual = USUAL;
        for number in 0..IN_A_ROW {
            let (acknowledged, last) = self.tell(number).await?;
            self.usual = self.usual.max(last - acknowledged);
        }
        Ok(())
    }

    /// How long after `since` what servers commit began to be told by the others as fast as usual, and went on so.
    pub(super) async fn delivery_back(&mut self, since: Instant) -> io::Result<Duration> {
        let begun = Instant::now();
        let (mut first, mut in_a_row) = (None, 0);
        let mut late = Duration::ZERO;
        while in_a_row < IN_A_ROW {
            if begun.elapsed() > PATIENCE {
                let usual = self.usual;
                let why = format!(
                    "what one server commits is told by the others {late:?} later, and not {usual:?} as before"
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            let (acknowledged, last) = self.tell(in_a_row).await?;
            if last - acknowledged > self.usual {
                late = last - acknowledged;
                (first, in_a_row) = (None, 0);
                continue;
            }
            first.get_or_insert(last);
            in_a_row += 1;
        }
        Ok(first.map_or(Duration::ZERO, |first| {
            first.saturating_duration_since(since)
        }))
    }

    /// One message: when it was acknowledged, and when the last of the servers had told it.
    async fn tell(&mut self, number: usize) -> io::Result<(Instant, Instant)> {
        let (id, acknowledged) = self.write(number % self.addresses.len()).await?;
        let mut last = acknowledged;
        for listener in &self.listeners {
            let heard = timeout(PATIENCE, listener.heard.wait_for(id)).await;
            last = last.max(heard.unwrap_or_else(|_| Instant::now()));
        }
        Ok((acknowledged, last))
    }

    /// Writes something to a server until it is acknowledged: which, and when that was.
    async fn write(&mut self, server: usize) -> io::Result<(ClientId, Instant)> {
        let mut made = None;
        let ids = &mut self.ids;
        let (address, thread) = (&self.addresses[server], self.thread);
        let token = token(&self.speaker);
        let is_acknowledged = async || {
            // A message of its own each time: it is told when it is committed, whenever that is.
            let body = SendMessage {
                client_id: ids.next(now()),
                content: "how late is it".to_owned(),
                kind: None,
                reply_to: None,
                attachments: vec![],
            };
            let api = Api::new(address.clone(), &token);
            let sent = timeout(ATTEMPT_MAX, api.send(thread, &body, None)).await;
            let is_acknowledged = matches!(sent, Ok(Ok(_)));
            if is_acknowledged {
                made = Some((body.client_id, Instant::now()));
            } else {
                sleep(AGAIN).await;
            }
            is_acknowledged
        };
        until("a server acknowledges again", PATIENCE, is_acknowledged).await?;
        made.ok_or_else(|| io::Error::other("nothing was written"))
    }
}

fn listen(address: &Address, number: usize, hearer: &str, thread: ThreadId) -> Listener {
    let (session, notes) = Session::start(SessionOptions::to(
        address,
        token(hearer),
        DeviceId(format!("at-{number}")),
        NewThread::WholeLog,
        random() as u64,
    ));
    let heard = Arc::<Heard>::default();
    tokio::spawn(take(notes, thread, Arc::clone(&heard)));
    Listener {
        heard,
        _session: session,
    }
}

async fn take(mut notes: Notes, thread: ThreadId, heard: Arc<Heard>) {
    while let Some(note) = notes.recv().await {
        let Note::Entry(entry) = note else { continue };
        if entry.thread_id == thread
            && let EntryBody::Message { message } = entry.body
            && let Some(id) = message.client_id
        {
            let mut messages = heard
                .messages
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            messages.push((id, Instant::now()));
            drop(messages);
            heard.came.notify_waiters();
        }
    }
}
