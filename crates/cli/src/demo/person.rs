//! Somebody of the log at a real device: says their lines one after another, and writes down what arrives.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use semel_client::{Address, Api, IdMaker, NewThread, Note, Notes, Session, SessionOptions};
use semel_protocol::{DeviceId, Entry, Rev, ThreadId, UserId};
use tokio::sync::watch;

/// One connected person.
pub(super) struct Person {
    pub(super) user_id: UserId,
    pub(super) session: Session,
    pub(super) api: Api,
    pub(super) ids: Mutex<IdMaker>,
    pub(super) seen: watch::Receiver<Seen>,
}

/// What arrived at one device.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By thread: rev and digest of each entry, as they came.
    pub(super) threads: HashMap<ThreadId, Vec<(Rev, u64)>>,
    /// Why the server keeps the device out.
    pub(super) refused: Option<String>,
    /// Logs that had to begin anew. In a demo none should.
    pub(super) resets: usize,
}

impl Seen {
    /// Last entry of a thread.
    pub(super) fn head(&self, thread: ThreadId) -> Rev {
        self.threads
            .get(&thread)
            .and_then(|log| log.last())
            .map_or(0, |(rev, _)| *rev)
    }

    /// Entries of all threads.
    pub(super) fn entries(&self) -> usize {
        self.threads.values().map(Vec::len).sum()
    }
}

impl Person {
    /// Connects.
    pub(super) fn start(address: &Address, token: &str, user_id: UserId, seed: u128) -> Arc<Self> {
        let options = SessionOptions::to(
            address,
            token.to_owned(),
            DeviceId(format!("demo-{seed:016x}").chars().take(40).collect()),
            NewThread::WholeLog,
            seed as u64,
        );
        let (session, notes) = Session::start(options);
        let (record, screen) = watch::channel(Seen::default());
        tokio::spawn(write_down(notes, record));
        Arc::new(Self {
            user_id,
            session,
            api: Api::new(address.clone(), token),
            ids: Mutex::new(IdMaker::new(seed)),
            seen: screen,
        })
    }

    /// A fresh client id.
    pub(super) fn next_id(&self, clock: &dyn semel_core::ports::Clock) -> semel_protocol::ClientId {
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next(clock.now())
    }
}

async fn write_down(mut notes: Notes, record: watch::Sender<Seen>) {
    while let Some(note) = notes.recv().await {
        match note {
            Note::Entry(entry) => {
                let line = (entry.rev, digest(&entry));
                record.send_modify(|seen| {
                    seen.threads.entry(entry.thread_id).or_default().push(line);
                });
            }
            Note::Reset { .. } => record.send_modify(|seen| seen.resets += 1),
            Note::Refused(reason) => record.send_modify(|seen| seen.refused = Some(reason)),
            Note::Connected
            | Note::Disconnected
            | Note::Left(_)
            | Note::Answered { .. }
            | Note::Event(_) => {}
        }
    }
}

/// Two entries with the same digest say the same.
pub(super) fn digest(entry: &Entry) -> u64 {
    let mut hasher = DefaultHasher::new();
    let text = serde_json::to_string(entry).expect("an entry is plain JSON");
    text.hash(&mut hasher);
    hasher.finish()
}
