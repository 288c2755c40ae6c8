//! Who is connected, and who wants to know.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use semel_protocol::{
    Timestamp, UserId,
    limits::DEVICES_PER_USER_MAX,
    socket::{Presence, from_server},
};

use super::Device;
use crate::realtime::packet::{self, Frame};

/// People whose last visit is remembered.
const LAST_SEEN_MAX: usize = 100_000;

/// The person has too many devices connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyDevices;

type Devices = HashMap<UserId, Vec<Arc<Device>>>;

/// A person whose presence somebody wants to know.
#[derive(Debug, Default)]
struct Watched {
    devices: Vec<Arc<Device>>,
    /// What they were told last: the same is not told again, however many servers say it.
    online: Option<bool>,
}

/// Connected devices by person.
#[derive(Debug, Default)]
pub(super) struct People {
    devices: RwLock<Devices>,
    /// Who watches whom: the devices that asked for a person's presence.
    watchers: Mutex<HashMap<UserId, Watched>>,
    last_seen: Mutex<HashMap<UserId, Timestamp>>,
    /// How often two people were parted.
    partings: AtomicU64,
}

impl People {
    /// Registers a device and greets it. From here on it misses nothing.
    pub(super) fn connect(
        &self,
        device: &Arc<Device>,
        welcome: Frame,
    ) -> Result<(), TooManyDevices> {
        let is_first = {
            let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
            let own = devices.entry(device.user_id.clone()).or_default();
            if own.len() >= DEVICES_PER_USER_MAX {
                return Err(TooManyDevices);
            }
            device.push(welcome);
            own.push(device.clone());
            own.len() == 1
        };
        if is_first {
            self.announce(&device.user_id, true, None);
        }
        Ok(())
    }

    /// Forgets a device. Whether it was its person's last one here; none when it was forgotten before.
    pub(super) fn disconnect(&self, device: &Arc<Device>, now: Timestamp) -> Option<bool> {
        device.is_gone.store(true, Ordering::SeqCst);
        self.watch(device, Vec::new());
        let is_last = {
            let mut devices = self.devices.write().unwrap_or_else(PoisonError::into_inner);
            let own = devices.get_mut(&device.user_id)?;
            let before = own.len();
            own.retain(|known| !Arc::ptr_eq(known, device));
            if own.len() == before {
                return None;
            }
            let is_last = own.is_empty();
            if is_last {
                devices.remove(&device.user_id);
            }
            is_last
        };
        if is_last {
            self.remember(&device.user_id, now);
        }
        Some(is_last)
    }

    /// Remembers when somebody went.
    pub(super) fn remember(&self, who: &UserId, now: Timestamp) {
        let mut last_seen = self
            .last_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last_seen.len() >= LAST_SEEN_MAX {
            let mut times: Vec<_> = last_seen.values().copied().collect();
            let (_, median, _) = times.select_nth_unstable(LAST_SEEN_MAX / 2);
            let median = *median;
            last_seen.retain(|_, time| *time > median);
        }
        last_seen.insert(who.clone(), now);
    }

    /// Tells those who watch somebody how they are, if that is news to them.
    pub(super) fn announce(&self, who: &UserId, online: bool, last_seen_at: Option<Timestamp>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watched) = watchers.get_mut(who) else {
            return;
        };
        if watched.online.replace(online) == Some(online) {
            return;
        }
        let presence = Presence {
            user_id: who.clone(),
            online,
            last_seen_at,
        };
        let frame = packet::event(from_server::PRESENCE, &presence);
        for device in &watched.devices {
            device.push(frame.clone());
        }
    }

    /// Notes what a device was answered about somebody, unless it was told later news already.
    pub(super) fn note_told(&self, who: &UserId, online: bool) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = watchers.get_mut(who) {
            watched.online.get_or_insert(online);
        }
    }

    /// There is a block between two people: neither watches the other any more, and whoever did sees them go.
    pub(super) fn part(&self, one: &UserId, other: &UserId) {
        self.partings.fetch_add(1, Ordering::SeqCst);
        for (who, whom) in [(one, other), (other, one)] {
            self.unwatch(who, whom);
        }
    }

    fn unwatch(&self, who: &UserId, whom: &UserId) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(watched) = watchers.get_mut(whom) else {
            return;
        };
        let is_theirs = |device: &mut Arc<Device>| device.user_id == *who;
        let parted: Vec<_> = watched.devices.extract_if(.., is_theirs).collect();
        let was_online = watched.online == Some(true);
        if watched.devices.is_empty() {
            watchers.remove(whom);
        }
        let gone = Presence {
            user_id: whom.clone(),
            online: false,
            last_seen_at: None,
        };
        let frame = packet::event(from_server::PRESENCE, &gone);
        for device in parted {
            let mut watching = device
                .watching
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            watching.retain(|known| known != whom);
            if was_online {
                device.push(frame.clone());
            }
        }
    }

    /// How often two people were parted.
    pub(super) fn partings(&self) -> u64 {
        self.partings.load(Ordering::SeqCst)
    }

    /// Whether those who watch somebody were told last that they are online.
    pub(super) fn seems_online(&self, who: &UserId) -> bool {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers
            .get(who)
            .is_some_and(|watched| watched.online == Some(true))
    }

    /// Everybody who is watched here, in order.
    pub(super) fn watched(&self) -> Vec<UserId> {
        let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched: Vec<UserId> = watchers.keys().cloned().collect();
        watched.sort_unstable();
        watched
    }

    /// Replaces whose presence a device wants to know.
    pub(super) fn watch(&self, device: &Arc<Device>, mut whom: Vec<UserId>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if device.is_gone.load(Ordering::SeqCst) {
            whom.clear();
        }
        let mut watching = device
            .watching
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for who in watching.drain(..) {
            let Some(watched) = watchers.get_mut(&who) else {
                continue;
            };
            watched.devices.retain(|known| !Arc::ptr_eq(known, device));
            if watched.devices.is_empty() {
                watchers.remove(&who);
            }
        }
        for who in &whom {
            watchers
                .entry(who.clone())
                .or_default()
                .devices
                .push(device.clone());
        }
        *watching = whom;
    }

    /// A person's state now.
    pub(super) fn presence(&self, who: &UserId) -> Presence {
        let online = self.is_connected(who);
        let last_seen = self
            .last_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let last_seen_at = last_seen.get(who).copied().filter(|_| !online);
        Presence {
            user_id: who.clone(),
            online,
            last_seen_at,
        }
    }

    /// Whether a device of theirs is connected.
    pub(super) fn is_connected(&self, who: &UserId) -> bool {
        self.devices
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(who)
    }

    /// Works on the devices of everybody.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Devices) -> T) -> T {
        work(&self.devices.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends to every device of a person. How many took it.
    pub(super) fn push(&self, who: &UserId, frame: &Frame) -> u64 {
        self.read(|devices| {
            let own = devices.get(who).map_or(&[][..], Vec::as_slice);
            own.iter()
                .filter(|device| device.push(frame.clone()))
                .count() as u64
        })
    }

    /// Everybody who is connected, in order.
    pub(super) fn all(&self) -> Vec<UserId> {
        let mut all: Vec<UserId> = self.read(|devices| devices.keys().cloned().collect());
        all.sort_unstable();
        all
    }

    /// The connected devices that fit, in the order of their people.
    pub(super) fn find(&self, fits: impl Fn(&Device) -> bool) -> Vec<Arc<Device>> {
        let fits = |device: &&Arc<Device>| fits(device);
        let mut found: Vec<Arc<Device>> =
            self.read(|devices| devices.values().flatten().filter(fits).cloned().collect());
        found.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        found
    }
}
