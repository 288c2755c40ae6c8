//! The hub: takes what was committed and gives it to everybody who is connected and may see it.
//!
//! Invariant: nothing is delivered before it was committed, and the entries of a thread are delivered in the order of
//! their revs.
//! Invariant: the hub never waits for a device. A device that cannot keep up is cut off.
//! Invariant: what it does follows from what it is told and from tokio's time: no order comes from a hash.
//! Invariant: who sees an entry is decided by the participation periods, for every entry anew.
//! Invariant: a hub that is the only one keeps no account of others, and pays nothing for them.

mod catch_up;
mod deliver;
mod device;
mod elsewhere;
mod follow;
mod lists;
mod live;
mod look;
mod people;
mod receipts;
mod task;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak, atomic::Ordering},
    time::Duration,
};

pub use device::{Device, Full, InFlight, Outlet, Waits};
pub use elsewhere::Looking;
pub use people::TooManyDevices;
use semel_core::{
    Key, Refusal, Rows, Stop,
    ports::{Clock, Ledger, LedgerError, Listener, News, ask, ask_first},
    queries::{self, Roster},
};
use semel_protocol::{
    Code, ThreadId, UserId,
    socket::{Presence, TypingNotice, from_server},
};
use tokio::sync::mpsc;

use self::{elsewhere::Shared, live::LiveThreads, people::People, task::Event};
use crate::{
    bus::{Bus, Ear, Hints, State},
    realtime::packet::{self, Frame},
};

/// Commits that wait for the hub before the lane has to.
const NEWS_WAITING_MAX: usize = 256;
/// Devices that come back after a stop do so within this time, one after the other.
const RETURN_SPREAD_MS: u64 = 5_000;
const RETURN_AFTER_MS: u64 = 1_000;

/// How often things are told that are not told at once.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// List lines, receipts, and heads of large threads.
    pub soon: Duration,
    /// Heads of all threads that moved.
    pub heads: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            soon: Duration::from_millis(500),
            heads: Duration::from_secs(10),
        }
    }
}

/// Who is connected and what they are told.
pub struct Hub {
    people: People,
    threads: Mutex<LiveThreads>,
    news: mpsc::Sender<Event>,
    waiting: Mutex<Option<mpsc::Receiver<Event>>>,
    /// The ledger holds the hub, not the other way round.
    ledger: OnceLock<Weak<dyn Ledger>>,
    clock: Arc<dyn Clock>,
    rhythm: Rhythm,
    /// None when no other server writes into the ledger's database.
    shared: Option<Shared>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

impl Listener for Hub {
    fn committed(&self, news: News) {
        self.hear(Event::News(news));
    }

    fn recovered(&self) {
        self.hear(Event::Recovered);
        if let Some(shared) = &self.shared {
            shared.look_now.notify_one();
        }
    }
}

impl Hub {
    /// A hub that takes news and devices; [`Hub::start`] makes it deliver. It is the only one of its database.
    pub fn new(clock: Arc<dyn Clock>, rhythm: Rhythm) -> Arc<Self> {
        Self::with(clock, rhythm, None)
    }

    /// A hub of several: it tells the others, hears from them, and looks into the store for what was lost on the way.
    pub fn one_of_several(
        clock: Arc<dyn Clock>,
        rhythm: Rhythm,
        bus: Arc<dyn Bus>,
        looking: Looking,
    ) -> Arc<Self> {
        Self::with(clock, rhythm, Some(Shared::new(bus, looking)))
    }

    fn with(clock: Arc<dyn Clock>, rhythm: Rhythm, shared: Option<Shared>) -> Arc<Self> {
        let (news, waiting) = mpsc::channel(NEWS_WAITING_MAX);
        Arc::new(Self {
            people: People::default(),
            threads: Mutex::default(),
            news,
            waiting: Mutex::new(Some(waiting)),
            ledger: OnceLock::new(),
            clock,
            rhythm,
            shared,
        })
    }

    /// Begins to deliver, until the task is aborted. The ledger is the one that tells this hub; what it told before waits.
    ///
    /// # Panics
    /// When called twice.
    pub fn start(self: &Arc<Self>, ledger: &Arc<dyn Ledger>) -> tokio::task::JoinHandle<()> {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let waiting = waiting.expect("a hub is started once");
        assert!(
            self.ledger.set(Arc::downgrade(ledger)).is_ok(),
            "a hub has one ledger"
        );
        let hub = self.clone();
        let Some(shared) = &self.shared else {
            return tokio::spawn(task::run(hub, waiting));
        };
        let ear: Arc<dyn Ear> = self.clone();
        let bus = Arc::clone(&shared.bus);
        bus.start(&ledger.incarnation(), Arc::downgrade(&ear));
        tokio::spawn(async move {
            let shared = hub.shared.as_ref().expect("it was there");
            tokio::join!(
                task::run(hub.clone(), waiting),
                elsewhere::run(&hub, shared),
                look::run(&hub, shared),
            );
        })
    }

    /// From the lane's thread: waits when the hub is behind, which only the store can make it, never a device.
    fn hear(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.news.try_send(event) {
            // A hub that has ended tells nobody.
            let _ = self.news.blocking_send(event);
        }
    }

    /// Registers a device and greets it. From here on it misses nothing.
    pub fn connect(&self, device: &Arc<Device>, welcome: Frame) -> Result<(), TooManyDevices> {
        self.people.connect(device, welcome)?;
        if let Some(shared) = &self.shared {
            let number = shared.device_numbers.fetch_add(1, Ordering::Relaxed);
            device.number.get_or_init(|| number);
            shared.bus.came(number, &device.user_id);
        }
        Ok(())
    }

    /// Forgets a device.
    pub fn disconnect(&self, device: &Arc<Device>) {
        let now = self.clock.now();
        let Some(is_last) = self.people.disconnect(device, now) else {
            return;
        };
        let number = device.number.get().copied();
        let shared = self.shared.as_ref().zip(number);
        let is_told = shared.is_some_and(|(shared, number)| shared.bus.went(number));
        if is_last && !is_told {
            self.people.announce(&device.user_id, false, Some(now));
        }
    }

    /// A person's state over all servers.
    fn take_state(&self, state: &State) {
        if !state.online {
            if self.people.is_connected(&state.who) {
                return;
            }
            if let Some(at) = state.last_seen_at {
                self.people.remember(&state.who, at);
            }
        }
        self.people
            .announce(&state.who, state.online, state.last_seen_at);
    }

    /// How many devices are connected.
    pub fn device_count(&self) -> usize {
        self.people
            .read(|devices| devices.values().map(Vec::len).sum())
    }

    /// Tells every device that the server stops, and closes.
    pub fn stop(&self) {
        let devices = self.people.find(|_| true);
        let count = devices.len().max(1) as u64;
        for (n, device) in devices.into_iter().enumerate() {
            let spread = RETURN_SPREAD_MS * n as u64 / count;
            device.send_away(Code::ShuttingDown, RETURN_AFTER_MS + spread);
        }
    }

    /// Tells the other participants that somebody types.
    pub async fn typing(&self, device: &Device, id: ThreadId, typing: bool) -> Result<(), NotTold> {
        let who = &device.user_id;
        self.show_typing(who, id, typing).await?;
        if let Some(shared) = &self.shared {
            let typing = [(id, BTreeMap::from([(who.clone(), typing)]))].into();
            shared.bus.tell(Hints {
                typing,
                ..Hints::default()
            });
        }
        Ok(())
    }

    /// Tells those of the other participants who are connected here.
    async fn show_typing(&self, who: &UserId, id: ThreadId, typing: bool) -> Result<(), NotTold> {
        let known = self.threads().get_sure(id).map(|live| {
            live.has_active(who)
                .then(|| (live.active().cloned().collect(), live.is_large()))
        });
        let audience: Option<(Vec<UserId>, bool)> = match known {
            Some(audience) => audience,
            None => self.audience(who, id).await?,
        };
        let (people, is_large) = audience.ok_or_else(Refusal::not_found)?;
        let notice = TypingNotice {
            thread_id: id,
            user_id: who.clone(),
            typing,
        };
        let frame = packet::event(from_server::TYPING, &notice);
        self.people.read(|devices| {
            let others = people.iter().filter(|other| *other != who);
            for other in others.filter_map(|other| devices.get(other)).flatten() {
                if !is_large || other.has_open(id) {
                    other.push(frame.clone());
                }
            }
        });
        Ok(())
    }

    async fn audience(
        &self,
        who: &UserId,
        id: ThreadId,
    ) -> Result<Option<(Vec<UserId>, bool)>, LedgerError> {
        let asked = self.ask(move |rows| queries::roster(rows, id)).await?;
        let Some(roster) = asked.unwrap_or_default() else {
            return Ok(None);
        };
        let mut threads = LiveThreads::default();
        let live = threads.put(roster);
        Ok(live
            .has_active(who)
            .then(|| (live.active().cloned().collect(), live.is_large())))
    }

    /// The state of those who are contacts of the device's person, now and until it asks again.
    pub async fn presence(
        &self,
        device: &Arc<Device>,
        whom: Vec<UserId>,
    ) -> Result<Vec<Presence>, LedgerError> {
        let own = device.user_id.clone();
        let contacts = self.ask(move |rows| {
            let (mut contacts, mut missing) = (Vec::new(), Vec::new());
            for who in &whom {
                match rows.contacts.get(&(own.clone(), who.clone())) {
                    None => missing.push(Key::Contact(own.clone(), who.clone())),
                    Some(Some(_)) => contacts.push(who.clone()),
                    Some(None) => {}
                }
            }
            if !missing.is_empty() {
                return Err(Stop::NotLoaded(Key::Many(missing)));
            }
            Ok(contacts)
        });
        let contacts = contacts.await?.unwrap_or_default();
        // Watched before it is read: a change between the two is told twice rather than never.
        self.people.watch(device, contacts.clone());
        let elsewhere = match &self.shared {
            Some(shared) => shared.bus.presence(&contacts).await,
            None => None,
        };
        let mut elsewhere: BTreeMap<UserId, State> = elsewhere
            .into_iter()
            .flatten()
            .map(|state| (state.who.clone(), state))
            .collect();
        let states = contacts.iter().map(|who| {
            let mut presence = self.people.presence(who);
            if let Some(state) = elsewhere.remove(who).filter(|_| !presence.online) {
                presence.online = state.online;
                let seen = state.last_seen_at.or(presence.last_seen_at);
                presence.last_seen_at = seen.filter(|_| !state.online);
            }
            self.people.note_told(who, presence.online);
            presence
        });
        Ok(states.collect())
    }

    async fn roster(&self, id: ThreadId) -> Result<Option<Roster>, LedgerError> {
        let roster = self
            .ask_first(move |rows| queries::roster(rows, id))
            .await?;
        Ok(roster.unwrap_or_default())
    }

    /// Asks the store on behalf of a device.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<Result<T, Refusal>, LedgerError> {
        ask(self.ledger()?.as_ref(), question).await
    }

    /// Asks the store what delivery to everybody waits for.
    async fn ask_first<T: Send + 'static>(
        &self,
        question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<Result<T, Refusal>, LedgerError> {
        ask_first(self.ledger()?.as_ref(), question).await
    }

    fn ledger(&self) -> Result<Arc<dyn Ledger>, LedgerError> {
        self.ledger
            .get()
            .and_then(Weak::upgrade)
            .ok_or(LedgerError::Closing)
    }

    fn threads(&self) -> MutexGuard<'_, LiveThreads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a notice was not told.
#[derive(Debug)]
pub enum NotTold {
    /// Not the person's to tell.
    Refused(Refusal),
    /// The store did not answer.
    Failed(LedgerError),
}

impl From<Refusal> for NotTold {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LedgerError> for NotTold {
    fn from(error: LedgerError) -> Self {
        Self::Failed(error)
    }
}
