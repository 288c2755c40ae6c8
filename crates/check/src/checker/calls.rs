//! Calls, the keys that they carry, and the answers that they got.

use rustc_hash::FxHashMap;

use super::slot;
use crate::{
    Action, Event, ORDERED, TO_HEAD,
    coverage::{Coverage, Sometimes},
    report::{Findings, Invariant, Subject},
};

/// No key, no request.
pub(super) const NONE: u32 = u32::MAX;

/// Everything about calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_number: Vec<Call>,
    count: u64,
    pub(super) keys: Vec<Key>,
    key_numbers: FxHashMap<u64, u32>,
    requests: FxHashMap<u64, Request>,
    /// Other contents that were sent under a key that was used before.
    pub(super) other_contents: FxHashMap<u32, Vec<u64>>,
    /// Answers that said less than they had to; whether the reader was still there shows at the end.
    pub(super) stale_reads: Vec<StaleRead>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unused,
    Open,
    Ended,
}

#[derive(Clone, Copy, Debug, Default)]
struct Call {
    state: State,
    action: Action,
    to_head: bool,
    key: u32,
    user: u32,
    thread: u32,
    /// Last place that was acknowledged before a read began.
    acknowledged: u32,
    /// First and last row of the answer so far.
    first: u32,
    last: u32,
    request: u64,
}

/// A message or request: what its attempts have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) fingerprint: u64,
    pub(super) hash: u64,
    pub(super) first_invoke: u64,
    /// When the first success was known; the end of time until then.
    pub(super) first_ok: u64,
    /// Message id in the answer.
    pub(super) id: u64,
    pub(super) device: u64,
    pub(super) user: u32,
    pub(super) thread: u32,
    /// Of a send: the acknowledged place. Of others: the message that they are about.
    pub(super) seq: u32,
    /// The acknowledged place of others.
    pub(super) rev: u32,
    /// Whether an answer has told that place, or that there is none.
    pub(super) is_told: bool,
    /// Whom it is about.
    pub(super) person: u32,
    pub(super) attempts: u32,
    pub(super) refused: u32,
    pub(super) action: Action,
    pub(super) ordered: bool,
}

impl Key {
    pub(super) fn is_acknowledged(&self) -> bool {
        self.first_ok != u64::MAX
    }

    /// Whether every attempt was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.attempts == self.refused
    }
}

#[derive(Clone, Copy, Debug)]
struct Request {
    key: u32,
    answer: u64,
    /// The key of the first answer that was a success.
    effect: u32,
}

/// An answer that should have gone further.
#[derive(Clone, Copy, Debug)]
pub(super) struct StaleRead {
    pub(super) call: u32,
    pub(super) action: Action,
    pub(super) user: u32,
    pub(super) thread: u32,
    pub(super) said: u32,
    pub(super) acknowledged: u32,
}

/// What an ended call was about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) key: u32,
    pub(super) action: Action,
    /// Where the call was made, as far as was known then.
    pub(super) thread: u32,
}

impl Call {
    fn ended(&self) -> Ended {
        Ended {
            key: self.key,
            action: self.action,
            thread: self.thread,
        }
    }
}

impl Calls {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The number of a key, if it was ever used.
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        self.key_numbers.get(&key).copied()
    }

    pub(super) fn invoke(
        &mut self,
        event: &Event,
        device: u64,
        acked: (u32, u32),
        findings: &mut Findings,
    ) {
        self.count += 1;
        let mut call = Call {
            state: State::Open,
            action: event.action,
            to_head: event.code & TO_HEAD != 0,
            key: NONE,
            user: event.user,
            thread: event.thread,
            acknowledged: if event.action == Action::ReadEntries {
                acked.1
            } else {
                acked.0
            },
            ..Call::default()
        };
        if event.action.is_change() {
            if event.key == 0 || event.user == 0 {
                return findings.flaw(|| format!("call {} has no key or no person", event.call));
            }
            call.key = self.attempt(event, device);
            // A send is unique by its client id and may carry an idempotency key; for others the key is the latter.
            call.request = if event.action == Action::Send {
                event.id
            } else {
                event.key
            };
        }
        match slot(&mut self.by_number, event.call) {
            Some(place) if place.state == State::Unused && event.call != 0 => *place = call,
            _ => findings.flaw(|| format!("call {} begins twice or is out of range", event.call)),
        }
    }

    fn attempt(&mut self, event: &Event, device: u64) -> u32 {
        let next = self.keys.len() as u32;
        let number = *self.key_numbers.entry(event.key).or_insert(next);
        if number == next {
            self.keys.push(Key {
                fingerprint: event.key,
                hash: event.hash,
                first_invoke: event.time,
                first_ok: u64::MAX,
                id: 0,
                device,
                user: event.user,
                thread: event.thread,
                seq: event.seq,
                rev: 0,
                is_told: false,
                person: if event.action == Action::Leave {
                    event.user
                } else {
                    event.version
                },
                attempts: 1,
                refused: 0,
                action: event.action,
                ordered: event.code & ORDERED != 0,
            });
            return number;
        }
        let key = &mut self.keys[number as usize];
        key.attempts += 1;
        if key.hash != event.hash {
            self.other_contents
                .entry(number)
                .or_default()
                .push(event.hash);
        }
        number
    }

    fn end(&mut self, event: &Event, findings: &mut Findings) -> Option<Call> {
        let call = self.by_number.get_mut(event.call as usize);
        let Some(call) =
            call.filter(|call| call.state == State::Open && call.action == event.action)
        else {
            findings.flaw(|| {
                format!(
                    "call {} ends and was not open, or was another action",
                    event.call
                )
            });
            return None;
        };
        call.state = State::Ended;
        Some(*call)
    }

    pub(super) fn refuse(
        &mut self,
        event: &Event,
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) -> Option<Ended> {
        let call = self.end(event, findings)?;
        coverage.saw(Sometimes::Refused);
        if call.key != NONE {
            self.keys[call.key as usize].refused += 1;
            self.count_retry(call.key, coverage);
            self.answer(&call, event, false, findings, coverage);
        }
        Some(call.ended())
    }

    pub(super) fn lose(
        &mut self,
        event: &Event,
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) -> Option<Ended> {
        let call = self.end(event, findings)?;
        coverage.saw(Sometimes::Unknown);
        if call.key != NONE {
            self.count_retry(call.key, coverage);
        }
        Some(call.ended())
    }

    pub(super) fn succeed(
        &mut self,
        event: &Event,
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) -> Option<Ended> {
        let call = self.end(event, findings)?;
        if call.action.is_read() {
            coverage.saw(Sometimes::Read);
            self.judge_read(&call, event, findings);
        }
        if call.key != NONE {
            self.count_retry(call.key, coverage);
            self.acknowledge(&call, event, findings, coverage);
            self.answer(&call, event, true, findings, coverage);
        }
        Some(call.ended())
    }

    fn count_retry(&self, key: u32, coverage: &mut Coverage) {
        if self.keys[key as usize].attempts > 1 {
            coverage.saw(Sometimes::Retried);
        }
    }

    /// S2: every success of a key says the same.
    fn acknowledge(
        &mut self,
        call: &Call,
        event: &Event,
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) {
        let key = &mut self.keys[call.key as usize];
        // A stored answer that shows a message without its words, which were deleted since, tells neither.
        let tells = event.rev != 0 || event.hash != 0;
        let before = *key;
        if tells && !before.is_told {
            (key.rev, key.is_told) = (event.rev, true);
        }
        if !key.is_acknowledged() {
            key.first_ok = event.time;
            key.id = event.id;
            if event.action == Action::Send {
                coverage.saw(Sometimes::Acknowledged);
                (key.thread, key.seq) = (event.thread, event.seq);
            } else if key.thread == 0 {
                key.thread = event.thread;
            }
            return;
        }
        coverage.saw(Sometimes::Absorbed);
        let is_send = event.action == Action::Send;
        let subjects = [Subject::Key(event.key), Subject::Key(key.fingerprint)];
        if is_send && (before.thread, before.seq, before.id) != (event.thread, event.seq, event.id)
        {
            findings.violation(Invariant::S2, &subjects, || {
                format!(
                    "Message {:016x} was acknowledged at seq {} of thread {}, and again at seq {} of thread {}.",
                    before.fingerprint, before.seq, before.thread, event.seq, event.thread
                )
            });
        }
        if !is_send && tells && before.is_told && before.rev != event.rev {
            findings.violation(Invariant::S10, &subjects, || {
                format!(
                    "Request {:016x} was answered with rev {}, and again with rev {}: it took effect twice.",
                    before.fingerprint, before.rev, event.rev
                )
            });
        }
    }

    /// S10: every stored answer to an idempotency key is the same; one key has one effect.
    fn answer(
        &mut self,
        call: &Call,
        event: &Event,
        is_ok: bool,
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) {
        if call.request == 0 {
            return;
        }
        let effect = if is_ok { call.key } else { NONE };
        let fresh = Request {
            key: call.key,
            answer: event.hash,
            effect,
        };
        let request = match self.requests.entry(call.request) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(fresh);
                return;
            }
            std::collections::hash_map::Entry::Occupied(place) => place.into_mut(),
        };
        let same_request = request.key == call.key;
        let keys =
            [request.key, call.key].map(|key| Subject::Key(self.keys[key as usize].fingerprint));
        if same_request && request.answer != 0 && event.hash != 0 {
            coverage.saw(Sometimes::Replayed);
            if request.answer != event.hash {
                let before = request.answer;
                findings.violation(Invariant::S10, &keys, || {
                    format!(
                        "Request {:016x} got the answer {before:016x}, and when repeated the answer {:016x}.",
                        call.request, event.hash
                    )
                });
            }
        }
        if effect != NONE && request.effect != NONE && request.effect != effect {
            findings.violation(Invariant::S10, &keys, || {
                format!(
                    "Two different messages were accepted under the idempotency key {:016x}.",
                    call.request
                )
            });
        }
        if request.answer == 0 {
            request.answer = event.hash;
        }
        if request.effect == NONE {
            request.effect = effect;
        }
    }

    /// A row of an answer: rows are consecutive.
    pub(super) fn row(&mut self, event: &Event, findings: &mut Findings) {
        let call = self.by_number.get_mut(event.call as usize);
        let Some(call) = call.filter(|call| call.state == State::Open && call.action.is_read())
        else {
            return findings.flaw(|| {
                format!(
                    "a row belongs to call {}, which is no open read",
                    event.call
                )
            });
        };
        let place = if call.action == Action::ReadEntries {
            event.rev
        } else {
            event.seq
        };
        if call.last != 0 && place != call.last + 1 {
            let before = call.last;
            findings.violation(Invariant::S5, &[Subject::Call(event.call)], || {
                format!(
                    "The answer to call {} has number {place} of thread {} right after number {before}.",
                    event.call, event.thread
                )
            });
        }
        if call.first == 0 {
            call.first = place;
        }
        call.last = place;
    }

    /// S1, the stronger half: a read that began after an acknowledgement contains what was acknowledged.
    fn judge_read(&mut self, call: &Call, event: &Event, findings: &mut Findings) {
        let said = if call.action == Action::ReadEntries {
            event.rev
        } else {
            event.seq
        };
        let from = event.version;
        let is_empty = from == 0 || from > said;
        let is_whole = if is_empty {
            call.last == 0
        } else {
            (call.first, call.last) == (from, said)
        };
        if !is_whole {
            findings.violation(Invariant::S1, &[Subject::Call(event.call)], || {
                format!(
                    "The answer to call {} is said to be whole from {from} to {said} of thread {}, and has {} to {}.",
                    event.call, event.thread, call.first, call.last
                )
            });
        }
        if call.to_head && said < call.acknowledged {
            self.stale_reads.push(StaleRead {
                call: event.call,
                action: call.action,
                user: call.user,
                thread: call.thread,
                said,
                acknowledged: call.acknowledged,
            });
        }
    }
}
