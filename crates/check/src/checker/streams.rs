//! What devices received and applied, and what final readers found, thread by thread.

use rustc_hash::FxHashMap;

use crate::{
    Action, Event,
    coverage::{Coverage, Sometimes},
    report::{Findings, Invariant, Subject},
};

/// Every pair of session and thread.
#[derive(Debug, Default)]
pub(super) struct Streams {
    numbers: Pairs,
    pub(super) streams: Vec<Stream>,
}

/// Numbers for pairs. The last one is remembered: events of a pair come in runs.
#[derive(Debug, Default)]
struct Pairs {
    numbers: FxHashMap<(u32, u32), usize>,
    last: Option<((u32, u32), usize)>,
}

impl Pairs {
    fn number(&mut self, pair: (u32, u32)) -> (usize, bool) {
        if let Some((last, number)) = self.last
            && last == pair
        {
            return (number, false);
        }
        let next = self.numbers.len();
        let number = *self.numbers.entry(pair).or_insert(next);
        self.last = Some((pair, number));
        (number, number == next)
    }
}

/// Runs of consecutive revs, first and last.
pub(super) type Runs = Vec<(u32, u32)>;

/// What one session saw of one thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) session: u32,
    pub(super) thread: u32,
    /// First entry that was applied, when no snapshot came before it.
    pub(super) began: u32,
    /// Last entry that was applied.
    pub(super) cursor: u32,
    has_snapshot: bool,
    /// Last entry that was received.
    wire: u32,
    /// Entries that were left out so far.
    pub(super) skipped: Runs,
    /// Entries that were received or applied with what they say.
    pub(super) seen: Runs,
    /// Entries that were applied without what they say.
    pub(super) hidden: Runs,
    /// Where the device says it is at the end.
    pub(super) at_end: Option<u32>,
}

impl Streams {
    fn stream(&mut self, event: &Event) -> &mut Stream {
        let (number, is_new) = self.numbers.number((event.session, event.thread));
        if is_new {
            self.streams.push(Stream {
                session: event.session,
                thread: event.thread,
                ..Stream::default()
            });
        }
        &mut self.streams[number]
    }

    /// An entry arrived; order does not matter yet.
    pub(super) fn receive(&mut self, event: &Event, is_seen: bool, coverage: &mut Coverage) {
        let stream = self.stream(event);
        if is_seen {
            extend(&mut stream.seen, event.rev);
        }
        let known = stream.wire.max(stream.cursor);
        if known != 0 && event.rev <= known {
            coverage.saw(Sometimes::Duplicate);
        } else if known != 0 && event.rev > known + 1 {
            coverage.saw(Sometimes::Gap);
        }
        stream.wire = stream.wire.max(event.rev);
    }

    /// The device goes on behind a snapshot.
    pub(super) fn snapshot(&mut self, event: &Event, findings: &mut Findings) {
        let stream = self.stream(event);
        if event.rev < stream.cursor {
            let before = stream.cursor;
            findings.violation(Invariant::S7, &[subject(event, event.rev, before)], || {
                format!(
                    "Session {} goes back in thread {}: a snapshot at rev {} after rev {before} was applied.",
                    event.session, event.thread, event.rev
                )
            });
        }
        stream.has_snapshot = true;
        stream.cursor = event.rev;
        stream.wire = stream.wire.max(event.rev);
    }

    /// The device shows an entry.
    pub(super) fn apply(&mut self, event: &Event, findings: &mut Findings) {
        let stream = self.stream(event);
        let rev = event.rev;
        let runs = if event.action == Action::Hidden {
            &mut stream.hidden
        } else {
            &mut stream.seen
        };
        extend(runs, rev);
        if rev == stream.cursor + 1 || (stream.cursor == 0 && !stream.has_snapshot) {
            if stream.cursor == 0 && !stream.has_snapshot {
                stream.began = rev;
            }
            stream.cursor = rev;
            return;
        }
        if rev > stream.cursor {
            stream.skipped.push((stream.cursor + 1, rev - 1));
            stream.cursor = rev;
            return;
        }
        let cursor = stream.cursor;
        let was_skipped = take_out(&mut stream.skipped, rev);
        findings.violation(Invariant::S7, &[subject(event, rev, cursor)], || {
            let what = if was_skipped {
                "applies too late"
            } else {
                "applies again"
            };
            format!(
                "Session {} {what} rev {rev} of thread {}: it had come to rev {cursor}.",
                event.session, event.thread
            )
        });
    }

    /// The device is still there at the end.
    pub(super) fn converge(&mut self, event: &Event) {
        self.stream(event).at_end = Some(event.rev);
    }
}

fn subject(event: &Event, from: u32, to: u32) -> Subject {
    Subject::Stream {
        session: event.session,
        thread: event.thread,
        from,
        to,
    }
}

/// Adds a rev to runs, most often at the end of the last.
fn extend(runs: &mut Runs, rev: u32) {
    match runs.last_mut() {
        Some(last) if last.0 <= rev && rev <= last.1 => {}
        Some(last) if last.1.checked_add(1) == Some(rev) => last.1 = rev,
        _ => runs.push((rev, rev)),
    }
}

/// Takes a rev out of runs; false if it was not there.
fn take_out(runs: &mut Runs, rev: u32) -> bool {
    let Some(index) = runs.iter().position(|run| run.0 <= rev && rev <= run.1) else {
        return false;
    };
    let (from, to) = runs.swap_remove(index);
    if from < rev {
        runs.push((from, rev - 1));
    }
    if rev < to {
        runs.push((rev + 1, to));
    }
    true
}

/// Who read a final log, and what they say about its end.
#[derive(Debug, Default)]
pub(super) struct FinalReaders {
    numbers: Pairs,
    pub(super) readers: Vec<FinalReader>,
}

/// One reader of one final log.
#[derive(Clone, Debug, Default)]
pub(super) struct FinalReader {
    pub(super) session: u32,
    pub(super) thread: u32,
    pub(super) last: u32,
    /// Last rev and seq, as this reader was told.
    pub(super) head: Option<(u32, u32)>,
}

impl FinalReaders {
    fn reader(&mut self, event: &Event) -> &mut FinalReader {
        let (number, is_new) = self.numbers.number((event.session, event.thread));
        if is_new {
            self.readers.push(FinalReader {
                session: event.session,
                thread: event.thread,
                ..FinalReader::default()
            });
        }
        &mut self.readers[number]
    }

    /// An entry of a final log.
    pub(super) fn entry(&mut self, event: &Event, findings: &mut Findings) {
        let reader = self.reader(event);
        if reader.last != 0 && event.rev != reader.last + 1 {
            let before = reader.last;
            let subjects = [
                Subject::Rev(event.thread, before),
                Subject::Rev(event.thread, event.rev),
            ];
            findings.violation(Invariant::S5, &subjects, || {
                format!(
                    "The final log of thread {} that session {} read has rev {} right after rev {before}.",
                    event.thread, event.session, event.rev
                )
            });
        }
        reader.last = event.rev;
    }

    /// The end of a final log.
    pub(super) fn head(&mut self, event: &Event, findings: &mut Findings) {
        let reader = self.reader(event);
        if reader.last != event.rev {
            let last = reader.last;
            findings.violation(Invariant::S5, &[Subject::Head(event.thread)], || {
                format!(
                    "The final log of thread {} ends at rev {last} for session {}, and its head is said to be {}.",
                    event.thread, event.session, event.rev
                )
            });
        }
        reader.head = Some((event.rev, event.seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_grow_and_shrink() {
        let mut runs = vec![];
        for rev in [3, 4, 4, 5, 9, 10] {
            extend(&mut runs, rev);
        }
        assert_eq!(runs, [(3, 5), (9, 10)]);
        assert!(take_out(&mut runs, 4) && !take_out(&mut runs, 4) && take_out(&mut runs, 10));
        runs.sort_unstable();
        assert_eq!(runs, [(3, 3), (5, 5), (9, 9)]);
    }
}
