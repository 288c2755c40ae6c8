//! The hub: takes what was committed and gives it to everybody who is connected and may see it.
//!
//! Invariant: nothing is delivered before it was committed, and the entries of a thread are delivered in the order of
//! their revs.
//! Invariant: the hub never waits for a device. A device that cannot keep up is cut off.
//! Invariant: what it does follows from what it is told and from tokio's time: no order comes from a hash.
//! Invariant: who sees an entry is decided by the participation periods, for every entry anew.
//! Invariant: a hub that is the only one keeps no account of others, and pays nothing for them.

mod behind;
mod catch_up;
mod deliver;
mod device;
mod drain;
mod elsewhere;
mod find;
mod follow;
mod lists;
mod live;
mod look;
mod own;
mod people;
mod portions;
mod receipts;
mod replaced;
mod revoke;
mod task;
mod typing;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
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
use semel_protocol::{ThreadId, UserId, socket::Presence};
use tokio::sync::{Notify, mpsc};
pub use typing::NotTold;

use self::{
    behind::Behind, elsewhere::Shared, live::LiveThreads, own::OwnChanges, people::People,
    task::Event,
};
use crate::{
    bus::{Bus, Ear, State},
    realtime::packet::Frame,
};

/// Commits that wait for the hub. Of what comes then it remembers only what moved.
const NEWS_WAITING_MAX: usize = 256;

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
    behind: Mutex<Behind>,
    /// Another database has taken the place of the one by which was told.
    is_replaced: AtomicBool,
    own: OwnChanges,
    /// Rung when another server ended a sign-in of somebody who is here.
    ended_elsewhere: Notify,
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
        self.hear_news(news);
    }

    fn recovered(&self) {
        self.hear_recovery();
        if let Some(shared) = &self.shared {
            shared.look_now.notify_one();
        }
    }

    fn replaced(&self) {
        self.hear_replacement();
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
            behind: Mutex::default(),
            is_replaced: AtomicBool::new(false),
            own: OwnChanges::default(),
            ended_elsewhere: Notify::new(),
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
            return tokio::spawn(async move {
                tokio::join!(task::run(hub.clone(), waiting), own::run(hub));
            });
        };
        let ear: Arc<dyn Ear> = self.clone();
        let bus = Arc::clone(&shared.bus);
        bus.start(&ledger.incarnation(), Arc::downgrade(&ear));
        tokio::spawn(async move {
            let shared = hub.shared.as_ref().expect("it was there");
            tokio::join!(
                task::run(hub.clone(), waiting),
                own::run(hub.clone()),
                elsewhere::run(&hub, shared),
                look::run(&hub, shared),
                typing::run(&hub, shared),
            );
        })
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

    /// The state of those who are contacts of the device's person, now and until it asks again. Who is kept from them by a
    /// block seems to be away.
    pub async fn presence(
        &self,
        device: &Arc<Device>,
        whom: Vec<UserId>,
    ) -> Result<Vec<Presence>, LedgerError> {
        loop {
            let partings = self.people.partings();
            let (contacts, kept) = self.watchable(&device.user_id, whom.clone()).await?;
            let away = kept.into_iter().map(|user_id| Presence {
                user_id,
                online: false,
                last_seen_at: None,
            });
            let mut states = self.watch(device, contacts).await;
            // Somebody was blocked while this was asked: who is watched now may be kept from them.
            if self.people.partings() == partings {
                states.extend(away);
                states.sort_by(|one, other| one.user_id.cmp(&other.user_id));
                return Ok(states);
            }
        }
    }

    /// Those of some people who are contacts, and those of them who are kept apart by a block.
    async fn watchable(
        &self,
        own: &UserId,
        whom: Vec<UserId>,
    ) -> Result<(Vec<UserId>, Vec<UserId>), LedgerError> {
        let own = own.clone();
        let asked = self.ask(move |rows| {
            let (mut contacts, mut missing) = (Vec::new(), Vec::new());
            for who in &whom {
                match rows.contacts.get(&(own.clone(), who.clone())) {
                    None => missing.push(Key::Contact(own.clone(), who.clone())),
                    Some(Some(_)) => contacts.push(who.clone()),
                    Some(None) => {}
                }
            }
            let contacts = find::all(contacts, missing)?;
            let kept = queries::kept_from(rows, &own)?;
            Ok(contacts.into_iter().partition(|who| !kept.contains(who)))
        });
        Ok(asked.await?.unwrap_or_default())
    }

    /// From now on a device is told the state of these people. Their state now.
    async fn watch(&self, device: &Arc<Device>, contacts: Vec<UserId>) -> Vec<Presence> {
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
        states.collect()
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

    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, LiveThreads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
