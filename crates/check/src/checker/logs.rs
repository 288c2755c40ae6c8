//! What was seen of every log, by anyone: entries by rev, messages by seq.

use rustc_hash::FxHashMap;

use super::{calls::NONE, slot};
use crate::{
    Action, Event,
    report::{Findings, Invariant, Subject},
};

/// Memberships, by person and thread.
pub(super) type Windows = FxHashMap<(u32, u32), Vec<Window>>;

/// Every log, by thread number.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pub(super) logs: Vec<Log>,
    /// Who was in which thread, when.
    pub(super) windows: Windows,
}

/// One thread's log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// By rev; the first is not used.
    pub(super) entries: Vec<Entry>,
    /// By seq; the first is not used.
    pub(super) messages: Vec<Message>,
    /// Last seq and rev that were acknowledged so far.
    acknowledged: (u32, u32),
    open_sends: u32,
    /// Whether somebody's membership is known.
    pub(super) has_windows: bool,
}

/// What is known of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Content of the message as of this entry; 0 when not seen.
    pub(super) hash: u64,
    pub(super) seq: u32,
    pub(super) user: u32,
    /// The key that was acknowledged here, other than a send's.
    pub(super) key: u32,
    pub(super) action: Action,
    pub(super) is_final: bool,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) key: u64,
    pub(super) user: u32,
    pub(super) rev: u32,
    /// Number of the key that was acknowledged here.
    pub(super) acknowledged: u32,
    pub(super) is_seen: bool,
    pub(super) is_final: bool,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            hash: 0,
            seq: 0,
            user: 0,
            key: NONE,
            action: Action::None,
            is_final: false,
        }
    }
}

impl Default for Message {
    fn default() -> Self {
        Self {
            id: 0,
            key: 0,
            user: 0,
            rev: 0,
            acknowledged: NONE,
            is_seen: false,
            is_final: false,
        }
    }
}

/// A time in a thread: first and last rev that a person may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: u32,
    pub(super) until: Option<u32>,
}

impl Logs {
    /// Last seq and rev that were acknowledged so far.
    pub(super) fn acknowledged(&self, thread: u32) -> (u32, u32) {
        self.logs
            .get(thread as usize)
            .map_or((0, 0), |log| log.acknowledged)
    }

    /// Counts a send that is under way; true if there is another.
    pub(super) fn begin_send(&mut self, thread: u32) -> bool {
        let Some(log) = slot(&mut self.logs, thread).filter(|_| thread != 0) else {
            return false;
        };
        log.open_sends += 1;
        log.open_sends > 1
    }

    /// A send is not under way any more.
    pub(super) fn end_send(&mut self, thread: u32) {
        if let Some(log) = self.logs.get_mut(thread as usize) {
            log.open_sends = log.open_sends.saturating_sub(1);
        }
    }

    /// A call was answered with a place.
    pub(super) fn acknowledge(&mut self, event: &Event, key: u32, findings: &mut Findings) {
        let is_send = event.action == Action::Send;
        let Some(log) = slot(&mut self.logs, event.thread).filter(|_| event.thread != 0) else {
            return findings.flaw(|| format!("call {} succeeds in no thread", event.call));
        };
        if is_send {
            if event.seq == 0 {
                return findings.flaw(|| format!("send {} succeeds without a seq", event.call));
            }
            log.acknowledged.0 = log.acknowledged.0.max(event.seq);
            if let Some(message) = slot(&mut log.messages, event.seq)
                && message.acknowledged == NONE
            {
                message.acknowledged = key;
            }
        }
        log.acknowledged.1 = log.acknowledged.1.max(event.rev);
        if event.rev != 0
            && !is_send
            && let Some(entry) = slot(&mut log.entries, event.rev)
        {
            entry.key = key;
        }
    }

    /// A person came in: `rev` tells it, `version` is the first that they may see.
    pub(super) fn join(&mut self, event: &Event) {
        if let Some(log) = slot(&mut self.logs, event.thread) {
            log.has_windows = true;
        }
        let from = if event.version == 0 {
            event.rev
        } else {
            event.version
        };
        let windows = self.windows.entry((event.user, event.thread)).or_default();
        // Several readers may tell the same.
        if !windows.iter().any(|window| window.from == from) {
            windows.push(Window { from, until: None });
        }
    }

    /// A person went out: `rev` is the last that they may see.
    pub(super) fn leave(&mut self, event: &Event, findings: &mut Findings) {
        let windows = self.windows.entry((event.user, event.thread)).or_default();
        if windows.iter().any(|window| window.until == Some(event.rev)) {
            return;
        }
        match windows.last_mut().filter(|window| window.until.is_none()) {
            Some(window) => window.until = Some(event.rev),
            None => findings.flaw(|| {
                format!(
                    "person {} goes out of thread {} without being in",
                    event.user, event.thread
                )
            }),
        }
    }

    /// Somebody saw an entry or a message. All who see it see the same.
    pub(super) fn observe(&mut self, event: &Event, is_final: bool, findings: &mut Findings) {
        if matches!(event.action, Action::Hidden | Action::Unknown) {
            return;
        }
        if !event.action.is_entry() {
            return findings.flaw(|| format!("{:?} is no entry", event.action));
        }
        let Some(log) = slot(&mut self.logs, event.thread).filter(|_| event.thread != 0) else {
            return findings.flaw(|| format!("thread {} is out of range", event.thread));
        };
        let is_told = (event.rev == 0 || log.see_entry(event, is_final, findings))
            && (event.seq == 0 || log.see_message(event, is_final, findings));
        if !is_told {
            findings.flaw(|| format!("rev {} or seq {} is out of range", event.rev, event.seq));
        }
        let version = if event.version == 0 {
            event.rev
        } else {
            event.version
        };
        if event.hash != 0 && version != 0 {
            log.see_content(event, version, findings);
        }
    }
}

impl Log {
    fn see_entry(&mut self, event: &Event, is_final: bool, findings: &mut Findings) -> bool {
        let Some(entry) = slot(&mut self.entries, event.rev) else {
            return false;
        };
        entry.is_final |= is_final;
        if entry.action == Action::None {
            (entry.action, entry.seq, entry.user) = (event.action, event.seq, event.user);
        } else if (entry.action, entry.seq, entry.user) != (event.action, event.seq, event.user) {
            let before = *entry;
            findings.violation(Invariant::S5, &[Subject::Rev(event.thread, event.rev)], || {
                format!(
                    "Readers disagree about rev {} of thread {}: {:?} of seq {} by person {}, and {:?} of seq {} by \
                     person {}.",
                    event.rev,
                    event.thread,
                    before.action,
                    before.seq,
                    before.user,
                    event.action,
                    event.seq,
                    event.user
                )
            });
        }
        true
    }

    fn see_message(&mut self, event: &Event, is_final: bool, findings: &mut Findings) -> bool {
        let brings = event.action.brings_message();
        let Some(message) = slot(&mut self.messages, event.seq) else {
            return false;
        };
        let subjects = [Subject::Seq(event.thread, event.seq)];
        message.is_final |= is_final && brings;
        if brings && event.rev != 0 {
            if message.rev != 0 && message.rev != event.rev {
                let before = message.rev;
                findings.violation(Invariant::S5, &subjects, || {
                    format!(
                        "Seq {} of thread {} was given twice: at rev {before} and at rev {}.",
                        event.seq, event.thread, event.rev
                    )
                });
                return true;
            }
            message.rev = event.rev;
        }
        // An entry about a message may say only which; a person may not be allowed to see more.
        let says_more = event.id != 0 || event.key != 0;
        if !says_more {
            return true;
        }
        if !message.is_seen {
            message.is_seen = true;
            (message.id, message.key) = (event.id, event.key);
        } else if (message.id, message.key) != (event.id, event.key) {
            let before = *message;
            findings.violation(Invariant::S5, &subjects, || {
                format!(
                    "Readers disagree about seq {} of thread {}: id {:016x} with key {:016x}, and id {:016x} with \
                     key {:016x}.",
                    event.seq, event.thread, before.id, before.key, event.id, event.key
                )
            });
        }
        if brings && message.user == 0 {
            message.user = event.user;
        }
        true
    }

    fn see_content(&mut self, event: &Event, version: u32, findings: &mut Findings) {
        let Some(entry) = slot(&mut self.entries, version) else {
            return findings.flaw(|| format!("version {version} is out of range"));
        };
        if entry.hash == 0 {
            entry.hash = event.hash;
        } else if entry.hash != event.hash {
            let before = entry.hash;
            let subjects = [
                Subject::Rev(event.thread, version),
                Subject::Seq(event.thread, event.seq),
            ];
            findings.violation(Invariant::S5, &subjects, || {
                format!(
                    "Readers disagree about the content of seq {} of thread {} as of rev {version}: {before:016x} and \
                     {:016x}.",
                    event.seq, event.thread, event.hash
                )
            });
        }
    }
}
