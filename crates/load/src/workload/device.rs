//! A device: a session with a witness, and a store that outlives it.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use semel_client::{
    Destination, Event, MemoryStore, NewThread, Note, Notes, SendError, Session, SessionOptions,
    Stored,
};
use semel_protocol::{
    ClientId, DeviceId, Seq, ThreadId, UserId,
    socket::{Receipt, from_server},
};
use tokio::sync::{RwLock, oneshot};

use super::{places::Roaming, world::World};
use crate::record::{Level, SessionRecord};

pub(super) type Answer = oneshot::Receiver<Result<Stored, SendError>>;

pub(super) struct Device {
    world: Arc<World>,
    pub(super) person: usize,
    pub(super) name: String,
    number: usize,
    level: Level,
    store: Arc<MemoryStore>,
    life: RwLock<Life>,
}

struct Life {
    session: Session,
    record: Arc<SessionRecord>,
}

impl Device {
    pub(super) fn start(world: &Arc<World>, number: usize, person: usize, level: Level) -> Self {
        let name = format!("device-{number}");
        let store = Arc::new(MemoryStore::new());
        let life = begin(world, number, person, level, &store);
        Self {
            world: Arc::clone(world),
            person,
            name,
            number,
            level,
            store,
            life: RwLock::new(life),
        }
    }

    /// Writes a message into the outbox. Its answer comes as long as the client does not crash; afterwards it is sent
    /// all the same.
    pub(super) async fn write(
        &self,
        destination: Destination,
        client_id: ClientId,
        content: String,
    ) -> Answer {
        let life = self.life.read().await;
        life.session.enqueue(destination, client_id, content).await
    }

    /// Waits for the answer to what was written. None: it was refused, or the client crashed before.
    pub(super) async fn settle(&self, answer: Answer) -> Option<Stored> {
        let answer = answer.await.unwrap_or(Err(SendError::Over));
        settled(&self.world, &self.name, answer)
    }

    /// The client is killed and comes back, with what it had kept.
    pub(super) async fn crash(&self) {
        let mut life = self.life.write().await;
        life.session.crash().await;
        life.record.crashed();
        *life = begin(
            &self.world,
            self.number,
            self.person,
            self.level,
            &self.store,
        );
    }

    pub(super) async fn record(&self) -> Arc<SessionRecord> {
        Arc::clone(&self.life.read().await.record)
    }

    /// Messages without an answer.
    pub(super) fn waiting(&self) -> usize {
        self.store.kept().outgoing.len()
    }
}

fn begin(
    world: &Arc<World>,
    number: usize,
    person: usize,
    level: Level,
    store: &Arc<MemoryStore>,
) -> Life {
    let name = format!("device-{number}");
    let user = &world.people[person];
    let record = world.recorder.session_at(user, &name, level);
    let network = Arc::new(Roaming::new(Arc::clone(&world.places), number));
    let options = SessionOptions {
        store: Arc::clone(store) as _,
        witness: Some(Arc::clone(&record) as _),
        ..SessionOptions::new(
            network,
            world.token(person),
            DeviceId(name),
            NewThread::WholeLog,
            world.plan.seed ^ number as u64,
        )
    };
    let (session, notes) = Session::start(options);
    tokio::spawn(read(Arc::clone(world), Arc::clone(&record), notes));
    Life { session, record }
}

/// Counts an answer. Refusals are in the history.
fn settled(world: &World, device: &str, answer: Result<Stored, SendError>) -> Option<Stored> {
    match answer {
        Ok(stored) => {
            world.count_acknowledged();
            return Some(stored);
        }
        Err(SendError::Unexpected(text)) => {
            world.complain(format!(
                "{device} got an answer that cannot be read: {text}"
            ));
        }
        Err(SendError::Refused(_) | SendError::Over) => {}
    }
    None
}

/// What the application does with its notes: the witness has seen the entries already.
async fn read(world: Arc<World>, record: Arc<SessionRecord>, mut notes: Notes) {
    let mut shown = Shown::default();
    while let Some(note) = notes.recv().await {
        match note {
            Note::Connected => shown.connect(),
            Note::Event(event) => show(&record, &mut shown, &event),
            Note::Answered { answer, .. } => {
                let answer = answer.map(|stored| *stored);
                settled(&world, record.device(), answer);
            }
            Note::Refused(reason) => {
                let (user, device) = (record.user(), record.device());
                world.complain(format!("{device} of {user} is kept out: {reason}"));
            }
            _ => {}
        }
    }
}

fn show(record: &SessionRecord, shown: &mut Shown, event: &Event) {
    if event.name == from_server::READ
        && let Ok(receipt) = event.payload.parse::<Receipt>()
        && shown.is_news(&receipt)
    {
        record.position(&receipt.user_id, receipt.thread_id, receipt.seq);
    }
}

/// Read positions that a device shows. Another server may know less than the one before (P-READ-1): what was told over an
/// earlier connection holds until more is told. Over one connection every position is shown, so that one that goes back is seen.
#[derive(Default)]
struct Shown {
    before: FxHashMap<(ThreadId, UserId), Seq>,
    now: FxHashMap<(ThreadId, UserId), Seq>,
}

impl Shown {
    fn connect(&mut self) {
        for (seat, seq) in self.now.drain() {
            let before = self.before.entry(seat).or_default();
            *before = seq.max(*before);
        }
    }

    fn is_news(&mut self, receipt: &Receipt) -> bool {
        let seat = (receipt.thread_id, receipt.user_id.clone());
        let is_news = self.before.get(&seat).is_none_or(|seq| receipt.seq > *seq);
        self.now.insert(seat, receipt.seq);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_read_1_a_device_that_goes_to_another_server_keeps_the_greater_position() {
        let receipt = |seq| Receipt {
            thread_id: ThreadId(uuid::Uuid::nil()),
            user_id: UserId::parse("ann").unwrap(),
            seq,
        };
        let mut shown = Shown::default();
        shown.connect();
        assert!(shown.is_news(&receipt(88)));
        // The server itself must not do that: it is shown, and found.
        assert!(shown.is_news(&receipt(56)) && shown.is_news(&receipt(88)));
        shown.connect();
        assert!(!shown.is_news(&receipt(56)) && !shown.is_news(&receipt(88)));
        assert!(shown.is_news(&receipt(89)));
    }
}
