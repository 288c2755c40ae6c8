//! A device that stays: it comes back after every loss of connection, keeps every thread's log whole, and sends each
//! message until it is acknowledged. What it keeps in its [`Store`] lets another session go on where this one ended.

mod worker;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use semel_protocol::{ClientId, DeviceId, Entry, Message, Problem, Rev, ThreadId};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::AbortHandle,
};

use crate::{
    Address, Destination, Event, MemoryStore, Network, Outgoing, Sockets, Store, StoreError,
    Witness,
};

/// Messages that may wait to be taken up.
const COMMANDS_WAITING_MAX: usize = 1_024;
/// Notes that may wait to be read; beyond that the session reads no more from the server.
const NOTES_WAITING_MAX: usize = 4_096;

/// How to connect and what to fetch.
#[derive(Clone)]
pub struct SessionOptions {
    /// The way to the server.
    pub network: Arc<dyn Network>,
    /// Access token.
    pub token: String,
    /// This device's name for itself.
    pub device_id: DeviceId,
    /// What to fetch of a thread that the device does not hold.
    pub new_thread: NewThread,
    /// Spreads devices that come back at once.
    pub seed: u64,
    /// What outlives the session. A session on the store of an earlier one goes on where that one ended.
    pub store: Arc<dyn Store>,
    /// Who writes down what the session does and sees.
    pub witness: Option<Arc<dyn Witness>>,
}

impl SessionOptions {
    /// Over some network, with a fresh store and without a witness.
    pub fn new(
        network: Arc<dyn Network>,
        token: String,
        device_id: DeviceId,
        new_thread: NewThread,
        seed: u64,
    ) -> Self {
        Self {
            network,
            token,
            device_id,
            new_thread,
            seed,
            store: Arc::new(MemoryStore::new()),
            witness: None,
        }
    }

    /// To a server at an address.
    pub fn to(
        address: &Address,
        token: String,
        device_id: DeviceId,
        new_thread: NewThread,
        seed: u64,
    ) -> Self {
        let network = Arc::new(Sockets::new(address.clone()));
        Self::new(network, token, device_id, new_thread, seed)
    }
}

/// What to fetch of a thread that the device does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewThread {
    /// Every entry from the first that the person may see.
    WholeLog,
    /// The newest messages.
    Newest,
}

/// What happened, in order.
#[derive(Debug)]
pub enum Note {
    /// The connection is there.
    Connected,
    /// The connection is gone; the session comes back by itself.
    Disconnected,
    /// The next entry of a thread's log: exactly one for each rev.
    Entry(Box<Entry>),
    /// A thread's log begins anew, behind `head_rev`: forget it, and show these.
    Reset {
        /// Which.
        thread_id: ThreadId,
        /// Where the log goes on.
        head_rev: Rev,
        /// The newest messages as they are now, in seq order.
        messages: Vec<Message>,
    },
    /// The person is not in this thread any more.
    Left(ThreadId),
    /// A message whose sender does not wait any more, or was there before a crash, has its answer.
    Answered {
        /// Which.
        client_id: ClientId,
        /// What became of it.
        answer: Result<Box<Stored>, SendError>,
    },
    /// Any other event.
    Event(Event),
    /// The server keeps this device out, or its store failed, for this reason. The session is over.
    Refused(String),
}

/// The notes of a session. They must be read, or the session stands still.
pub type Notes = mpsc::Receiver<Note>;

/// An acknowledged message.
#[derive(Clone, Debug)]
pub struct Stored {
    /// As the server has it.
    pub message: Message,
    /// Whether an earlier attempt had stored it; only told for messages to a thread.
    pub is_duplicate: Option<bool>,
    /// Whether the thread was there before; only told for messages to people.
    pub is_existing_thread: Option<bool>,
    /// How often it was sent.
    pub attempts: u32,
}

/// Why a message was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// Refused for good.
    #[error("the server refused: {} ({})", .0.detail, .0.code)]
    Refused(Box<Problem>),
    /// The answer cannot be read; the message may be stored.
    #[error("the answer cannot be read: {0}")]
    Unexpected(String),
    /// The session ended first; the message may be stored, and the next session on the same store sends it again.
    #[error("the session is over")]
    Over,
}

/// What a session did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Messages written to a connection, repeats included.
    pub attempts: u64,
    /// Entries that arrived again and were ignored.
    pub repeats: u64,
    /// Fetches of missing entries.
    pub fetches: u64,
    /// Acknowledged messages that were offered again because the server was restored from a backup.
    pub offered_again: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    attempts: AtomicU64,
    repeats: AtomicU64,
    fetches: AtomicU64,
    offered_again: AtomicU64,
}

pub(crate) enum Command {
    Send(Outgoing, Waiter),
    /// The store failed.
    Fail(StoreError),
    Cut,
    Stop,
}

pub(crate) type Waiter = oneshot::Sender<Result<Stored, SendError>>;

/// A running session. It ends when this is dropped.
pub struct Session {
    commands: mpsc::Sender<Command>,
    counters: Arc<Counters>,
    store: Arc<dyn Store>,
    /// Held from keeping a message to handing it over: both happen in the same order.
    order: Mutex<()>,
    task: AbortHandle,
}

impl Session {
    /// Starts to connect.
    pub fn start(options: SessionOptions) -> (Self, Notes) {
        let (commands, waiting) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (told, notes) = mpsc::channel(NOTES_WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let store = Arc::clone(&options.store);
        let work = worker::run(options, waiting, told, Arc::clone(&counters));
        let session = Self {
            commands,
            counters,
            store,
            order: Mutex::new(()),
            task: tokio::spawn(work).abort_handle(),
        };
        (session, notes)
    }

    /// Puts a message into the outbox; the receiver has the answer. Messages to one destination are stored in the order
    /// of these calls. After this call the message is kept. One that was there before the session, with the same client
    /// id, is waited for and not sent twice.
    pub async fn enqueue(
        &self,
        destination: Destination,
        client_id: ClientId,
        content: String,
    ) -> oneshot::Receiver<Result<Stored, SendError>> {
        let (waiter, answer) = oneshot::channel();
        let message = Outgoing {
            client_id,
            destination,
            content,
        };
        let _order = self.order.lock().await;
        // If the session is over, the receiver says so.
        if let Ok(place) = self.commands.reserve().await {
            match self.store.keep(&message).await {
                Ok(()) => place.send(Command::Send(message, waiter)),
                Err(error) => place.send(Command::Fail(error)),
            }
        }
        answer
    }

    /// Sends a message until it is acknowledged or refused for good.
    pub async fn send(
        &self,
        destination: Destination,
        client_id: ClientId,
        content: String,
    ) -> Result<Stored, SendError> {
        let answer = self.enqueue(destination, client_id, content).await;
        answer.await.unwrap_or(Err(SendError::Over))
    }

    /// Breaks the connection without a goodbye, after what was enqueued before was written: for those who test.
    pub async fn cut(&self) {
        // A session that is over has no connection to cut.
        let _ = self.commands.send(Command::Cut).await;
    }

    /// Says goodbye and ends.
    pub async fn stop(self) {
        // A session that is over is stopped.
        let _ = self.commands.send(Command::Stop).await;
    }

    /// Ends at once, as if the program died: no goodbye, no notes, no outcomes. After this call nothing happens any more.
    pub async fn crash(&self) {
        self.task.abort();
        self.commands.closed().await;
    }

    /// What it did so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: read(&self.counters.connections),
            attempts: read(&self.counters.attempts),
            repeats: read(&self.counters.repeats),
            fetches: read(&self.counters.fetches),
            offered_again: read(&self.counters.offered_again),
        }
    }
}
