//! What a batch locks: threads, people's heads and stored answers by their rows; participants keys and absent heads by
//! number, which needs no row.
//!
//! Everything that is foreseen is locked at once, each kind in the order of its keys, and waited for. What turns out to be
//! needed later is only tried for: who holds a lock never waits for one that comes before it, so nobody waits in a
//! circle. A batch that got something in vain begins anew, with that in its first pass.
//!
//! Absent people, contacts, client ids and stored answers are not locked: the database refuses the second of
//! two who add the same, who then decides again and finds the first.

use std::collections::{BTreeSet, HashMap, HashSet};

use semel_core::{Key, rows::AnswerKey};
use semel_protocol::{ThreadId, UserId};
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    codec::{Columns, MoreColumns},
    connect::Session,
    load::{Found, Wanted, ask},
    plain,
};
use crate::{
    Error,
    keys::{is_list, single_keys},
};

macro_rules! threads {
    ($wait:literal) => {
        concat!(
            "SELECT id FROM threads WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
            $wait
        )
    };
}
pub(super) const THREADS_WAIT: &str = threads!("");
pub(super) const THREADS_TRY: &str = threads!(" NOWAIT");
pub(super) const OWNERS_WAIT: &str =
    "SELECT pg_advisory_xact_lock(k.number) FROM unnest($1::bigint[]) AS k (number)";
pub(super) const ACTORS_WAIT: &str =
    "SELECT pg_advisory_xact_lock_shared(k.number) FROM unnest($1::bigint[]) AS k (number)";
pub(super) const ACTORS_TRY: &str =
    "SELECT pg_try_advisory_xact_lock_shared(k.number) FROM unnest($1::bigint[]) AS k (number)";
pub(super) const OWNERS_TRY: &str =
    "SELECT pg_try_advisory_xact_lock(k.number) FROM unnest($1::bigint[]) AS k (number)";

macro_rules! absent_heads {
    ($function:literal) => {
        // Ordered before the locks are taken, however the rows are found: the planner leaves what has an OFFSET as it is.
        concat!(
            "SELECT ",
            $function,
            "(absent.number) FROM (
                 SELECT k.number FROM unnest($1::text[], $2::bigint[]) AS k (who, number)
                 WHERE NOT EXISTS (SELECT FROM person_heads WHERE user_id = k.who COLLATE \"C\")
                 ORDER BY k.number OFFSET 0
             ) AS absent"
        )
    };
}
pub(super) const HEADS_WAIT: &str = absent_heads!("pg_advisory_xact_lock");
pub(super) const HEADS_TRY: &str = absent_heads!("pg_try_advisory_xact_lock");

/// How what is loaded gets locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locking {
    /// Not at all: for questions.
    None,
    /// As soon as others let go.
    Wait,
    /// At once or not at all.
    Try,
}

/// What a transaction has locked and seen.
pub(super) struct Locks {
    is_question: bool,
    has_begun: bool,
    threads: HashSet<ThreadId>,
    /// Versions of people's rows that were read without a lock.
    pub(super) users: HashMap<UserId, Option<String>>,
    /// Stored answers that are there; no others are, or somebody adds them at the same time.
    pub(super) answers: HashSet<AnswerKey>,
}

impl Locks {
    /// Of a question.
    pub(super) fn none() -> Self {
        Self {
            is_question: true,
            ..Self::new()
        }
    }

    /// Of a transaction that begins.
    pub(super) fn new() -> Self {
        Self {
            is_question: false,
            has_begun: false,
            threads: HashSet::new(),
            users: HashMap::new(),
            answers: HashSet::new(),
        }
    }

    pub(super) fn locking(&self) -> Locking {
        match (self.is_question, self.has_begun) {
            (true, _) => Locking::None,
            (false, false) => Locking::Wait,
            (false, true) => Locking::Try,
        }
    }

    /// Locks threads, participants keys, and heads that are absent. Other rows are locked as they are read.
    pub(super) async fn take(&self, session: &Session, wanted: &Wanted) -> Result<Vec<Row>, Error> {
        let (of_threads, of_owners, of_heads, of_actors) = match self.locking() {
            Locking::None => return Ok(Vec::new()),
            Locking::Wait => (THREADS_WAIT, OWNERS_WAIT, HEADS_WAIT, ACTORS_WAIT),
            Locking::Try => (THREADS_TRY, OWNERS_TRY, HEADS_TRY, ACTORS_TRY),
        };
        let threads = threads_of(wanted);
        let threads: Vec<Uuid> = threads
            .difference(&self.threads.iter().copied().collect())
            .map(|id| id.0)
            .collect();
        let mut owners: Vec<i64> = wanted.owners.iter().map(number).collect();
        owners.extend(wanted.plain.iter().filter_map(plain::lock_number));
        owners.extend(wanted.alone.iter().map(standing));
        owners.sort_unstable();
        owners.dedup();
        let mut heads: Vec<(i64, &str)> = wanted
            .heads
            .iter()
            .map(|who| (number_of("person head", who.as_str()), who.as_str()))
            .collect();
        heads.sort_unstable();
        let (numbers, heads): (Vec<i64>, Vec<&str>) = heads.into_iter().unzip();
        let actors = wanted.actors.difference(&wanted.alone);
        let mut actors: Vec<i64> = actors.map(standing).collect();
        actors.sort_unstable();
        actors.dedup();
        let (_, mut tried, more, shared) = tokio::try_join!(biased;
            ask!(session, of_threads, threads),
            ask!(session, of_owners, owners),
            ask!(session, of_heads, heads, numbers),
            ask!(session, of_actors, actors),
        )?;
        tried.extend(more);
        tried.extend(shared);
        Ok(tried)
    }

    /// Notes what one round has locked and seen.
    pub(super) fn taken(&mut self, wanted: &Wanted, found: &Found) -> Result<(), Error> {
        if self.is_question {
            return Ok(());
        }
        if self.has_begun {
            for row in &found.tried {
                if !row.get_as(0)? {
                    return Err(Error::Conflict("a key is locked"));
                }
            }
        }
        self.has_begun = true;
        self.threads.extend(threads_of(wanted));
        for row in &found.users {
            self.users.insert(row.user(8)?, row.get_as(9)?);
        }
        for who in &wanted.users {
            self.users.entry(who.clone()).or_insert(None);
        }
        for row in &found.answers {
            self.answers.insert((row.user(0)?, row.text(1)?.to_owned()));
        }
        Ok(())
    }
}

/// What a batch that begins anew starts with, when it failed over a key.
pub(super) fn foreseen(key: &Key) -> Vec<Key> {
    let mut keys = single_keys(key.clone());
    keys.retain(|key| !is_list(key) || matches!(key, Key::Roster(_)));
    keys
}

/// A thread's row stands for everything that belongs to it.
fn threads_of(wanted: &Wanted) -> BTreeSet<ThreadId> {
    let seats = wanted.seats.iter().map(|(id, _)| *id);
    let messages = wanted.messages.iter().map(|(id, _)| *id);
    let by_id = wanted.message_ids.iter().map(|(id, _)| *id);
    let whole = wanted.threads.iter().chain(&wanted.rosters).copied();
    whole.chain(seats).chain(messages).chain(by_id).collect()
}

/// A number for a participants key, which is a hash already. Two keys with one number only wait for each other.
pub(super) fn number(key: &[u8; 32]) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&key[..8]);
    i64::from_be_bytes(first)
}

/// Locks of the standing of all people.
const STANDINGS: i64 = 256;

/// The number for the standing of people. Many share one: a call may name a thousand people, and the database has room for some thousands
/// of locks in all. Only whoever ends or suspends somebody takes it for themselves.
fn standing(who: &UserId) -> i64 {
    let place = number_of("standing", who.as_str()).rem_euclid(STANDINGS);
    number_of("standings", &place.to_string())
}

/// A number for something of a person, apart from those of participants keys.
fn number_of(what: &str, who: &str) -> i64 {
    let mut digest = Sha256::new();
    digest.update(what);
    digest.update(who);
    number(&digest.finalize().into())
}
