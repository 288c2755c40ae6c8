//! The two streams of a connection, and what is done to what ends in them.
//!
//! Invariant: a request's or event's fate is decided before its last byte is passed on.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Again, Counts, Inner, PIECE_BYTES, frames,
    http::{self, Head, Side},
    replay::replay,
};
use crate::Dice;

/// Bytes of a request or event that may be repeated: more than the server takes.
const UNIT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Events of a connection that wait to be repeated.
const EVENTS_WAITING_MAX: usize = 64;

/// What both streams of a connection know of each other.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Fates of the requests that have no answer yet.
    requests: VecDeque<Fate>,
    /// Events whose answers are swallowed.
    swallowed: Vec<u64>,
    /// Events that are repeated when they are answered.
    waiting: HashMap<u64, Vec<u8>>,
    /// Events that are repeated at their time.
    due: Vec<(Instant, Vec<u8>)>,
}

impl Pending {
    /// When the next event is to be repeated.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.iter().map(|(at, _)| *at).min()
    }

    /// Events whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let ripe = self.due.extract_if(.., |(at, _)| *at <= now);
        ripe.map(|(_, event)| event).collect()
    }
}

#[derive(Debug, Default)]
struct Fate {
    again: Option<Vec<u8>>,
    is_swallowed: bool,
}

/// What is understood of a stream.
#[derive(Debug)]
enum Speech {
    Http(http::Parser),
    Frames(frames::Parser),
    Unknown,
}

impl Speech {
    fn is_within(&self) -> bool {
        match self {
            Self::Http(parser) => parser.is_within(),
            Self::Frames(parser) => parser.is_within(),
            Self::Unknown => true,
        }
    }
}

/// From the client to the server.
#[derive(Debug)]
pub(super) struct Up {
    inner: Arc<Inner>,
    dice: Dice,
    speech: Speech,
    /// What has come of the request or frame that has not ended.
    unit: Vec<u8>,
}

impl Up {
    pub(super) fn new(inner: Arc<Inner>, dice: Dice) -> Self {
        Self {
            inner,
            dice,
            speech: Speech::Http(http::Parser::new(Side::Requests)),
            unit: Vec::new(),
        }
    }

    /// Whether an event may be put between what came and what comes.
    pub(super) fn takes_events(&self) -> bool {
        matches!(self.speech, Speech::Frames(_)) && !self.speech.is_within()
    }

    /// What is passed on for a piece that came.
    pub(super) fn take(&mut self, mut piece: &[u8], pending: &mut Pending) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len().min(PIECE_BYTES));
        while !piece.is_empty() {
            let used = match &mut self.speech {
                Speech::Http(parser) => match parser.step(piece) {
                    http::Step::More => self.keep(piece),
                    http::Step::End(used, head) => {
                        self.keep(&piece[..used]);
                        self.request(head, pending);
                        used
                    }
                    http::Step::Lost => self.give_up(),
                },
                Speech::Frames(parser) => match parser.step(piece) {
                    frames::Step::More => self.keep(piece),
                    frames::Step::End(used, packet) => {
                        self.keep(&piece[..used]);
                        out.extend_from_slice(&piece[..used]);
                        out.extend(self.frame(packet, pending).into_iter().flatten());
                        piece = &piece[used..];
                        continue;
                    }
                    frames::Step::Lost => self.give_up(),
                },
                Speech::Unknown => piece.len(),
            };
            out.extend_from_slice(&piece[..used]);
            piece = &piece[used..];
        }
        out
    }

    fn keep(&mut self, bytes: &[u8]) -> usize {
        let room = UNIT_BYTES_MAX + 1 - self.unit.len();
        self.unit.extend_from_slice(&bytes[..bytes.len().min(room)]);
        bytes.len()
    }

    fn give_up(&mut self) -> usize {
        self.speech = Speech::Unknown;
        self.unit = Vec::new();
        0
    }

    fn request(&mut self, head: Head, pending: &mut Pending) {
        let request = std::mem::take(&mut self.unit);
        if head.is_upgrade {
            self.speech = Speech::Frames(frames::Parser::default());
        }
        let mut fate = Fate::default();
        if !head.is_get {
            Counts::add(&self.inner.counters.requests, 1);
            fate.is_swallowed = self.swallows();
            match self.again(request.len()) {
                Some(Again::AtOnce) => replay(&self.inner, request, Duration::ZERO),
                Some(Again::After(wait)) => replay(&self.inner, request, self.dice.time(&wait)),
                Some(Again::AfterAnswer) => fate.again = Some(request),
                None => {}
            }
        }
        pending.requests.push_back(fate);
    }

    /// What follows the frame at once.
    fn frame(&mut self, packet: frames::Packet, pending: &mut Pending) -> Option<Vec<u8>> {
        let event = std::mem::take(&mut self.unit);
        let frames::Packet::Event(number) = packet else {
            return None;
        };
        Counts::add(&self.inner.counters.events, 1);
        if let Some(number) = number
            && self.swallows()
        {
            pending.swallowed.push(number);
        }
        let again = self.again(event.len())?;
        if pending.due.len() + pending.waiting.len() >= EVENTS_WAITING_MAX {
            return None;
        }
        Counts::add(&self.inner.counters.events_repeated, 1);
        match (again, number) {
            (Again::AfterAnswer, Some(number)) => {
                pending.waiting.insert(number, event);
            }
            (Again::AtOnce | Again::AfterAnswer, _) => return Some(event),
            (Again::After(wait), _) => {
                pending
                    .due
                    .push((Instant::now() + self.dice.time(&wait), event));
            }
        }
        None
    }

    fn swallows(&mut self) -> bool {
        let per_mille = self.inner.rules.borrow().swallow_per_mille;
        per_mille > 0 && self.dice.happens(per_mille)
    }

    fn again(&mut self, length: usize) -> Option<Again> {
        let rules = self.inner.rules.borrow();
        let repeat = rules.repeat.as_ref()?;
        let happens = self.dice.happens(repeat.per_mille) && length <= UNIT_BYTES_MAX;
        (happens && !repeat.when.is_empty()).then(|| self.dice.pick(&repeat.when).clone())
    }
}

/// From the server to the client.
#[derive(Debug)]
pub(super) struct Down {
    inner: Arc<Inner>,
    speech: Speech,
}

/// What is passed on of a piece that came.
pub(super) struct Passed {
    /// How many of its bytes.
    pub(super) length: usize,
    /// The rest was swallowed: the connection ends.
    pub(super) is_over: bool,
    /// An event is to be repeated.
    pub(super) is_due: bool,
}

impl Down {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            speech: Speech::Http(http::Parser::new(Side::Answers)),
        }
    }

    pub(super) fn take(&mut self, piece: &[u8], pending: &mut Pending) -> Passed {
        let (mut length, mut is_due) = (0, false);
        while length < piece.len() {
            let rest = &piece[length..];
            let swallowed = match &mut self.speech {
                Speech::Http(parser) => {
                    let begins = !parser.is_within();
                    if begins
                        && pending
                            .requests
                            .front()
                            .is_some_and(|fate| fate.is_swallowed)
                    {
                        true
                    } else {
                        match parser.step(rest) {
                            http::Step::More => length = piece.len(),
                            http::Step::End(used, head) => {
                                length += used;
                                self.answer(head, pending);
                            }
                            http::Step::Lost => self.speech = Speech::Unknown,
                        }
                        false
                    }
                }
                Speech::Frames(parser) => match parser.step(rest) {
                    frames::Step::More => {
                        length = piece.len();
                        false
                    }
                    frames::Step::End(_, frames::Packet::Ack(number))
                        if pending.swallowed.contains(&number) =>
                    {
                        true
                    }
                    frames::Step::End(used, packet) => {
                        length += used;
                        is_due |= repeat_answered(packet, pending);
                        false
                    }
                    frames::Step::Lost => {
                        self.speech = Speech::Unknown;
                        false
                    }
                },
                Speech::Unknown => {
                    length = piece.len();
                    false
                }
            };
            if swallowed {
                Counts::add(&self.inner.counters.swallowed, 1);
                return Passed {
                    length,
                    is_over: true,
                    is_due,
                };
            }
        }
        Passed {
            length,
            is_over: false,
            is_due,
        }
    }

    fn answer(&mut self, head: Head, pending: &mut Pending) {
        if head.is_upgrade {
            self.speech = Speech::Frames(frames::Parser::default());
        } else if head.status < 200 {
            return;
        }
        let fate = pending.requests.pop_front().unwrap_or_default();
        if let Some(request) = fate.again {
            replay(&self.inner, request, Duration::ZERO);
        }
    }
}

/// Whether an event waited for this answer.
fn repeat_answered(packet: frames::Packet, pending: &mut Pending) -> bool {
    let frames::Packet::Ack(number) = packet else {
        return false;
    };
    let Some(event) = pending.waiting.remove(&number) else {
        return false;
    };
    pending.due.push((Instant::now(), event));
    true
}
