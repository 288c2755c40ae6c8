//! Devices: the real client's session, with a screen that remembers what it was shown.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use semel_client::{
    Destination, IdMaker, MemoryStore, NewThread, Note, Notes, SendError, Session, SessionOptions,
    Stored,
};
use semel_core::ports::Clock;
use semel_load::record::SessionRecord;
use semel_protocol::{
    ClientId, DeviceId, Message, MessageId, Seq, ThreadId, UserId,
    entry::EntryBody,
    message::MessageKind,
    socket::{Receipt, from_server},
};
use tokio::time::sleep;

use crate::{
    dice::Dice,
    faults::Fault,
    network::DeviceNetwork,
    world::{World, purpose},
};

/// A device is off for up to this after its program was killed.
const OFF_MAX: Duration = Duration::from_secs(15);

/// A device, over all its lives.
pub(crate) struct Device {
    pub(crate) who: UserId,
    pub(crate) name: String,
    world: Arc<World>,
    /// What outlives the program.
    store: Arc<MemoryStore>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    ids: IdMaker,
    session: Option<Arc<Session>>,
    record: Option<Arc<SessionRecord>>,
    shown: BTreeMap<ThreadId, Screen>,
}

/// A thread as the device shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    pub(crate) messages: BTreeMap<Seq, Shown>,
}

/// A message as the device shows it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: MessageId,
    pub(crate) sender: UserId,
    pub(crate) is_text: bool,
}

impl Device {
    pub(crate) fn start(world: &Arc<World>, who: &UserId, number: usize) -> Arc<Self> {
        let place = world.people.iter().position(|it| it == who).unwrap_or(0) * 8 + number;
        let mut dice = Dice::new(world.seed, purpose::DEVICES + place as u64);
        let device = Arc::new(Self {
            who: who.clone(),
            name: format!("{who}-{number}"),
            world: world.clone(),
            store: Arc::new(MemoryStore::new()),
            state: Mutex::new(State {
                ids: IdMaker::new(dice.wide()),
                dice,
                session: None,
                record: None,
                shown: BTreeMap::new(),
            }),
        });
        device.turn_on();
        device
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a life: the program starts, with what it had kept.
    fn turn_on(self: &Arc<Self>) {
        let world = &self.world;
        let record = world.recorder.session(&self.who, &self.name);
        let mut state = self.state();
        let network = DeviceNetwork {
            net: world.net.clone(),
            who: self.who.clone(),
            device: self.name.clone(),
        };
        let new_thread = if state.dice.chance(800) {
            NewThread::WholeLog
        } else {
            NewThread::Newest
        };
        let device_id = DeviceId(self.name.clone());
        let mut options = SessionOptions::new(
            Arc::new(network),
            world.token(&self.who),
            device_id,
            new_thread,
            state.dice.roll(),
        );
        options.store = self.store.clone();
        options.witness = Some(record.clone());
        let (session, notes) = Session::start(options);
        state.session = Some(Arc::new(session));
        state.record = Some(record.clone());
        drop(state);
        tokio::spawn(self.clone().watch(notes, record));
    }

    /// The program is killed, and started again after a while.
    pub(crate) async fn crash(self: &Arc<Self>) {
        let (session, off) = {
            let mut state = self.state();
            (state.session.take(), state.dice.time(OFF_MAX))
        };
        // Who is off cannot crash.
        let Some(session) = session else { return };
        session.crash().await;
        let record = self.state().record.take();
        if let Some(record) = record {
            record.crashed();
        }
        self.world.tally.count(Fault::DeviceCrash);
        self.world
            .journal
            .note(format_args!("{}: crashes", self.name));
        sleep(off).await;
        self.turn_on();
    }

    /// Reads what the session tells.
    async fn watch(self: Arc<Self>, mut notes: Notes, record: Arc<SessionRecord>) {
        while let Some(note) = notes.recv().await {
            match note {
                Note::Entry(entry) => {
                    self.world.shared().threads.insert(entry.thread_id);
                    match entry.body {
                        EntryBody::Message { message }
                        | EntryBody::ParticipantsAdded { message, .. }
                        | EntryBody::ParticipantRemoved { message, .. }
                        | EntryBody::ParticipantLeft { message, .. }
                        | EntryBody::TitleChanged { message, .. } => self.show(&message),
                        EntryBody::MessageEdited { message, .. }
                        | EntryBody::MessageDeleted { message, .. }
                        | EntryBody::ReactionAdded { message, .. }
                        | EntryBody::ReactionRemoved { message, .. } => {
                            if let Some(message) = message {
                                self.show(&message);
                            }
                        }
                        _ => drop(self.state().shown.entry(entry.thread_id).or_default()),
                    }
                }
                Note::Reset {
                    thread_id,
                    messages,
                    ..
                } => {
                    self.world.shared().threads.insert(thread_id);
                    self.state().shown.insert(thread_id, Screen::default());
                    for message in &messages {
                        self.show(message);
                    }
                }
                Note::Left(thread_id) => drop(self.state().shown.remove(&thread_id)),
                Note::Event(event) if event.name == from_server::READ => {
                    if let Ok(receipt) = event.payload.parse::<Receipt>() {
                        record.position(&receipt.user_id, receipt.thread_id, receipt.seq);
                    }
                }
                Note::Answered { client_id, answer } => {
                    self.settle(client_id, &answer.map(|it| *it));
                }
                Note::Refused(why) => {
                    self.world
                        .journal
                        .note(format_args!("{}: kept out: {why}", self.name));
                    let device = self.clone();
                    tokio::spawn(async move { device.crash().await });
                    return;
                }
                _ => {}
            }
        }
    }

    fn show(&self, message: &Message) {
        let shown = Shown {
            id: message.id,
            sender: message.sender_id.clone(),
            is_text: message.kind == MessageKind::Text && message.deleted_at.is_none(),
        };
        let mut state = self.state();
        let screen = state.shown.entry(message.thread_id).or_default();
        screen.messages.insert(message.seq, shown);
    }

    /// What the device shows.
    pub(crate) fn screens(&self) -> BTreeMap<ThreadId, Screen> {
        self.state().shown.clone()
    }

    /// Writes a message, to be sent until it is acknowledged or refused. A device that is off takes none.
    pub(crate) fn send(self: &Arc<Self>, destination: Destination, content: String) {
        let now = self.world.clock.now();
        let (session, client_id) = {
            let mut state = self.state();
            let Some(session) = state.session.clone() else {
                return;
            };
            (session, state.ids.next(now))
        };
        let device = self.clone();
        tokio::spawn(async move {
            let answer = session.enqueue(destination, client_id, content).await;
            drop(session);
            let answer = answer.await.unwrap_or(Err(SendError::Over));
            device.settle(client_id, &answer);
        });
    }

    /// What became of a message is known.
    fn settle(&self, client_id: ClientId, answer: &Result<Stored, SendError>) {
        let mut shared = self.world.shared();
        match answer {
            Ok(stored) => {
                shared.threads.insert(stored.message.thread_id);
                shared.settled.insert(client_id, true);
            }
            Err(SendError::Refused(_)) => drop(shared.settled.insert(client_id, false)),
            Err(_) => {}
        }
    }

    pub(crate) fn has_waiting(&self) -> bool {
        !self.store.kept().outgoing.is_empty()
    }

    pub(crate) fn record(&self) -> Option<Arc<SessionRecord>> {
        self.state().record.clone()
    }

    pub(crate) fn new_client_id(&self) -> ClientId {
        let now = self.world.clock.now();
        self.state().ids.next(now)
    }
}
