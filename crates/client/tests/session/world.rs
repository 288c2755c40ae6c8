//! A server in this process, with one thread, that does what it is told: the session's other side, in paused time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use semel_client::{ApiError, ConnectError, Incoming, Link, Network, Payload, TransportError};
use semel_protocol::{
    ClientId, Code, DeviceId, Entry, Message, MessageId, Problem, Thread, ThreadId, Timestamp,
    UserId,
    entry::{EntryBody, EntryPage},
    message::{MessageKind, MessagePage, SendResult},
    requests::SendMessage,
    socket::{Ack, Closing, SendBatch, SendOne, from_client, from_server},
    sync::{Cursor, SyncRequest, SyncResult, SyncThread},
    thread::{BatchItem, BatchResult, Preferences, ThreadSettings},
};
use serde::Serialize;
use serde_json::{json, value::RawValue};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use uuid::Uuid;

pub(crate) const THREAD: ThreadId = ThreadId(Uuid::from_u128(7));
/// Content that is refused for good.
pub(crate) const BAD: &str = "bad";
/// Content for which a whole batch is refused.
pub(crate) const POISON: &str = "poison";

/// What the server does with a `message:send`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Stores it and answers.
    Answer,
    /// Stores it, and the connection breaks before the answer.
    LoseAnswer,
    /// The connection breaks before it arrives.
    LoseRequest,
    /// Stores it and says nothing.
    Hush,
    /// Stores so many and refuses the next for now, for so many milliseconds.
    Busy(usize, Option<u64>),
}

#[derive(Default)]
pub(crate) struct World {
    state: Mutex<State>,
    /// How many sends arrived.
    pub(crate) arrived: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    log: Vec<Entry>,
    incarnation: u64,
    is_down: bool,
    /// Connections that are refused, one after the other, and for how many milliseconds.
    refusals: VecDeque<(Code, Option<u64>)>,
    script: VecDeque<Act>,
    /// A connection breaks when its line is taken out.
    links: Vec<(mpsc::UnboundedSender<Incoming>, watch::Sender<()>)>,
    packets: Vec<Packet>,
    connects: Vec<Instant>,
}

/// A `message:send` as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) at: Instant,
    pub(crate) contents: Vec<String>,
    pub(crate) client_ids: Vec<ClientId>,
}

impl World {
    pub(crate) fn new(script: impl IntoIterator<Item = Act>) -> Arc<Self> {
        let world = Arc::new(Self::default());
        world.state().script = script.into_iter().collect();
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().script = acts.into_iter().collect();
    }

    /// The words that are stored, in their order.
    pub(crate) fn stored(&self) -> Vec<String> {
        let messages = self.state().messages();
        messages.into_iter().map(|one| one.content).collect()
    }

    pub(crate) fn packets(&self) -> Vec<Packet> {
        self.state().packets.clone()
    }

    /// When it was connected to.
    pub(crate) fn connects(&self) -> Vec<Instant> {
        self.state().connects.clone()
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        let mut state = self.state();
        state.is_down = is_down;
        state.links.clear();
    }

    /// Breaks what is there, and refuses what comes: with this code, for so many milliseconds.
    pub(crate) fn refuse(&self, refusals: impl IntoIterator<Item = (Code, Option<u64>)>) {
        let mut state = self.state();
        state.refusals = refusals.into_iter().collect();
        state.links.clear();
    }

    /// Somebody else says something.
    pub(crate) fn say(&self, content: &str) {
        let client_id = ClientId(Uuid::from_u128(1 << 100 | self.state().log.len() as u128));
        self.state().store(client_id, content);
    }

    pub(crate) fn close(&self, retry_after_ms: Option<u64>) {
        let closing = Closing {
            code: Code::ShuttingDown,
            retry_after_ms,
        };
        self.state().push(from_server::CLOSING, &closing);
    }

    /// Is what it was when there were so many messages, in another incarnation.
    pub(crate) fn restore(&self, messages: usize) {
        let mut state = self.state();
        state.links.clear();
        state.log.truncate(messages);
        state.incarnation += 1;
        let epoch = state.incarnation;
        for entry in &mut state.log {
            entry.epoch = epoch;
        }
    }
}

impl State {
    fn messages(&self) -> Vec<Message> {
        let message = |entry: &Entry| match &entry.body {
            EntryBody::Message { message } => Some(message.clone()),
            _ => None,
        };
        self.log.iter().filter_map(message).collect()
    }

    fn push(&mut self, name: &str, data: &impl Serialize) {
        for (link, _) in &self.links {
            let incoming = Incoming::Event {
                name: name.to_owned(),
                payload: payload(data),
            };
            // Whoever is gone needs no news.
            let _ = link.send(incoming);
        }
    }

    fn store(&mut self, client_id: ClientId, content: &str) -> SendResult {
        let known = self.messages().into_iter();
        if let Some(message) = known
            .into_iter()
            .find(|one| one.client_id == Some(client_id))
        {
            return SendResult {
                message,
                duplicate: true,
            };
        }
        let place = self.log.len() as u64 + 1;
        let message = message(place, client_id, content);
        let entry = Entry {
            thread_id: THREAD,
            rev: place,
            epoch: self.incarnation,
            chain: Some(format!("{place:016x}")),
            actor_id: Some(message.sender_id.clone()),
            created_at: Some(Timestamp(0)),
            body: EntryBody::Message {
                message: message.clone(),
            },
        };
        self.push(from_server::ENTRY, &entry);
        self.log.push(entry);
        SendResult {
            message,
            duplicate: false,
        }
    }

    /// What becomes of messages, and whether the answer arrives.
    fn take(&mut self, messages: &[SendMessage], act: &Act) -> Vec<BatchItem> {
        let busy = match act {
            Act::Busy(count, wait) => Some((*count, *wait)),
            _ => None,
        };
        let mut results = Vec::new();
        for (n, message) in messages.iter().enumerate() {
            if let Some((_, wait)) = busy.filter(|(count, _)| *count == n) {
                let mut error = Problem::new(Code::RateLimited, "too much", "r");
                error.retry_after_ms = wait;
                results.push(BatchItem::Error { error });
                break;
            }
            results.push(match message.content.as_str() {
                BAD | POISON => BatchItem::Error {
                    error: Problem::new(Code::InvalidRequest, "no", "r"),
                },
                content => BatchItem::Success {
                    data: self.store(message.client_id, content),
                },
            });
        }
        results
    }

    fn sync(&self, request: &SyncRequest) -> SyncResult {
        let incarnation = self.incarnation.to_string();
        let cursor = request.threads.get(&THREAD);
        let page = self.page(cursor);
        let is_other = request.incarnation.as_ref();
        let is_other = is_other.is_some_and(|known| *known != incarnation);
        let too_old = cursor.is_some() && (page.too_old || is_other);
        let is_same = cursor.is_some() && !too_old && page.entries.is_empty();
        let news = SyncThread {
            thread: self.thread(),
            entries: if too_old { vec![] } else { page.entries },
            messages: if too_old { self.messages() } else { vec![] },
            head_rev: page.head_rev,
            epoch: self.incarnation,
            more: false,
            too_old,
        };
        SyncResult {
            threads: if is_same { vec![] } else { vec![news] },
            left: vec![],
            contacts: vec![],
            blocks: vec![],
            profiles: vec![],
            incarnation,
            since: 1,
            next_cursor: None,
        }
    }

    fn page(&self, after: Option<&Cursor>) -> EntryPage {
        let head_rev = self.log.len() as u64;
        let rev = after.map_or(0, |after| after.rev);
        let epoch = after.and_then(|after| after.epoch);
        let too_old = rev > head_rev || epoch.is_some_and(|epoch| epoch != self.incarnation);
        let entries = self.log.iter().filter(|entry| entry.rev > rev);
        EntryPage {
            entries: entries.filter(|_| !too_old).cloned().collect(),
            head_rev,
            epoch: self.incarnation,
            more: false,
            too_old,
        }
    }

    fn thread(&self) -> Thread {
        let count = self.log.len() as u64;
        serde_json::from_value(json!({
            "id": THREAD, "thread_type": "direct", "title": null, "title_is_automatic": false, "picture": null,
            "settings": ThreadSettings::default(), "participants": [],
            "participant_count": 2, "message_count": count, "first_seq": 1, "first_rev": 1,
            "last_seq": count, "last_rev": count, "chain": format!("{count:016x}"),
            "epoch": self.incarnation, "last_message": null, "unread_count": 0, "read_seq": 0,
            "preferences": Preferences::default(),
            "created_by": "ann", "created_at": Timestamp(0), "updated_at": Timestamp(0),
        }))
        .unwrap()
    }
}

fn message(place: u64, client_id: ClientId, content: &str) -> Message {
    Message {
        id: MessageId(Uuid::from_u128(u128::from(place))),
        thread_id: THREAD,
        seq: place,
        rev: place,
        sender_id: UserId::parse("ann").unwrap(),
        client_id: Some(client_id),
        kind: MessageKind::Text,
        content: content.to_owned(),
        reply_to: None,
        attachments: vec![],
        reactions: vec![],
        created_at: Timestamp(0),
        edited_at: None,
        deleted_at: None,
        removed: false,
    }
}

fn payload(data: &impl Serialize) -> Payload {
    serde_json::to_string(data).unwrap().into()
}

/// The way to a world.
pub(crate) struct Way(pub(crate) Arc<World>);

#[async_trait]
impl Network for Way {
    async fn connect(&self, _: &str, _: &DeviceId) -> Result<Box<dyn Link>, ConnectError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut state = self.0.state();
        state.connects.push(Instant::now());
        if state.is_down {
            return Err(ConnectError::Timeout);
        }
        if let Some((code, retry_after_ms)) = state.refusals.pop_front() {
            return Err(ConnectError::Refused {
                code: Some(code),
                message: code.to_string(),
                retry_after_ms,
            });
        }
        let (pushed, incoming) = mpsc::unbounded_channel();
        let (alive, heart) = watch::channel(());
        state.links.push((pushed.clone(), alive));
        Ok(Box::new(Wire {
            world: Arc::clone(&self.0),
            pushed,
            heart,
            incoming,
            fed: Vec::new(),
            next_id: 0,
        }))
    }

    async fn entries_after(
        &self,
        _: &str,
        _: ThreadId,
        after: &Cursor,
    ) -> Result<EntryPage, ApiError> {
        Ok(self.0.state().page(Some(after)))
    }

    async fn newest_messages(&self, _: &str, _: ThreadId) -> Result<MessagePage, ApiError> {
        let state = self.0.state();
        let count = state.log.len() as u64;
        Ok(MessagePage {
            messages: state.messages(),
            from_seq: count.min(1),
            to_seq: count,
            as_of_rev: count,
            epoch: state.incarnation,
            has_more: false,
        })
    }
}

struct Wire {
    world: Arc<World>,
    pushed: mpsc::UnboundedSender<Incoming>,
    /// Fails when the connection is broken.
    heart: watch::Receiver<()>,
    incoming: mpsc::UnboundedReceiver<Incoming>,
    fed: Vec<(u64, String, String)>,
    next_id: u64,
}

impl Wire {
    fn answer(&self, id: u64, data: &impl Serialize) {
        let payload = payload(data);
        // The receiver is this wire's own.
        let _ = self.pushed.send(Incoming::Ack { id, payload });
    }

    fn arrive(&self, id: u64, argument: &str) {
        let one = serde_json::from_str::<SendOne>(argument);
        let is_batch = one.is_err();
        let messages = match one {
            Ok(one) => vec![SendMessage {
                client_id: one.client_id,
                content: one.content,
                kind: None,
                reply_to: None,
                attachments: vec![],
            }],
            Err(_) => {
                serde_json::from_str::<SendBatch>(argument)
                    .unwrap()
                    .messages
            }
        };
        let mut state = self.world.state();
        let act = state.script.pop_front().unwrap_or(Act::Answer);
        state.packets.push(Packet {
            at: Instant::now(),
            contents: messages.iter().map(|one| one.content.clone()).collect(),
            client_ids: messages.iter().map(|one| one.client_id).collect(),
        });
        let is_poisoned = is_batch && messages.iter().any(|one| one.content == POISON);
        let results = if act == Act::LoseRequest || is_poisoned {
            vec![]
        } else {
            state.take(&messages, &act)
        };
        if matches!(act, Act::LoseAnswer | Act::LoseRequest) {
            state.links.clear();
        }
        drop(state);
        if matches!(act, Act::Answer | Act::Busy(..)) {
            if is_poisoned {
                let error = Box::new(Problem::new(Code::InvalidRequest, "no", "r"));
                self.answer(id, &Ack::<()>::Error { error });
            } else if is_batch {
                let data = BatchResult { results };
                self.answer(id, &Ack::Success { data });
            } else {
                match results.into_iter().next().unwrap() {
                    BatchItem::Success { data } => self.answer(id, &Ack::Success { data }),
                    BatchItem::Error { error } => {
                        let error = Box::new(error);
                        self.answer(id, &Ack::<()>::Error { error });
                    }
                }
            }
        }
        self.world.arrived.send_modify(|count| *count += 1);
    }
}

#[async_trait]
impl Link for Wire {
    async fn feed(&mut self, name: &str, argument: &RawValue) -> Result<u64, TransportError> {
        let id = self.next_id;
        self.next_id += 1;
        let argument = argument.get().to_owned();
        self.fed.push((id, name.to_owned(), argument));
        Ok(id)
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        for (id, name, argument) in std::mem::take(&mut self.fed) {
            if self.heart.has_changed().is_err() {
                return Err(TransportError::Closed);
            }
            match name.as_str() {
                from_client::MESSAGE_SEND => self.arrive(id, &argument),
                from_client::SYNC => {
                    let request = serde_json::from_str(&argument).unwrap();
                    let data = self.world.state().sync(&request);
                    self.answer(id, &Ack::Success { data });
                }
                other => panic!("a session sends no {other}"),
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Incoming, TransportError> {
        tokio::select! {
            biased;
            _ = self.heart.changed() => Err(TransportError::Closed),
            incoming = self.incoming.recv() => incoming.ok_or(TransportError::Closed),
        }
    }

    async fn close(self: Box<Self>) {}
}
