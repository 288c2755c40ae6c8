//! The checker: linear in the number of events, one pass, then one pass over what was kept.
//!
//! Numbers of a history are dense, so what is kept lies in arrays: calls by call number, logs by thread number, entries
//! by rev, messages by seq. Only keys, and pairs of session and thread, are hashed.

mod calls;
mod delivery;
mod effects;
mod logs;
mod order;
mod streams;
mod verify;

use calls::{Calls, Ended};
use logs::Logs;
use rustc_hash::FxHashMap;
use streams::{FinalReaders, Streams};

use crate::{
    Action, Event, Kind, Options, Report,
    coverage::{Coverage, Sometimes},
    report::{Findings, Invariant, Subject},
};

/// A number further than this beyond all before is taken for damage, not for a place.
const JUMP_MAX: usize = 1 << 24;

/// Judges a history that is pushed event by event, in order of time.
#[derive(Debug)]
pub struct Checker {
    options: Options,
    events: u64,
    time: u64,
    findings: Findings,
    coverage: Coverage,
    calls: Calls,
    logs: Logs,
    streams: Streams,
    finals: FinalReaders,
    sessions: Vec<Device>,
    /// Which thread belongs to a set of people.
    owners: FxHashMap<u64, u32>,
    positions: Positions,
    killed: Vec<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Device {
    user: u32,
    device: u64,
}

/// Read positions, by person and thread.
#[derive(Debug, Default)]
struct Positions {
    acknowledged: FxHashMap<(u32, u32), u32>,
    applied: FxHashMap<(u32, u32, u32), u32>,
    at_end: FxHashMap<(u32, u32), u32>,
}

/// The slot of a number in a dense array, which grows up to it. None if the number cannot be right.
fn slot<T: Default + Clone>(slots: &mut Vec<T>, number: u32) -> Option<&mut T> {
    let index = number as usize;
    if index >= slots.len() {
        if index > slots.len() + JUMP_MAX {
            return None;
        }
        if index == slots.len() {
            slots.push(T::default());
        } else {
            slots.resize(index + 1, T::default());
        }
    }
    slots.get_mut(index)
}

impl Checker {
    /// With what the run must have shown.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            events: 0,
            time: 0,
            findings: Findings::default(),
            coverage: Coverage::default(),
            calls: Calls::default(),
            logs: Logs::default(),
            streams: Streams::default(),
            finals: FinalReaders::default(),
            sessions: vec![],
            owners: FxHashMap::default(),
            positions: Positions::default(),
            killed: vec![],
        }
    }

    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        self.events += 1;
        let event = &event;
        if event.kind == Kind::Name {
            return;
        }
        if event.time < self.time {
            self.findings
                .flaw(|| format!("event {} is earlier than the one before it", self.events));
        }
        self.time = event.time;
        match event.kind {
            Kind::Invoke => self.invoke(event),
            Kind::Ok | Kind::Fail | Kind::Info => self.end_call(event),
            Kind::Wire => self.receive(event),
            Kind::Apply => self.apply(event),
            Kind::Row => self.read_row(event),
            Kind::Final => self.read_final(event),
            Kind::Session => self.begin_session(event),
            Kind::Fault => self.coverage.saw(Sometimes::Fault),
            Kind::Node => self.server(event),
            Kind::Heal | Kind::Name => {}
        }
    }

    fn invoke(&mut self, event: &Event) {
        let session = self
            .sessions
            .get(event.session as usize)
            .copied()
            .unwrap_or_default();
        let device = if session.device == 0 {
            u64::from(event.session)
        } else {
            session.device
        };
        if session.user != 0 && event.user != 0 && session.user != event.user {
            self.findings
                .flaw(|| format!("session {} calls for another person", event.session));
        }
        let acked = self.logs.acknowledged(event.thread);
        self.calls.invoke(event, device, acked, &mut self.findings);
        if event.action == Action::Send && self.logs.begin_send(event.thread) {
            self.coverage.saw(Sometimes::Concurrent);
        }
    }

    fn end_call(&mut self, event: &Event) {
        let (findings, coverage) = (&mut self.findings, &mut self.coverage);
        let call = match event.kind {
            Kind::Ok => self.calls.succeed(event, findings, coverage),
            Kind::Fail => self.calls.refuse(event, findings, coverage),
            _ => self.calls.lose(event, findings, coverage),
        };
        let Some(call) = call else { return };
        if call.action == Action::Send {
            self.logs.end_send(call.thread);
        }
        if event.kind == Kind::Ok {
            self.succeed(event, &call);
        }
    }

    fn succeed(&mut self, event: &Event, call: &Ended) {
        match event.action {
            Action::Send => self.logs.acknowledge(event, call.key, &mut self.findings),
            Action::Mark => {
                self.coverage.saw(Sometimes::Marked);
                let user = self.calls.keys[call.key as usize].user;
                let position = self
                    .positions
                    .acknowledged
                    .entry((user, event.thread))
                    .or_default();
                *position = event.seq.max(*position);
            }
            Action::Edit | Action::Delete | Action::React | Action::Unreact => {
                self.coverage.saw(Sometimes::Changed);
                self.logs.acknowledge(event, call.key, &mut self.findings);
            }
            action if action.is_entry() => {
                self.logs.acknowledge(event, call.key, &mut self.findings);
            }
            _ => {}
        }
    }

    fn receive(&mut self, event: &Event) {
        if event.rev == 0 {
            return;
        }
        let is_seen = event.action != Action::Hidden;
        self.streams.receive(event, is_seen, &mut self.coverage);
        self.logs.observe(event, false, &mut self.findings);
    }

    fn apply(&mut self, event: &Event) {
        match event.action {
            Action::Snapshot => self.streams.snapshot(event, &mut self.findings),
            Action::Position => self.apply_position(event),
            Action::Owner => self.own(event),
            _ if event.rev == 0 => {
                self.findings
                    .flaw(|| format!("event {} applies nothing", self.events));
            }
            _ => {
                self.streams.apply(event, &mut self.findings);
                self.logs.observe(event, false, &mut self.findings);
            }
        }
    }

    fn read_row(&mut self, event: &Event) {
        match event.action {
            Action::Owner => self.own(event),
            Action::Position => {}
            _ => {
                self.calls.row(event, &mut self.findings);
                self.logs.observe(event, false, &mut self.findings);
            }
        }
    }

    fn read_final(&mut self, event: &Event) {
        match event.action {
            Action::Head => self.finals.head(event, &mut self.findings),
            Action::Cursor => {
                self.coverage.saw(Sometimes::Converged);
                self.streams.converge(event);
            }
            Action::Owner => self.own(event),
            Action::Position => {
                let position = self
                    .positions
                    .at_end
                    .entry((event.user, event.thread))
                    .or_insert(event.seq);
                *position = event.seq.min(*position);
            }
            Action::Joined => self.logs.join(event),
            Action::Gone => {
                self.coverage.saw(Sometimes::Departed);
                self.logs.leave(event, &mut self.findings);
            }
            Action::Doctor => self.doctor(event),
            _ => {
                self.finals.entry(event, &mut self.findings);
                self.logs
                    .observe(event, event.action != Action::Hidden, &mut self.findings);
            }
        }
    }

    fn begin_session(&mut self, event: &Event) {
        match slot(&mut self.sessions, event.session) {
            Some(session) => {
                *session = Device {
                    user: event.user,
                    device: event.id,
                }
            }
            None => self
                .findings
                .flaw(|| format!("session {} is out of range", event.session)),
        }
    }

    fn server(&mut self, event: &Event) {
        let Some(killed) = slot(&mut self.killed, event.node.into()) else {
            return;
        };
        match event.action {
            Action::Killed => *killed = true,
            Action::Started if std::mem::take(killed) => self.coverage.saw(Sometimes::Restart),
            _ => {}
        }
    }

    fn own(&mut self, event: &Event) {
        let owner = *self.owners.entry(event.hash).or_insert(event.thread);
        if owner != event.thread {
            self.findings
                .violation(Invariant::S9, &[Subject::People(event.hash)], || {
                    format!(
                        "The set of people {:016x} has two threads: {owner} and {}.",
                        event.hash, event.thread
                    )
                });
        }
    }

    fn apply_position(&mut self, event: &Event) {
        let place = (event.session, event.thread, event.user);
        let position = self.positions.applied.entry(place).or_default();
        if event.seq < *position {
            let before = *position;
            self.findings.violation(Invariant::S11, &[Subject::Position(event.user, event.thread)], || {
                format!(
                    "Session {} shows the read position of person {} in thread {} at {}, after it was at {before}.",
                    event.session, event.user, event.thread, event.seq
                )
            });
        }
        *position = event.seq.max(*position);
    }

    fn doctor(&mut self, event: &Event) {
        self.coverage.saw(Sometimes::Doctor);
        if event.hash != 0 {
            self.findings
                .violation(Invariant::S14, &[Subject::Doctor], || {
                    let what = match event.code {
                        1 => "integrity",
                        2 => "foreign keys",
                        3 => "heads and counters",
                        4 => "idempotency records and their effects",
                        5 => "chains",
                        _ => "an unnamed check",
                    };
                    format!("Server {}: {what}: {} findings.", event.node, event.hash)
                });
        }
    }

    /// Judges the whole.
    pub fn finish(mut self) -> Report {
        self.verify();
        let mut reasons = self.findings.flaws.clone();
        if self.findings.flaw_count > reasons.len() as u64 {
            reasons.push(format!(
                "the history has {} flaws in all",
                self.findings.flaw_count
            ));
        }
        reasons.extend(self.options.reasons(&self.coverage, self.calls.count()));
        Report {
            events: self.events,
            violations: self.findings.violations,
            counts: self.findings.counts,
            reasons,
            coverage: self.coverage,
            names: std::collections::BTreeMap::new(),
        }
    }
}
