//! Which threads the people are in who are here, and up to where each was told: by this it is seen what other servers did.
//!
//! Invariant: a person is followed before their first device counts as connected, or is told the heads of their threads
//! afterwards; so nothing falls between what a device asks for and what it is told.
//! Invariant: what is behind a thread's place was told to those who follow it, or happened before they came, or they were told
//! the thread's head.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use semel_protocol::{Rev, ThreadId, UserId};
use tokio::time::Instant;

/// Threads of one person that are followed: those that moved last. Others are found when they move.
pub(super) const FOLLOWED_PER_PERSON_MAX: usize = 1_000;
/// How long somebody may take from being expected to being connected.
const EXPECTED_FOR: Duration = Duration::from_secs(30);

/// Up to where a log goes, or was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) epoch: u64,
    pub(super) rev: Rev,
}

#[derive(Debug)]
struct Thread {
    told: Reached,
    /// How many of the people here follow it.
    people: usize,
}

#[derive(Debug)]
struct Person {
    threads: BTreeSet<ThreadId>,
    /// Up to where their own log was heard.
    log: u64,
    expected_at: Instant,
}

/// What a person follows, as the store says.
#[derive(Debug, Default)]
pub(super) struct Following {
    pub(super) threads: Vec<(ThreadId, Reached)>,
    pub(super) log: u64,
}

/// How somebody begins to follow a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// They follow it already, or nobody follows them.
    Not,
    /// The thread is new here.
    First,
    /// Others here follow it, and were told up to this place: those who were here before, and come into it now, may not
    /// have been.
    Beside(Reached),
}

/// Everything that is followed here.
#[derive(Debug, Default)]
pub(super) struct Followed {
    people: BTreeMap<UserId, Person>,
    threads: BTreeMap<ThreadId, Thread>,
}

impl Followed {
    /// Whether a person is followed; from now on they are expected.
    pub(super) fn expect(&mut self, who: &UserId) -> bool {
        let person = self.people.get_mut(who);
        let is_followed = person.is_some();
        if let Some(person) = person {
            person.expected_at = Instant::now();
        }
        is_followed
    }

    /// Whether a person is followed.
    pub(super) fn has_person(&self, who: &UserId) -> bool {
        self.people.contains_key(who)
    }

    /// Whether somebody follows a thread.
    pub(super) fn has_thread(&self, id: ThreadId) -> bool {
        self.threads.contains_key(&id)
    }

    /// Whether a person follows a thread.
    pub(super) fn follows(&self, who: &UserId, id: ThreadId) -> bool {
        let person = self.people.get(who);
        person.is_some_and(|person| person.threads.contains(&id))
    }

    /// Begins to follow a person. Which of the threads nobody followed before.
    pub(super) fn put(&mut self, who: &UserId, following: Following) -> Vec<(ThreadId, Reached)> {
        if self.has_person(who) {
            return Vec::new();
        }
        let person = Person {
            threads: BTreeSet::new(),
            log: following.log,
            expected_at: Instant::now(),
        };
        self.people.insert(who.clone(), person);
        let mut new = Vec::new();
        for (id, place) in following.threads {
            if self.follow(who, id, place) == Begin::First {
                new.push((id, place));
            }
        }
        new
    }

    /// A person who is followed follows a thread, told up to a place if it is new here.
    pub(super) fn follow(&mut self, who: &UserId, id: ThreadId, told: Reached) -> Begin {
        let Some(person) = self.people.get_mut(who) else {
            return Begin::Not;
        };
        if !person.threads.insert(id) {
            return Begin::Not;
        }
        let thread = self.threads.entry(id);
        let thread = thread.or_insert(Thread { told, people: 0 });
        thread.people += 1;
        if thread.people == 1 {
            Begin::First
        } else {
            Begin::Beside(thread.told)
        }
    }

    /// Up to where a thread was told.
    pub(super) fn told(&self, id: ThreadId) -> Option<Reached> {
        self.threads.get(&id).map(|thread| thread.told)
    }

    /// Notes up to where a thread was told: the hub's task, which tells in order, knows it best.
    pub(super) fn tell(&mut self, id: ThreadId, place: Reached) {
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.told = place;
        }
    }

    /// Whether something of a thread was not told yet to those who follow it, if it is at this place.
    pub(super) fn is_behind(&self, id: ThreadId, place: Reached) -> bool {
        self.told(id)
            .is_some_and(|told| told.epoch != place.epoch || told.rev < place.rev)
    }

    /// Up to where a person's own log was heard, if it goes further.
    pub(super) fn log_before(&self, who: &UserId, log: u64) -> Option<u64> {
        let person = self.people.get(who)?;
        Some(person.log).filter(|before| *before < log)
    }

    /// Notes up to where a person's own log was heard.
    pub(super) fn heard_log(&mut self, who: &UserId, log: u64) {
        if let Some(person) = self.people.get_mut(who) {
            person.log = log.max(person.log);
        }
    }

    /// All threads, in order.
    pub(super) fn threads(&self) -> Vec<ThreadId> {
        self.threads.keys().copied().collect()
    }

    /// Everybody, in order.
    pub(super) fn people(&self) -> Vec<UserId> {
        self.people.keys().cloned().collect()
    }

    /// Forgets those who are neither connected nor expected any more.
    pub(super) fn sweep(&mut self, is_connected: impl Fn(&UserId) -> bool) {
        let gone: Vec<UserId> = self
            .people
            .iter()
            .filter(|(who, person)| {
                person.expected_at.elapsed() > EXPECTED_FOR && !is_connected(who)
            })
            .map(|(who, _)| who.clone())
            .collect();
        for who in gone {
            let person = self.people.remove(&who);
            for id in person.into_iter().flat_map(|person| person.threads) {
                if let Some(thread) = self.threads.get_mut(&id) {
                    thread.people -= 1;
                    if thread.people == 0 {
                        self.threads.remove(&id);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ThreadId = ThreadId(uuid::Uuid::from_u128(7));

    fn at(rev: Rev) -> Reached {
        Reached { epoch: 1, rev }
    }

    fn follow(followed: &mut Followed, who: &UserId, rev: Rev) {
        let threads = vec![(ID, at(rev))];
        followed.put(who, Following { threads, log: 0 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_thread_is_followed_as_long_as_somebody_is_here() {
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        let mut followed = Followed::default();
        follow(&mut followed, &ann, 3);
        // Ann was told less than there is now: that counts.
        follow(&mut followed, &bob, 5);
        assert_eq!(followed.told(ID), Some(at(3)));
        assert_eq!(followed.follow(&bob, ID, at(5)), Begin::Not);
        tokio::time::advance(EXPECTED_FOR + Duration::from_secs(1)).await;
        followed.sweep(|who| *who == bob);
        assert!(followed.has_thread(ID) && !followed.has_person(&ann));
        followed.expect(&bob);
        followed.sweep(|_| false);
        assert!(followed.has_thread(ID));
        tokio::time::advance(EXPECTED_FOR + Duration::from_secs(1)).await;
        followed.sweep(|_| false);
        assert!(!followed.has_thread(ID) && !followed.has_person(&bob));
    }

    #[tokio::test]
    async fn who_comes_in_beside_others_learns_what_those_were_told() {
        let [ann, bob] = ["ann", "bob"].map(|name| UserId::parse(name).unwrap());
        let mut followed = Followed::default();
        followed.put(&ann, Following::default());
        follow(&mut followed, &bob, 2);
        assert_eq!(
            followed.follow(&ann, ID, at(0)),
            Begin::Beside(at(2)),
            "bob came when the thread was made, and ann was not told yet"
        );
    }

    #[tokio::test]
    async fn what_is_beyond_a_place_or_of_another_epoch_was_not_told() {
        let ann = UserId::parse("ann").unwrap();
        let mut followed = Followed::default();
        follow(&mut followed, &ann, 3);
        assert!(followed.is_behind(ID, at(4)) && !followed.is_behind(ID, at(3)));
        let other = Reached { epoch: 2, rev: 1 };
        assert!(followed.is_behind(ID, other));
        followed.tell(ID, other);
        assert_eq!(followed.told(ID), Some(other));
    }
}
