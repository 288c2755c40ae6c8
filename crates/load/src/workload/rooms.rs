//! The threads that people write to.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use semel_protocol::{Message, Rev, ThreadId};

use crate::{dice::Dice, record::Target};

/// Messages of a thread that people may react to.
const RECENT_MAX: usize = 64;
/// How often somebody who may be out of a group writes to it, in percent.
const GUEST_TURNS_PERCENT: usize = 30;

/// A thread, and who is in it. People are numbers.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: ThreadId,
    /// In it from the beginning, and never out. The first one made it.
    pub(crate) members: Vec<usize>,
    /// Who come and go.
    pub(crate) guests: Vec<usize>,
    /// Its people stay the same: a set of people has no other thread.
    pub(crate) is_fixed: bool,
    /// Guests who are in now, as far as is known.
    pub(crate) present: Mutex<BTreeSet<usize>>,
    head: AtomicU64,
    recent: Mutex<VecDeque<Target>>,
}

/// All threads. Those that are full are known, and left alone.
#[derive(Debug, Default)]
pub(crate) struct Board {
    all: Mutex<Vec<Arc<Room>>>,
    open: RwLock<Arc<Vec<Arc<Room>>>>,
}

impl Room {
    pub(crate) fn new(
        id: ThreadId,
        members: Vec<usize>,
        guests: Vec<usize>,
        is_fixed: bool,
    ) -> Self {
        Self {
            id,
            members,
            guests,
            is_fixed,
            present: Mutex::default(),
            head: AtomicU64::new(1),
            recent: Mutex::default(),
        }
    }

    /// A message is there.
    pub(crate) fn saw(&self, message: &Message) {
        self.head.fetch_max(message.rev, Ordering::Relaxed);
        let mut recent = locked(&self.recent);
        recent.push_back(Target::of(message));
        if recent.len() > RECENT_MAX {
            recent.pop_front();
        }
    }

    /// The newest rev that anybody knows of.
    pub(crate) fn head(&self) -> Rev {
        self.head.load(Ordering::Relaxed)
    }

    pub(crate) fn saw_rev(&self, rev: Rev) {
        self.head.fetch_max(rev, Ordering::Relaxed);
    }

    /// Some message that is there.
    pub(crate) fn some_message(&self, dice: &mut Dice) -> Option<Target> {
        let recent = locked(&self.recent);
        recent.get(dice.below(recent.len())).copied()
    }
}

impl Board {
    pub(crate) fn add(&self, room: Arc<Room>) {
        locked(&self.all).push(Arc::clone(&room));
        self.change(|open| open.push(room));
    }

    /// A full room is left alone.
    pub(crate) fn close(&self, room: &Room) {
        self.change(|open| open.retain(|other| other.id != room.id));
    }

    pub(crate) fn all(&self) -> Vec<Arc<Room>> {
        locked(&self.all).clone()
    }

    pub(crate) fn open(&self) -> Arc<Vec<Arc<Room>>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&open)
    }

    /// A room for a person to write to: theirs, or one in which they are a guest, from which they may be out.
    /// A room is full from `full` entries on.
    pub(crate) fn pick(&self, person: usize, full: Rev, dice: &mut Dice) -> Option<Arc<Room>> {
        let open = self.open();
        let start = dice.below(open.len());
        let in_some_order = open[start..].iter().chain(&open[..start]);
        let as_guest = dice.chance(GUEST_TURNS_PERCENT);
        let mut rooms = in_some_order.filter(|room| {
            let is_theirs =
                room.members.contains(&person) || (as_guest && room.guests.contains(&person));
            is_theirs && room.head() < full
        });
        rooms.next().cloned()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Room>>)) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut open));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
