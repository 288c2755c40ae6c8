//! Entries other than messages: each was asked for, and none came twice.

use rustc_hash::FxHashMap;

use super::{
    calls::Calls,
    logs::{Entry, Log, Logs},
    verify::Heads,
};
use crate::{
    Action,
    report::{Findings, Invariant, Subject},
};

/// Kind of change, thread, message that it is about, person.
type Effect = (Action, u32, u32, u32);

/// How many requests could have made an effect.
#[derive(Default)]
struct Asked {
    /// Not refused.
    possible: u32,
    refused: u32,
    /// One of them, for the time line.
    key: u64,
    /// Entries found.
    found: u32,
}

/// S3, S4, S10: there are at most as many entries of an effect as requests that may have made it. Entries are not told
/// apart further: an edit's words may have been replaced before anybody read them.
pub(super) fn verify(calls: &Calls, logs: &Logs, heads: &Heads, findings: &mut Findings) {
    let mut effects = FxHashMap::<Effect, Asked>::default();
    let mut edits = FxHashMap::<(u32, u32), Vec<u64>>::default();
    let changes = calls
        .keys
        .iter()
        .filter(|key| key.action.is_entry() && key.action != Action::Send);
    for key in changes {
        let asked = effects
            .entry((key.action, key.thread, key.seq, key.user))
            .or_default();
        *(if key.is_refused() {
            &mut asked.refused
        } else {
            &mut asked.possible
        }) += 1;
        asked.key = key.fingerprint;
        if key.action == Action::Edit {
            edits
                .entry((key.thread, key.seq))
                .or_default()
                .push(key.hash);
        }
    }
    for (log, thread) in logs.logs.iter().zip(0..) {
        for (entry, rev) in log.entries.iter().zip(0_u32..) {
            match entry.action {
                // A send to people may make a thread, and `Send` is judged by its client id.
                Action::None | Action::Send | Action::Create => continue,
                _ if heads.contains_key(&thread) && !entry.is_final => continue,
                _ => {}
            }
            let seq = if entry.action.brings_message() {
                0
            } else {
                entry.seq
            };
            let effect = (entry.action, thread, seq, entry.user);
            count(effect, effects.entry(effect).or_default(), rev, findings);
            if entry.hash != 0 && is_strange(entry, log, edits.get(&(thread, entry.seq))) {
                findings.violation(Invariant::S3, &[Subject::Seq(thread, entry.seq)], || {
                    format!(
                        "Seq {} of thread {thread} has the content {:016x} after {:?} at rev {rev}: nobody wrote it.",
                        entry.seq, entry.hash, entry.action
                    )
                });
            }
        }
    }
}

/// Whether a message has content, as of a change, that nobody gave it.
fn is_strange(entry: &Entry, log: &Log, edits: Option<&Vec<u64>>) -> bool {
    let is_edited = || edits.is_some_and(|hashes| hashes.contains(&entry.hash));
    let original = || {
        let rev = log
            .messages
            .get(entry.seq as usize)
            .map_or(0, |message| message.rev);
        log.entries.get(rev as usize).map_or(0, |entry| entry.hash)
    };
    match entry.action {
        Action::Edit => !is_edited(),
        Action::Delete => true,
        // The first words may never have been seen; then nothing can be said.
        Action::React | Action::Unreact => ![0, entry.hash].contains(&original()) && !is_edited(),
        _ => false,
    }
}

fn count(effect: Effect, asked: &mut Asked, rev: u32, findings: &mut Findings) {
    asked.found += 1;
    if asked.found <= asked.possible {
        return;
    }
    let (action, thread, _, user) = effect;
    let invariant = match (asked.possible, asked.refused) {
        (0, 0) => Invariant::S3,
        (0, _) => Invariant::S4,
        _ => Invariant::S10,
    };
    let subjects = [Subject::Rev(thread, rev), Subject::Key(asked.key)];
    findings.violation(invariant, &subjects, || {
        format!(
            "Rev {rev} of thread {thread} is {action:?} by person {user}: the {}. of its kind, of {} that may have \
             been made and {} that were refused.",
            asked.found, asked.possible, asked.refused
        )
    });
}
