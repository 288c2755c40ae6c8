//! A device: a session with a witness, and an outbox that outlives it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use semel_client::{
    Destination, Event, NewThread, Note, Notes, SendError, Session, SessionOptions, Stored,
};
use semel_protocol::{
    ClientId, DeviceId,
    socket::{Receipt, from_server},
};
use tokio::{
    sync::{RwLock, oneshot},
    task::JoinHandle,
};

use super::{places::Roaming, world::World};
use crate::record::{Level, SessionRecord};

pub(super) type Answer = oneshot::Receiver<Result<Stored, SendError>>;

pub(super) struct Device {
    world: Arc<World>,
    pub(super) person: usize,
    pub(super) name: String,
    number: usize,
    level: Level,
    life: RwLock<Life>,
    /// What has no answer yet, in the order in which it was written.
    outbox: Mutex<Outbox>,
}

#[derive(Default)]
struct Outbox {
    written: u64,
    waiting: BTreeMap<u64, Letter>,
}

#[derive(Clone)]
struct Letter {
    client_id: ClientId,
    destination: Destination,
    content: String,
}

struct Life {
    session: Session,
    record: Arc<SessionRecord>,
    reader: JoinHandle<()>,
}

impl Device {
    pub(super) fn start(world: &Arc<World>, number: usize, person: usize, level: Level) -> Self {
        let name = format!("device-{number}");
        let life = begin(world, number, person, &name, level);
        Self {
            world: Arc::clone(world),
            person,
            name,
            number,
            level,
            life: RwLock::new(life),
            outbox: Mutex::default(),
        }
    }

    /// Writes a message into the outbox. Its answer comes as long as the client does not crash; afterwards it is sent
    /// all the same.
    pub(super) async fn write(
        &self,
        destination: Destination,
        client_id: ClientId,
        content: String,
    ) -> (u64, Answer) {
        let life = self.life.read().await;
        let letter = Letter {
            client_id,
            destination: destination.clone(),
            content: content.clone(),
        };
        let number = {
            let mut outbox = self.outbox();
            outbox.written += 1;
            let number = outbox.written;
            outbox.waiting.insert(number, letter);
            number
        };
        let answer = life.session.enqueue(destination, client_id, content).await;
        (number, answer)
    }

    /// Waits for the answer to what was written, and takes it out of the outbox. None: the client crashed before.
    pub(super) async fn settle(&self, number: u64, answer: Answer) -> Option<Stored> {
        match answer.await.unwrap_or(Err(SendError::Over)) {
            Ok(stored) => {
                self.outbox().waiting.remove(&number);
                self.world.count_acknowledged();
                Some(stored)
            }
            Err(SendError::Refused(_)) => {
                self.outbox().waiting.remove(&number);
                None
            }
            Err(SendError::Unexpected(text)) => {
                self.outbox().waiting.remove(&number);
                let name = &self.name;
                self.world
                    .complain(format!("{name} got an answer that cannot be read: {text}"));
                None
            }
            Err(SendError::Over) => None,
        }
    }

    /// The client is killed and comes back, with what was in its outbox.
    pub(super) async fn crash(self: &Arc<Self>) {
        let mut life = self.life.write().await;
        let next = begin(
            &self.world,
            self.number,
            self.person,
            &self.name,
            self.level,
        );
        let Life {
            session,
            record,
            reader,
        } = std::mem::replace(&mut *life, next);
        drop(session);
        // Nothing is sent any more once the session's notes have ended. The reader of the notes does not panic.
        let _ = reader.await;
        record.crashed();
        let waiting = self.outbox().waiting.clone();
        let mut answers = Vec::new();
        for (number, letter) in waiting {
            let Letter {
                client_id,
                destination,
                content,
            } = letter;
            let answer = life.session.enqueue(destination, client_id, content).await;
            answers.push((number, answer));
        }
        let device = Arc::clone(self);
        tokio::spawn(async move {
            for (number, answer) in answers {
                device.settle(number, answer).await;
            }
        });
    }

    pub(super) async fn record(&self) -> Arc<SessionRecord> {
        Arc::clone(&self.life.read().await.record)
    }

    /// Messages without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.outbox().waiting.len()
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(world: &Arc<World>, number: usize, person: usize, name: &str, level: Level) -> Life {
    let record = world
        .recorder
        .session_at(&world.people[person], name, level);
    let network = Arc::new(Roaming::new(Arc::clone(&world.places), number));
    let options = SessionOptions {
        witness: Some(Arc::clone(&record) as _),
        ..SessionOptions::new(
            network,
            world.token(person),
            DeviceId(name.to_owned()),
            NewThread::WholeLog,
            world.plan.seed ^ number as u64,
        )
    };
    let (session, notes) = Session::start(options);
    let reader = tokio::spawn(read(Arc::clone(world), Arc::clone(&record), notes));
    Life {
        session,
        record,
        reader,
    }
}

/// What the application does with its notes: the witness has seen the entries already.
async fn read(world: Arc<World>, record: Arc<SessionRecord>, mut notes: Notes) {
    while let Some(note) = notes.recv().await {
        match note {
            Note::Event(event) => show(&record, &event),
            Note::Refused(reason) => {
                let (user, device) = (record.user(), record.device());
                world.complain(format!("{device} of {user} is kept out: {reason}"));
            }
            _ => {}
        }
    }
}

fn show(record: &SessionRecord, event: &Event) {
    if event.name == from_server::READ
        && let Ok(receipt) = event.payload.parse::<Receipt>()
    {
        record.position(&receipt.user_id, receipt.thread_id, receipt.seq);
    }
}
