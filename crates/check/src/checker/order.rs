//! S6: numbers follow real time, and each device's own order.

use rustc_hash::FxHashMap;

use super::{
    calls::{Calls, Key},
    logs::Logs,
    verify::{Place, is_some},
};
use crate::{
    Action,
    report::{Findings, Invariant, Subject},
};

pub(super) fn verify(calls: &Calls, logs: &Logs, places: &[Place], findings: &mut Findings) {
    for thread in 0..logs.logs.len() as u32 {
        verify_time(thread, calls, logs, findings);
    }
    verify_devices(calls, places, findings);
}

/// What was acknowledged before something else began has the lower rev. Walks from the end, with the earliest
/// acknowledgement of all later entries.
fn verify_time(thread: u32, calls: &Calls, logs: &Logs, findings: &mut Findings) {
    let log = &logs.logs[thread as usize];
    let mut earliest: Option<(&Key, usize)> = None;
    for (rev, entry) in log.entries.iter().enumerate().rev() {
        let number = match entry.action {
            Action::Send => log
                .messages
                .get(entry.seq as usize)
                .map(|message| message.acknowledged),
            _ => Some(entry.key),
        };
        let Some(key) = number
            .filter(|number| is_some(*number))
            .map(|number| &calls.keys[number as usize])
        else {
            continue;
        };
        if let Some((later, later_rev)) = earliest
            && later.first_ok < key.first_invoke
        {
            let subjects = [
                Subject::Key(later.fingerprint),
                Subject::Key(key.fingerprint),
            ];
            findings.violation(Invariant::S6, &subjects, || {
                format!(
                    "In thread {thread}, rev {later_rev} was acknowledged before the sender of rev {rev} had begun."
                )
            });
        }
        if earliest.is_none_or(|(later, _)| key.first_ok < later.first_ok) {
            earliest = Some((key, rev));
        }
    }
}

/// What a device sent in order is in order, whether it was acknowledged or not. A device gives up what is refused, and
/// goes on to its next message, while an attempt that was not answered before may still be stored: of those the order is
/// not judged.
fn verify_devices(calls: &Calls, places: &[Place], findings: &mut Findings) {
    let mut last: FxHashMap<(u64, u32), (u32, u64)> = FxHashMap::default();
    let sends = calls.keys.iter().zip(places).filter(|(key, place)| {
        key.ordered && place.0 != 0 && (key.is_acknowledged() || key.refused == 0)
    });
    for (key, (thread, seq)) in sends {
        let before = last.entry((key.device, *thread)).or_default();
        if *seq < before.0 {
            let (before_seq, before_key) = *before;
            let subjects = [Subject::Key(before_key), Subject::Key(key.fingerprint)];
            findings.violation(Invariant::S6, &subjects, || {
                format!(
                    "Device {} sent message {before_key:016x} before message {:016x}; in thread {thread} they have \
                     seq {before_seq} and seq {seq}.",
                    key.device, key.fingerprint
                )
            });
        } else {
            *before = (*seq, key.fingerprint);
        }
    }
}
