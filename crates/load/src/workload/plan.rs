//! What a workload is made of.

use std::time::Duration;

use crate::record::Level;

/// How many people do what, and how fast. All of them take turns until they are told to stop: each waits for its answers,
/// thinks, and goes on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of all random choices.
    pub seed: u64,
    /// Begins everybody's user id. Another run on the same database needs another name.
    pub name: String,
    /// People; at least 3.
    pub people: usize,
    /// Devices of each, connected all the time; at least 1.
    pub devices: usize,
    /// Groups that are written to at a time; at least 1.
    pub threads: usize,
    /// People of each group who stay in it; at least 2.
    pub members: usize,
    /// People of each group who come and go.
    pub guests: usize,
    /// Devices that write through their outbox.
    pub senders: usize,
    /// Messages that these write at most before they wait for answers.
    pub burst: usize,
    /// People who give up when an answer is late, and go on with another message.
    pub hasty: usize,
    /// People who do everything over HTTP with idempotency keys, and repeat it.
    pub keyed: usize,
    /// Those who have several people make the same thread at once.
    pub racers: usize,
    /// Threads that these make at most.
    pub races_max: usize,
    /// Those who add and remove people, and give titles and roles.
    pub managers: usize,
    /// People who read.
    pub readers: usize,
    /// Pause between two turns of one of them.
    pub think: Duration,
    /// Time in which hasty people want an answer.
    pub patience: Duration,
    /// Time in which everybody else does.
    pub call_limit: Duration,
    /// Entries after which a group is left alone and another one takes its place; below
    /// [`semel_protocol::limits::SYNC_BEHIND_ENTRIES_MAX`], so that the whole log can be read at the end.
    pub entries_per_thread_max: u64,
    /// How much of the devices that do not write is recorded.
    pub level: Level,
}

impl Plan {
    /// Five people, everything at least now and then: for tests.
    pub fn tiny(seed: u64) -> Self {
        Self {
            seed,
            name: format!("tiny-{seed}"),
            people: 5,
            devices: 2,
            threads: 2,
            members: 3,
            guests: 2,
            senders: 3,
            burst: 4,
            hasty: 2,
            keyed: 2,
            racers: 1,
            races_max: 20,
            managers: 1,
            readers: 1,
            think: Duration::from_millis(2),
            patience: Duration::from_millis(500),
            call_limit: Duration::from_secs(10),
            entries_per_thread_max: 8_000,
            level: Level::Everything,
        }
    }

    /// Two dozen people at a pace that leaves a server of two cores room to breathe: for long runs under faults.
    pub fn steady(seed: u64) -> Self {
        Self {
            name: format!("steady-{seed}"),
            people: 24,
            devices: 2,
            threads: 8,
            members: 5,
            guests: 3,
            senders: 16,
            burst: 8,
            hasty: 6,
            keyed: 6,
            racers: 2,
            races_max: 200,
            managers: 2,
            readers: 3,
            think: Duration::from_millis(10),
            ..Self::tiny(seed)
        }
    }

    /// The same people without haste, so that what they wait for is what broke and not the others: for measuring how long
    /// things take to be well again.
    pub fn calm(seed: u64) -> Self {
        Self {
            name: format!("calm-{seed}"),
            burst: 2,
            think: Duration::from_millis(150),
            ..Self::steady(seed)
        }
    }

    /// As many acknowledged sends as go, in long bursts from many outboxes to small groups.
    pub fn heavy(seed: u64) -> Self {
        Self {
            name: format!("heavy-{seed}"),
            people: 64,
            devices: 1,
            threads: 48,
            members: 3,
            guests: 1,
            senders: 64,
            burst: 100,
            hasty: 4,
            keyed: 4,
            racers: 1,
            races_max: 200,
            managers: 1,
            readers: 2,
            think: Duration::from_millis(1),
            patience: Duration::from_secs(5),
            ..Self::tiny(seed)
        }
    }

    /// What is wrong with it.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let checks = [
            (self.people < 3, "at least 3 people"),
            (self.devices < 1, "at least 1 device of each person"),
            (self.threads < 1, "at least 1 thread"),
            (self.members < 2, "at least 2 people who stay in a thread"),
            (
                self.members + self.guests > self.people,
                "no more members and guests than people",
            ),
        ];
        let broken = checks.into_iter().find(|(is_broken, _)| *is_broken);
        broken.map(|(_, wanted)| wanted)
    }
}
