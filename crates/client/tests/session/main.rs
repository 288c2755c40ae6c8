//! A session against a server in this process, in paused time: what it sends, when, and what it keeps.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod any;
mod crash;
mod sending;
mod witness;
mod world;

use std::sync::Arc;

use semel_client::{
    Destination, MemoryStore, NewThread, Note, Notes, SendError, Session, SessionOptions, Store,
    Stored,
};
use semel_protocol::{ClientId, DeviceId};
use tokio::sync::oneshot;
use uuid::Uuid;
use witness::Notebook;
use world::{THREAD, Way, World};

type Answer = oneshot::Receiver<Result<Stored, SendError>>;

/// One life of a device.
struct Life {
    session: Session,
    notes: Notes,
    seen: Arc<Notebook>,
}

fn begin(world: &Arc<World>, store: Arc<dyn Store>) -> Life {
    let seen = Arc::new(Notebook::default());
    let mut options = SessionOptions::new(
        Arc::new(Way(Arc::clone(world))),
        "token".to_owned(),
        DeviceId("phone".to_owned()),
        NewThread::WholeLog,
        11,
    );
    options.store = store;
    options.witness = Some(Arc::clone(&seen) as _);
    let (session, notes) = Session::start(options);
    Life {
        session,
        notes,
        seen,
    }
}

fn start(world: &Arc<World>) -> (Life, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    (begin(world, Arc::clone(&store) as _), store)
}

fn id_of(content: &str) -> ClientId {
    let bytes = content
        .bytes()
        .fold(1, |id, byte| id << 8 | u128::from(byte));
    ClientId(Uuid::from_u128(bytes))
}

impl Life {
    async fn enqueue(&self, content: &str) -> Answer {
        let to = Destination::Thread(THREAD);
        let client_id = id_of(content);
        self.session
            .enqueue(to, client_id, content.to_owned())
            .await
    }

    /// Enqueues all before the session can take them up.
    async fn enqueue_all(&self, contents: &[&str]) -> Vec<Answer> {
        let mut answers = vec![];
        for content in contents {
            answers.push(self.enqueue(content).await);
        }
        answers
    }

    async fn send(&self, content: &str) -> Stored {
        self.enqueue(content).await.await.unwrap().unwrap()
    }

    async fn next_note(&mut self, wanted: impl Fn(&Note) -> bool) -> Note {
        loop {
            let note = self.notes.recv().await.expect("the session goes on");
            if wanted(&note) {
                return note;
            }
        }
    }
}
