//! The pass at the end: what was kept, compared with the final logs.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Checker,
    calls::{Calls, Key, NONE},
    delivery::is_inside,
    effects,
    logs::{Log, Message, Windows},
    order,
};
use crate::{
    Action,
    coverage::Sometimes,
    report::{Findings, Invariant, Subject},
};

/// Which threads have a final log, and its last rev and seq.
pub(super) type Heads = FxHashMap<u32, (u32, u32)>;

/// Where a key is in the final logs.
pub(super) type Place = (u32, u32);

impl Checker {
    pub(super) fn verify(&mut self) {
        let heads = self.verify_heads();
        for thread in 0..self.logs.logs.len() as u32 {
            if let Some(head) = heads.get(&thread) {
                self.verify_density(thread, *head);
            }
        }
        let mut places = vec![(0, 0); self.calls.keys.len()];
        for thread in 0..self.logs.logs.len() as u32 {
            self.verify_messages(thread, heads.contains_key(&thread), &mut places);
        }
        self.verify_acknowledged(&heads, &places);
        effects::verify(&self.calls, &self.logs, &heads, &mut self.findings);
        order::verify(&self.calls, &self.logs, &places, &mut self.findings);
        self.verify_streams(&heads);
        self.verify_reads();
        self.verify_positions();
    }

    /// S5: all readers of a final log were told the same end.
    fn verify_heads(&mut self) -> Heads {
        let mut heads = Heads::default();
        let mut agreed = FxHashSet::default();
        for reader in &self.finals.readers {
            let Some(head) = reader.head else {
                self.findings.flaw(|| {
                    format!(
                        "session {} read thread {} at the end without its head",
                        reader.session, reader.thread
                    )
                });
                continue;
            };
            if let Some(before) = heads.insert(reader.thread, head) {
                agreed.insert(reader.thread);
                if before != head {
                    self.findings.violation(Invariant::S5, &[Subject::Head(reader.thread)], || {
                        format!(
                            "Readers disagree about the end of thread {}: rev {} and seq {}, and rev {} and seq {}.",
                            reader.thread, before.0, before.1, head.0, head.1
                        )
                    });
                }
            }
        }
        for _ in agreed {
            self.coverage.saw(Sometimes::Agreed);
        }
        heads
    }

    /// S5: revs and seqs are 1 to n, and nothing was shown that is not there.
    fn verify_density(&mut self, thread: u32, head: (u32, u32)) {
        let log = &self.logs.logs[thread as usize];
        let mut last_seq = 0;
        for rev in 1..(head.0 as usize + 1).max(log.entries.len()) as u32 {
            let entry = log.entries.get(rev as usize).copied().unwrap_or_default();
            let is_known = entry.action != Action::None;
            let subjects = [Subject::Rev(thread, rev)];
            if rev <= head.0 && !entry.is_final {
                self.findings.violation(Invariant::S5, &subjects, || {
                    format!(
                        "The final log of thread {thread} ends at rev {} and has no rev {rev}.",
                        head.0
                    )
                });
            } else if rev > head.0 && is_known {
                self.findings.violation(Invariant::S5, &subjects, || {
                    format!(
                        "Rev {rev} of thread {thread} was shown, and the final log ends at rev {}.",
                        head.0
                    )
                });
            }
            if !is_known || !entry.action.brings_message() || rev > head.0 {
                continue;
            }
            if entry.seq != last_seq + 1 {
                let subjects = [Subject::Seq(thread, last_seq), subjects[0]];
                self.findings.violation(Invariant::S5, &subjects, || {
                    format!(
                        "In thread {thread}, rev {rev} brings seq {}, and the message before it has seq {last_seq}.",
                        entry.seq
                    )
                });
            }
            last_seq = entry.seq.max(last_seq);
        }
        if last_seq != head.1 {
            self.findings.violation(Invariant::S5, &[Subject::Head(thread)], || {
                format!("The final log of thread {thread} has {last_seq} messages, and says that it has {}.", head.1)
            });
        }
    }

    /// S2, S3, S4: every message that anybody saw was sent by somebody, as it is, and is there once.
    fn verify_messages(&mut self, thread: u32, has_final: bool, places: &mut [Place]) {
        let Self {
            calls,
            logs,
            findings,
            ..
        } = self;
        let log = &logs.logs[thread as usize];
        for (message, seq) in log
            .messages
            .iter()
            .zip(0..)
            .filter(|(message, _)| message.is_seen)
        {
            let is_missing = has_final && !message.is_final;
            if is_missing && message.rev == 0 {
                findings.violation(Invariant::S5, &[Subject::Seq(thread, seq)], || {
                    format!("Seq {seq} of thread {thread} was read, and is not in the final log.")
                });
            }
            let Some(number) = sender(calls, log, message, (thread, seq), findings) else {
                continue;
            };
            judge_message(calls, log, message, (thread, seq), number, findings);
            if is_missing {
                continue;
            }
            let place = &mut places[number as usize];
            if place.0 != 0 {
                let before = *place;
                findings.violation(Invariant::S2, &[Subject::Key(message.key)], || {
                    format!(
                        "Message {:016x} is there twice: at seq {} of thread {} and at seq {seq} of thread {thread}.",
                        message.key, before.1, before.0
                    )
                });
            }
            let key = &calls.keys[number as usize];
            let is_acknowledged = key.is_acknowledged() && (key.thread, key.seq) == (thread, seq);
            if place.0 == 0 || is_acknowledged {
                *place = (thread, seq);
            }
        }
    }

    /// S1: what was acknowledged is in the final log, at its place.
    fn verify_acknowledged(&mut self, heads: &Heads, places: &[Place]) {
        let Self {
            calls,
            logs,
            findings,
            ..
        } = self;
        let mut unread = FxHashSet::default();
        for (key, place) in calls.keys.iter().zip(places) {
            if !key.is_acknowledged() {
                continue;
            }
            if !heads.contains_key(&key.thread) {
                if (key.action == Action::Send || key.action.is_entry())
                    && unread.insert(key.thread)
                {
                    findings.flaw(|| format!("thread {} was never read at the end", key.thread));
                }
                continue;
            }
            let log = &logs.logs[key.thread as usize];
            if key.action == Action::Send {
                let subjects = [
                    Subject::Key(key.fingerprint),
                    Subject::Seq(key.thread, key.seq),
                ];
                if let Some(text) = misplaced(key, *place, log) {
                    findings.violation(Invariant::S1, &subjects, || text);
                }
            } else if key.action.is_entry() && key.rev != 0 {
                verify_change(key, log, &logs.windows, findings);
            }
        }
    }

    /// S1, the stronger half: readers who were in the thread got everything that was acknowledged before.
    fn verify_reads(&mut self) {
        for read in &self.calls.stale_reads {
            let by_rev = read.action == Action::ReadEntries;
            let log = &self.logs.logs[read.thread as usize];
            let windows = self.logs.windows.get(&(read.user, read.thread));
            let is_theirs = |number: u32| {
                let message = log.messages.get(number as usize).filter(|_| !by_rev);
                let rev = message.map_or(number, |message| message.rev);
                windows.is_none_or(|windows| is_inside((rev, rev), windows))
            };
            if !(read.said + 1..=read.acknowledged).any(is_theirs) {
                continue;
            }
            let numbers: fn(u32, u32) -> Subject = if by_rev { Subject::Rev } else { Subject::Seq };
            let subjects = [
                Subject::Call(read.call),
                numbers(read.thread, read.acknowledged),
            ];
            self.findings.violation(Invariant::S1, &subjects, || {
                format!(
                    "The answer to call {} ends at {} of thread {}, and {} had been acknowledged before it began.",
                    read.call, read.said, read.thread, read.acknowledged
                )
            });
        }
    }

    /// S11: at the end nobody's position is below what was acknowledged.
    fn verify_positions(&mut self) {
        for ((user, thread), position) in &self.positions.at_end {
            let acknowledged = self
                .positions
                .acknowledged
                .get(&(*user, *thread))
                .copied()
                .unwrap_or(0);
            if *position < acknowledged {
                self.findings.violation(Invariant::S11, &[Subject::Position(*user, *thread)], || {
                    format!(
                        "The read position of person {user} in thread {thread} ends at {position}; {acknowledged} was \
                         acknowledged."
                    )
                });
            }
        }
    }
}

/// The number of the key under which a message was sent.
fn sender(
    calls: &Calls,
    log: &Log,
    message: &Message,
    place: Place,
    findings: &mut Findings,
) -> Option<u32> {
    let (thread, seq) = place;
    if message.key == 0 {
        let entry = log.entries.get(message.rev as usize);
        if entry.is_some_and(|entry| entry.action == Action::Send) {
            findings.violation(Invariant::S3, &[Subject::Seq(thread, seq)], || {
                format!("Seq {seq} of thread {thread} is a message without a client id.")
            });
        }
        return None;
    }
    let hint = calls.keys.get(message.acknowledged as usize);
    if hint.is_some_and(|key| key.fingerprint == message.key) {
        return Some(message.acknowledged);
    }
    let number = calls.find(message.key);
    if number.is_none() {
        let subjects = [Subject::Key(message.key), Subject::Seq(thread, seq)];
        findings.violation(Invariant::S3, &subjects, || {
            format!("Seq {seq} of thread {thread} is a message that nobody sent.")
        });
    }
    number
}

/// S3, S4: a message is as it was sent, and was not refused.
fn judge_message(
    calls: &Calls,
    log: &Log,
    message: &Message,
    place: Place,
    number: u32,
    findings: &mut Findings,
) {
    let (thread, seq) = place;
    let key = &calls.keys[number as usize];
    let subjects = [Subject::Key(message.key), Subject::Seq(thread, seq)];
    if key.is_refused() {
        findings.violation(Invariant::S4, &subjects, || {
            format!(
                "Message {:016x} was refused, each of {} times, and is in thread {thread} at seq {seq}.",
                key.fingerprint, key.attempts
            )
        });
    }
    if message.user != 0 && message.user != key.user {
        findings.violation(Invariant::S3, &subjects, || {
            format!(
                "Seq {seq} of thread {thread} says that person {} wrote it; it was person {}.",
                message.user, key.user
            )
        });
    }
    // The entry that brought the message holds what the message said then.
    let hash = log
        .entries
        .get(message.rev as usize)
        .map_or(0, |entry| entry.hash);
    let others = || {
        calls
            .other_contents
            .get(&number)
            .is_some_and(|others| others.contains(&hash))
    };
    if message.rev != 0 && hash != 0 && hash != key.hash && !others() {
        findings.violation(Invariant::S3, &subjects, || {
            format!(
                "Seq {seq} of thread {thread} has the content {hash:016x}; what was sent is {:016x}.",
                key.hash
            )
        });
    }
}

/// S1, S8: an acknowledged change other than a send is there, and who was taken out is out.
fn verify_change(key: &Key, log: &Log, windows: &Windows, findings: &mut Findings) {
    let (thread, rev) = (key.thread, key.rev);
    let entry = log.entries.get(rev as usize).copied().unwrap_or_default();
    let fits = entry.is_final && entry.action == key.action && entry.user == key.user;
    if !fits {
        let subjects = [Subject::Key(key.fingerprint), Subject::Rev(thread, rev)];
        findings.violation(Invariant::S1, &subjects, || {
            format!(
                "{:?} by person {} was acknowledged as rev {rev} of thread {thread}, and is not there.",
                key.action, key.user
            )
        });
    }
    let windows = windows
        .get(&(key.person, thread))
        .map_or(&[][..], Vec::as_slice);
    let ends = windows.iter().any(|window| window.until == Some(rev));
    let is_going = matches!(key.action, Action::Remove | Action::Leave);
    if is_going && log.has_windows && !ends {
        let subjects = [
            Subject::Key(key.fingerprint),
            Subject::Member(key.person, thread),
        ];
        findings.violation(Invariant::S8, &subjects, || {
            format!(
                "Person {} went out of thread {thread} at rev {rev}, as was acknowledged, and is not out from there.",
                key.person
            )
        });
    }
}

/// Says how an acknowledged send is not at its place.
fn misplaced(key: &Key, place: Place, log: &Log) -> Option<String> {
    let message = log
        .messages
        .get(key.seq as usize)
        .copied()
        .unwrap_or_default();
    if place == (key.thread, key.seq) {
        return (key.id != 0 && message.id != key.id).then(|| {
            format!(
                "Message {:016x} was acknowledged with id {:016x}, and has id {:016x}.",
                key.fingerprint, key.id, message.id
            )
        });
    }
    let said = format!(
        "Message {:016x} was acknowledged at seq {} of thread {}",
        key.fingerprint, key.seq, key.thread
    );
    Some(if place.0 != 0 {
        format!("{said}, and is at seq {} of thread {}.", place.1, place.0)
    } else if message.is_seen && message.key != key.fingerprint {
        format!(
            "{said}, and is nowhere; message {:016x} is at that place.",
            message.key
        )
    } else {
        format!("{said}, and is nowhere.")
    })
}

/// Whether a number is one.
pub(super) fn is_some(number: u32) -> bool {
    number != NONE
}
