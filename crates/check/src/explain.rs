//! Makes a violation plain: the events that belong to it, on a time line, in words.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::{
    Action, Event, Kind, Report, Subject, Violation,
    event::{DUPLICATE, ORDERED, TO_HEAD, code_text},
};

const EVENTS_FIRST_MAX: usize = 12;
const EVENTS_LAST_MAX: usize = 8;
const SURROUNDINGS_MAX: usize = 10_000;

/// Collects, in one pass over the history, the events of all violations of a report.
pub(crate) struct Collector<'a> {
    report: &'a mut Report,
    by_subject: FxHashMap<Subject, Vec<usize>>,
    streams: Vec<(usize, Subject)>,
    /// Faults and what happened to servers, for all.
    surroundings: Vec<Event>,
    last: Vec<std::collections::VecDeque<Event>>,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(report: &'a mut Report) -> Self {
        let mut by_subject = FxHashMap::<_, Vec<_>>::default();
        let mut streams = vec![];
        for (index, violation) in report.violations.iter().enumerate() {
            for subject in &violation.subjects {
                if matches!(subject, Subject::Stream { .. }) {
                    streams.push((index, *subject));
                } else {
                    by_subject.entry(*subject).or_default().push(index);
                }
            }
        }
        let last = vec![std::collections::VecDeque::new(); report.violations.len()];
        Self {
            report,
            by_subject,
            streams,
            surroundings: vec![],
            last,
        }
    }

    /// Offers an event.
    pub(crate) fn push(&mut self, event: &Event) {
        match event.kind {
            Kind::Name => return self.name(event),
            Kind::Fault | Kind::Heal | Kind::Node if self.surroundings.len() < SURROUNDINGS_MAX => {
                self.surroundings.push(*event);
            }
            _ => {}
        }
        let mut wanted = vec![];
        for subject in subjects_of(event).into_iter().flatten() {
            wanted.extend(self.by_subject.get(&subject).into_iter().flatten().copied());
        }
        for (index, subject) in &self.streams {
            let Subject::Stream {
                session,
                thread,
                from,
                to,
            } = *subject
            else {
                continue;
            };
            let moves = matches!(event.kind, Kind::Apply | Kind::Final) && event.session == session;
            if moves && event.thread == thread && (from..=to).contains(&event.rev) {
                wanted.push(*index);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        for index in wanted {
            self.add(index, event);
        }
    }

    /// Adds the faults that were going on, and puts everything in order.
    pub(crate) fn finish(self) {
        for (violation, last) in self.report.violations.iter_mut().zip(self.last) {
            violation.events.extend(last);
            let (Some(first), Some(last)) = (violation.events.first(), violation.events.last())
            else {
                continue;
            };
            let (from, to) = (first.time, last.time);
            let around = self
                .surroundings
                .iter()
                .filter(|event| (from..=to).contains(&event.time));
            let around: Vec<_> = around.take(EVENTS_LAST_MAX).copied().collect();
            violation.events.extend(around);
            violation.events.sort_by_key(|event| event.time);
        }
    }

    fn add(&mut self, index: usize, event: &Event) {
        let violation = &mut self.report.violations[index];
        if violation.events.len() < EVENTS_FIRST_MAX {
            violation.events.push(*event);
            return;
        }
        let last = &mut self.last[index];
        last.push_back(*event);
        if last.len() > EVENTS_LAST_MAX {
            last.pop_front();
            violation.events_left_out += 1;
        }
    }

    fn name(&mut self, event: &Event) {
        let bytes = event.name_bytes();
        let piece = String::from_utf8_lossy(&bytes);
        let name = self
            .report
            .names
            .entry((event.action as u8, event.thread))
            .or_default();
        if event.version == 1 {
            name.clear();
        }
        name.push_str(piece.trim_end_matches('\0'));
    }
}

/// What an event mentions.
fn subjects_of(event: &Event) -> [Option<Subject>; 7] {
    let place = |number: u32, subject: fn(u32, u32) -> Subject| {
        (event.thread != 0 && number != 0).then(|| subject(event.thread, number))
    };
    let is_change = matches!(event.kind, Kind::Invoke) && event.action.is_change();
    let reads = event.action.is_read();
    [
        (event.key != 0).then_some(Subject::Key(event.key)),
        (is_change && event.id != 0).then_some(Subject::Request(event.id)),
        place(if reads { 0 } else { event.seq }, Subject::Seq),
        place(if reads { 0 } else { event.rev }, Subject::Rev),
        (event.call != 0 && event.kind != Kind::Row).then_some(Subject::Call(event.call)),
        match event.action {
            Action::Owner => Some(Subject::People(event.hash)),
            Action::Head => Some(Subject::Head(event.thread)),
            Action::Doctor => Some(Subject::Doctor),
            _ => None,
        },
        match event.action {
            Action::Position | Action::Mark => Some(Subject::Position(event.user, event.thread)),
            Action::Joined | Action::Gone => Some(Subject::Member(event.user, event.thread)),
            Action::Add | Action::Remove if event.kind == Kind::Invoke => {
                Some(Subject::Member(event.version, event.thread))
            }
            _ => None,
        },
    ]
}

/// Writes a violation for people.
pub(crate) fn violation(
    f: &mut fmt::Formatter<'_>,
    violation: &Violation,
    report: &Report,
) -> fmt::Result {
    writeln!(
        f,
        "{:?} {}",
        violation.invariant,
        violation.invariant.words()
    )?;
    writeln!(f, "   {}", violation.text)?;
    if !violation.events.is_empty() {
        writeln!(f)?;
    }
    let beginning = violation.events.first().map_or(0, |event| event.time);
    for (index, event) in violation.events.iter().enumerate() {
        if index == EVENTS_FIRST_MAX && violation.events_left_out > 0 {
            writeln!(f, "      … {} more …", violation.events_left_out)?;
        }
        let since = event.time.saturating_sub(beginning);
        let (seconds, micros) = (since / 1_000_000_000, since / 1_000 % 1_000_000);
        writeln!(f, "   +{seconds}.{micros:06} s  {}", Words(event))?;
    }
    legend(f, violation, report)?;
    writeln!(f)
}

fn legend(f: &mut fmt::Formatter<'_>, violation: &Violation, report: &Report) -> fmt::Result {
    let mut known = std::collections::BTreeMap::new();
    for event in &violation.events {
        for (what, number, word) in [
            (Action::Thread, event.thread, "thread"),
            (Action::User, event.user, "person"),
            (Action::Device, event.session, "session"),
            (Action::Trouble, u32::from(event.code), "fault"),
        ] {
            let is_trouble = matches!(event.kind, Kind::Fault | Kind::Heal);
            if what == Action::Trouble && !is_trouble {
                continue;
            }
            if let Some(name) = report.names.get(&(what as u8, number)) {
                known.insert((word, number), name);
            }
        }
    }
    for ((word, number), name) in known {
        writeln!(f, "   {word} {number} is {name}")?;
    }
    Ok(())
}

/// An event in words.
struct Words<'a>(&'a Event);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        if event.session != 0 {
            write!(f, "session {:<4} ", event.session)?;
        }
        let action = snake(event.action);
        match event.kind {
            Kind::Invoke => write!(f, "calls {action}")?,
            Kind::Ok => write!(f, "{action} succeeds")?,
            Kind::Fail => write!(f, "{action} is refused ({})", code_text(event.code))?,
            Kind::Info => write!(
                f,
                "{action} has no known outcome ({})",
                code_text(event.code)
            )?,
            Kind::Wire => write!(f, "receives {action}")?,
            Kind::Apply => write!(f, "applies {action}")?,
            Kind::Row => write!(f, "reads {action}")?,
            Kind::Final => write!(f, "finds at the end {action}")?,
            Kind::Session => write!(f, "begins, device {}", event.id)?,
            Kind::Fault => write!(f, "FAULT {} begins", event.code)?,
            Kind::Heal => write!(f, "FAULT {} ends", event.code)?,
            Kind::Node => write!(f, "SERVER {} {action}", event.node)?,
            Kind::Name => write!(f, "names {action}")?,
        }
        let flagged = |kind, flag| event.kind == kind && event.code & flag != 0;
        for (is_set, text) in [
            (flagged(Kind::Invoke, ORDERED), " in order"),
            (flagged(Kind::Invoke, TO_HEAD), " to the head"),
            (flagged(Kind::Ok, DUPLICATE), " as a duplicate"),
        ] {
            if is_set {
                f.write_str(text)?;
            }
        }
        for (number, text) in [
            (event.call, "call"),
            (event.user, "person"),
            (event.thread, "thread"),
            (event.seq, "seq"),
            (event.rev, "rev"),
            (event.version, "version"),
        ] {
            if number != 0 {
                write!(f, ", {text} {number}")?;
            }
        }
        for (number, text) in [(event.key, "key"), (event.hash, "hash"), (event.id, "id")] {
            if number != 0 && event.kind != Kind::Session {
                write!(f, ", {text} {number:016x}")?;
            }
        }
        Ok(())
    }
}

/// The name of an action as in JSON lines.
fn snake(action: Action) -> String {
    let text = serde_json::to_string(&action).unwrap_or_default();
    text.trim_matches('"').to_owned()
}
