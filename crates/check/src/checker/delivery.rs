//! S7 and S8: what each device was shown, thread by thread.

use super::{
    Checker,
    logs::{Log, Window},
    streams::Stream,
    verify::Heads,
};
use crate::{
    event::Action,
    report::{Findings, Invariant, Subject},
};

impl Checker {
    /// S7 and S8: what devices were shown is theirs to see, whole, and goes to the end.
    pub(super) fn verify_streams(&mut self, heads: &Heads) {
        for stream in &self.streams.streams {
            let user = self
                .sessions
                .get(stream.session as usize)
                .map_or(0, |session| session.user);
            let log = self.logs.logs.get(stream.thread as usize);
            let windows = self.logs.windows.get(&(user, stream.thread));
            let windows = &joined_up(windows.map_or(&[][..], Vec::as_slice))[..];
            let person = Subject::Member(user, stream.thread);
            verify_whole(stream, &mut self.findings);
            if let Some(log) = log.filter(|log| log.has_windows && user != 0) {
                verify_visible(stream, log, windows, person, &mut self.findings);
            }
            let Some(head) = heads.get(&stream.thread) else {
                continue;
            };
            let first = windows.iter().map(|window| window.from).min().unwrap_or(1);
            // A stranger has no end to come to.
            if user == 0 || !windows.is_empty() {
                verify_ends(stream, first, windows, head.0, &mut self.findings);
            }
        }
    }
}

fn span(stream: &Stream, from: u32, to: u32) -> Subject {
    Subject::Stream {
        session: stream.session,
        thread: stream.thread,
        from,
        to,
    }
}

fn verify_whole(stream: &Stream, findings: &mut Findings) {
    for (from, to) in &stream.skipped {
        findings.violation(Invariant::S7, &[span(stream, from - 1, to + 1)], || {
            format!(
                "Session {} never applied rev {from} to {to} of thread {}.",
                stream.session, stream.thread
            )
        });
    }
}

fn verify_visible(
    stream: &Stream,
    log: &Log,
    windows: &[Window],
    person: Subject,
    findings: &mut Findings,
) {
    let Stream {
        session, thread, ..
    } = stream;
    let is_theirs = |run: (u32, u32)| {
        let is_told = |rev| is_inside((rev, rev), windows) || changes_theirs(log, rev, windows);
        is_inside(run, windows) || (run.0..=run.1).all(is_told)
    };
    if let Some((from, to)) = stream.seen.iter().find(|run| !is_theirs(**run)) {
        findings.violation(Invariant::S8, &[span(stream, *from, *to), person], || {
            let mine = describe(windows);
            format!("Session {session} was given rev {from} to {to} of thread {thread}; {mine}.")
        });
    }
    if let Some((from, to)) = stream.hidden.iter().find(|run| touches(**run, windows)) {
        findings.violation(Invariant::S7, &[span(stream, *from, *to), person], || {
            let mine = describe(windows);
            format!(
                "Rev {from} to {to} of thread {thread} was hidden from session {session}; {mine}."
            )
        });
    }
}

fn verify_ends(
    stream: &Stream,
    first: u32,
    windows: &[Window],
    head: u32,
    findings: &mut Findings,
) {
    let Stream {
        session, thread, ..
    } = stream;
    if let Some((came_to, end)) = lag(stream, windows, head) {
        findings.violation(Invariant::S7, &[span(stream, came_to, end), Subject::Head(*thread)], || {
            format!("Session {session} has come to rev {came_to} of thread {thread} at the end, and should be at {end}.")
        });
    }
    if stream.began > first {
        findings.violation(Invariant::S7, &[span(stream, first, stream.began)], || {
            format!(
                "Session {session} begins thread {thread} at rev {} without a snapshot; its first rev is {first}.",
                stream.began
            )
        });
    }
}

/// Windows that follow one another without a gap are one.
fn joined_up(windows: &[Window]) -> Vec<Window> {
    let mut sorted = windows.to_vec();
    sorted.sort_unstable_by_key(|window| window.from);
    let mut joined: Vec<Window> = Vec::with_capacity(sorted.len());
    for window in sorted {
        match joined.last_mut() {
            Some(last) if last.until.is_some_and(|until| window.from <= until + 1) => {
                last.until = window.until;
            }
            _ => joined.push(window),
        }
    }
    joined
}

pub(super) fn is_inside(run: (u32, u32), windows: &[Window]) -> bool {
    let holds =
        |window: &Window| window.from <= run.0 && window.until.is_none_or(|until| run.1 <= until);
    windows.iter().any(holds)
}

/// Whether an entry changed a message that came while the person was in: told to them whenever it was.
fn changes_theirs(log: &Log, rev: u32, windows: &[Window]) -> bool {
    let Some(entry) = log.entries.get(rev as usize) else {
        return false;
    };
    let is_change = matches!(
        entry.action,
        Action::Edit | Action::Delete | Action::React | Action::Unreact
    );
    let message = log.messages.get(entry.seq as usize);
    let came = message.map_or(0, |message| message.rev);
    is_change && came != 0 && is_inside((came, came), windows)
}

fn touches(run: (u32, u32), windows: &[Window]) -> bool {
    let meets =
        |window: &Window| window.from <= run.1 && window.until.is_none_or(|until| run.0 <= until);
    windows.iter().any(meets)
}

/// Where a device is at the end and should be, if these differ.
fn lag(stream: &Stream, windows: &[Window], head: u32) -> Option<(u32, u32)> {
    let said = stream.at_end?;
    let end = windows
        .last()
        .and_then(|window| window.until)
        .unwrap_or(head);
    let came_to = said.min(stream.cursor);
    (came_to < end || said != stream.cursor).then_some((came_to, end))
}

fn describe(windows: &[Window]) -> String {
    if windows.is_empty() {
        return "this person was never in it".into();
    }
    let all: Vec<_> = windows
        .iter()
        .map(|window| match window.until {
            Some(until) => format!("from rev {} to {until}", window.from),
            None => format!("from rev {}", window.from),
        })
        .collect();
    format!("this person was in it {}", all.join(" and "))
}
