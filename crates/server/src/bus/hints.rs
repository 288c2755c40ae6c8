//! Hints: that something happened somewhere, never what it was.

use std::collections::{BTreeMap, BTreeSet};

use semel_core::{
    ports::{News, OwnLine},
    row::{Fact, Subject},
};
use semel_protocol::{Rev, SessionId, ThreadId, UserId};
use serde::{Deserialize, Serialize};

/// Hints of one kind that are kept at a time. What is beyond is dropped: the next look at the store makes up for it.
pub const HINTS_MAX: usize = 10_000;

/// What servers tell each other. Of what is said about the same thing the last one counts, so that any number of them can be
/// made one.
///
/// Whoever gets hints asks the store. A hint that was made up costs a question and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hints {
    /// Threads that moved: epoch and newest entry.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moved: BTreeMap<ThreadId, (u64, Rev)>,
    /// People who came into threads.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub joined: BTreeSet<(ThreadId, UserId)>,
    /// People whose position in a thread moved.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub positions: BTreeSet<(ThreadId, UserId)>,
    /// Lines of people's own logs.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub own: BTreeSet<Own>,
    /// Sign-ins that ended; none: all of that person.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub revoked: BTreeSet<(UserId, Option<SessionId>)>,
    /// Who types where, or stopped. Nobody looks that up: it is forgotten after some seconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub typing: BTreeMap<ThreadId, BTreeMap<UserId, bool>>,
}

/// Whose own log has a line, about what, under which number.
pub type Own = (UserId, About, u64);

/// What a line of a person's own log is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as in `Subject`")]
pub enum About {
    Thread(ThreadId),
    Contact(UserId),
    Block(UserId),
    BlockedBy(UserId),
    Profile(UserId),
}

/// The hint about a line; none about positions, which have their own.
pub fn of_line(line: &OwnLine) -> Option<Own> {
    let about = match line.subject.clone() {
        Subject::Read(_) => return None,
        Subject::Thread(id) => About::Thread(id),
        Subject::Contact(who) => About::Contact(who),
        Subject::Block(who) => About::Block(who),
        Subject::BlockedBy(who) => About::BlockedBy(who),
        Subject::Profile(who) => About::Profile(who),
    };
    Some((line.who.clone(), about, line.number))
}

/// The line that a hint is about.
pub fn line((who, about, number): Own) -> OwnLine {
    let subject = match about {
        About::Thread(id) => Subject::Thread(id),
        About::Contact(who) => Subject::Contact(who),
        About::Block(who) => Subject::Block(who),
        About::BlockedBy(who) => Subject::BlockedBy(who),
        About::Profile(who) => Subject::Profile(who),
    };
    OwnLine {
        who,
        subject,
        number,
    }
}

impl Hints {
    /// What other servers should look at after a commit of this one.
    pub fn of(news: &News) -> Self {
        let mut hints = Self::default();
        for (entry, _) in &news.entries {
            let place = (entry.epoch, entry.rev);
            let newest = hints.moved.entry(entry.thread_id).or_insert(place);
            *newest = place.max(*newest);
            if let Fact::ThreadCreated(people, _) | Fact::ParticipantsAdded(people, _) = &entry.fact
            {
                let joined = people.iter().map(|who| (entry.thread_id, who.clone()));
                hints.joined.extend(joined);
            }
        }
        let positions = news.positions.iter();
        hints.positions = positions.map(|(id, who, _)| (*id, who.clone())).collect();
        hints.own = news.own.iter().filter_map(of_line).collect();
        hints
    }

    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty()
            && self.joined.is_empty()
            && self.positions.is_empty()
            && self.own.is_empty()
            && self.revoked.is_empty()
            && self.typing.is_empty()
    }

    /// Takes others in, as far as there is room. How many were dropped.
    pub fn merge(&mut self, others: Self) -> usize {
        let mut dropped = 0;
        for (id, place) in others.moved {
            let is_full = self.moved.len() >= HINTS_MAX;
            match self.moved.get_mut(&id) {
                Some(newest) => *newest = place.max(*newest),
                None if is_full => dropped += 1,
                None => {
                    self.moved.insert(id, place);
                }
            }
        }
        dropped += add(&mut self.joined, others.joined);
        dropped += add(&mut self.positions, others.positions);
        dropped += add(&mut self.own, others.own);
        dropped += add(&mut self.revoked, others.revoked);
        for (id, people) in others.typing {
            if self.typing.len() < HINTS_MAX || self.typing.contains_key(&id) {
                let known = self.typing.entry(id).or_default();
                known.extend(people);
                while known.len() > TYPING_PER_THREAD_MAX {
                    known.pop_last();
                }
            }
        }
        dropped
    }

    /// By a number of channels: what is about one thread or person always comes by the same.
    pub fn split(self, channels: usize) -> Vec<Self> {
        let mut split = vec![Self::default(); channels];
        let thread = |id: &ThreadId| channel_of(id.0.as_bytes(), channels);
        for (id, place) in self.moved {
            split[thread(&id)].moved.insert(id, place);
        }
        for seat in self.joined {
            split[thread(&seat.0)].joined.insert(seat);
        }
        for seat in self.positions {
            split[thread(&seat.0)].positions.insert(seat);
        }
        for own in self.own {
            let channel = channel_of(own.0.as_str().as_bytes(), channels);
            split[channel].own.insert(own);
        }
        for (who, session) in self.revoked {
            let channel = channel_of(who.as_str().as_bytes(), channels);
            split[channel].revoked.insert((who, session));
        }
        for (id, people) in self.typing {
            split[thread(&id)].typing.insert(id, people);
        }
        split
    }
}

/// People of one thread of whom is told at a time that they type.
const TYPING_PER_THREAD_MAX: usize = 50;

/// Which of so many channels something belongs to, on every server and in every version (FNV-1a).
pub fn channel_of(id: &[u8], channels: usize) -> usize {
    let hash = id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % channels as u64) as usize
}

fn add<T: Ord>(known: &mut BTreeSet<T>, others: BTreeSet<T>) -> usize {
    let mut dropped = 0;
    for one in others {
        if known.len() < HINTS_MAX {
            known.insert(one);
        } else if !known.contains(&one) {
            dropped += 1;
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(n: u128) -> ThreadId {
        ThreadId(uuid::Uuid::from_u128(n))
    }

    fn moved(places: impl IntoIterator<Item = (u128, u64)>) -> Hints {
        let moved = places.into_iter().map(|(id, rev)| (thread(id), (1, rev)));
        Hints {
            moved: moved.collect(),
            ..Hints::default()
        }
    }

    #[test]
    fn hints_about_one_thread_become_one() {
        let mut hints = moved([(1, 5)]);
        assert_eq!(hints.merge(moved([(1, 7), (2, 1)])), 0);
        assert_eq!(hints.merge(moved([(1, 6)])), 0);
        assert_eq!(hints, moved([(1, 7), (2, 1)]));
    }

    #[test]
    fn l3_hints_that_wait_have_a_limit() {
        let mut hints = moved((0..HINTS_MAX as u128).map(|id| (id, 1)));
        let more = moved((0..HINTS_MAX as u128 + 3).map(|id| (id, 2)));
        assert_eq!(hints.merge(more), 3);
        assert_eq!(hints.moved.len(), HINTS_MAX);
        assert!(hints.moved.values().all(|place| *place == (1, 2)));
    }

    #[test]
    fn a_thread_keeps_its_channel() {
        let split = moved((0..100).map(|id| (id, 1))).split(4);
        for (n, hints) in split.iter().enumerate() {
            assert!(!hints.is_empty());
            for id in hints.moved.keys() {
                assert_eq!(channel_of(id.0.as_bytes(), 4), n);
            }
        }
        assert_eq!(
            split.iter().map(|hints| hints.moved.len()).sum::<usize>(),
            100
        );
    }

    #[test]
    fn what_a_newer_server_adds_is_stepped_over() {
        let mut hints = moved([(1, 5)]);
        hints
            .joined
            .insert((thread(1), UserId::parse("ann").unwrap()));
        let mut json = serde_json::to_value(&hints).unwrap();
        json["of another time"] = 1.into();
        assert_eq!(serde_json::from_value::<Hints>(json).unwrap(), hints);
    }
}
