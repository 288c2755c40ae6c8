//! Threads that something happened in lately: who is in them, and up to where was delivered.

use std::collections::{BTreeMap, HashMap};

use semel_core::{
    queries::Roster,
    row::{EntryRow, Fact, HeadRow, MessageRow, ParticipantRow, PositionRow, ThreadRow},
};
use semel_protocol::{Rev, ThreadId, UserId, limits::PUSH_TO_ALL_PARTICIPANTS_MAX};

/// Threads that are kept.
const THREADS_MAX: usize = 10_000;
/// People of all of them together.
const PEOPLE_MAX: usize = 1_000_000;

/// A thread as the hub knows it.
#[derive(Debug)]
pub(super) struct LiveThread {
    pub(super) thread: ThreadRow,
    /// The newest end of the log that was heard of.
    pub(super) head: HeadRow,
    /// Everybody who is or was in it.
    pub(super) people: BTreeMap<UserId, ParticipantRow>,
    /// Last entry that was delivered; none when nothing was since the thread is known here.
    pub(super) delivered: Option<Rev>,
    /// The message with the greatest seq, where known.
    pub(super) last_message: Option<MessageRow>,
    /// Positions that devices were told last.
    pub(super) told: HashMap<UserId, PositionRow>,
    /// Whether its people may be others by now: nothing is told about it until they are loaded.
    pub(super) is_in_doubt: bool,
    used: u64,
}

/// Where an entry stands to what was delivered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Delivered before.
    Old,
    /// The one that is expected.
    Next,
    /// Some before it are missing, from the first one on.
    Gap(Rev),
}

impl LiveThread {
    fn new(roster: Roster) -> Self {
        Self {
            thread: roster.thread,
            head: roster.head,
            people: roster.people.into_iter().collect(),
            delivered: None,
            last_message: None,
            told: HashMap::new(),
            is_in_doubt: false,
            used: 0,
        }
    }

    /// Takes a roster that was loaded later.
    pub(super) fn refresh(&mut self, roster: Roster) {
        self.is_in_doubt = false;
        self.thread = roster.thread;
        self.people = roster.people.into_iter().collect();
        if roster.head.last_rev > self.head.last_rev {
            self.head = roster.head;
        }
    }

    /// It is at this place now, and of what led there nobody here heard: others may be in it than when its people were
    /// loaded.
    pub(super) fn doubt_unless_at(&mut self, last: Rev) {
        self.is_in_doubt |= self.head.last_rev < last;
    }

    pub(super) fn place(&self, rev: Rev) -> Place {
        match self.delivered {
            Some(delivered) if rev <= delivered => Place::Old,
            Some(delivered) if rev > delivered + 1 => Place::Gap(delivered + 1),
            _ => Place::Next,
        }
    }

    /// Notes what an entry changes, for lists.
    pub(super) fn note(&mut self, entry: &EntryRow, about: Option<&MessageRow>) {
        self.delivered = Some(entry.rev);
        let is_newest = entry.rev > self.head.last_rev;
        if is_newest {
            self.head.last_rev = entry.rev;
            self.head.chain = entry.chain;
            self.head.updated_at = entry.created_at;
            match &entry.fact {
                Fact::TitleChanged {
                    title,
                    is_automatic,
                } => {
                    self.thread.title.clone_from(title);
                    self.thread.title_is_automatic = *is_automatic;
                }
                Fact::SettingsChanged(settings, description, picture) => {
                    self.thread.settings = *settings;
                    self.thread.description.clone_from(description);
                    self.thread.picture.clone_from(picture);
                }
                _ => {}
            }
        }
        let Some(message) = about else { return };
        if message.seq > self.head.last_seq {
            self.head.last_seq = message.seq;
            self.head.message_count = message.count;
        }
        let known = self.last_message.as_ref();
        if known.is_none_or(|known| (message.seq, message.rev) > (known.seq, known.rev)) {
            self.last_message = Some(message.clone());
        }
    }

    /// Whether it is so large that entries go only to devices that have it on screen.
    pub(super) fn is_large(&self) -> bool {
        self.thread.participant_count > PUSH_TO_ALL_PARTICIPANTS_MAX as u64
    }

    /// Who is in it now.
    pub(super) fn active(&self) -> impl Iterator<Item = &UserId> {
        self.people
            .iter()
            .filter(|(_, row)| row.is_active())
            .map(|(who, _)| who)
    }

    /// Whether somebody is in it now.
    pub(super) fn has_active(&self, who: &UserId) -> bool {
        self.people.get(who).is_some_and(ParticipantRow::is_active)
    }
}

/// Whether an entry changes who is in a thread.
pub(super) fn changes_people(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ThreadCreated(..)
            | Fact::ParticipantsAdded(..)
            | Fact::ParticipantRemoved(..)
            | Fact::ParticipantLeft(..)
            | Fact::RoleChanged(..)
    )
}

/// All threads that are kept; those that were used longest ago go first.
#[derive(Debug, Default)]
pub(super) struct LiveThreads {
    threads: HashMap<ThreadId, LiveThread>,
    people: usize,
    clock: u64,
}

impl LiveThreads {
    pub(super) fn get(&mut self, id: ThreadId) -> Option<&mut LiveThread> {
        self.clock += 1;
        let thread = self.threads.get_mut(&id)?;
        thread.used = self.clock;
        Some(thread)
    }

    /// A thread whose people are known.
    pub(super) fn get_sure(&mut self, id: ThreadId) -> Option<&mut LiveThread> {
        self.get(id).filter(|live| !live.is_in_doubt)
    }

    /// Adds a thread, or brings the one that is there up to date.
    pub(super) fn put(&mut self, roster: Roster) -> &mut LiveThread {
        let id = roster.thread.id;
        self.people += roster.people.len();
        match self.threads.entry(id) {
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                self.people -= entry.get().people.len();
                entry.get_mut().refresh(roster);
            }
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(LiveThread::new(roster));
            }
        }
        self.make_room(id);
        self.get(id).expect("it was put just now")
    }

    pub(super) fn remove(&mut self, id: ThreadId) {
        if let Some(thread) = self.threads.remove(&id) {
            self.people -= thread.people.len();
        }
    }

    pub(super) fn clear(&mut self) {
        self.threads.clear();
        self.people = 0;
    }

    /// Marks all as in doubt, and names them.
    pub(super) fn doubt_all(&mut self) -> impl Iterator<Item = ThreadId> {
        self.threads.iter_mut().map(|(id, live)| {
            live.is_in_doubt = true;
            *id
        })
    }

    /// Drops the older half when there is too much, except the one at hand.
    fn make_room(&mut self, keep: ThreadId) {
        if self.threads.len() <= THREADS_MAX && self.people <= PEOPLE_MAX {
            return;
        }
        let mut ages: Vec<_> = self.threads.values().map(|thread| thread.used).collect();
        let middle = ages.len() / 2;
        let (_, median, _) = ages.select_nth_unstable(middle);
        let median = *median;
        self.threads
            .retain(|id, thread| thread.used > median || *id == keep);
        self.people = self
            .threads
            .values()
            .map(|thread| thread.people.len())
            .sum();
    }
}
