//! What a check ends with.

use std::{collections::BTreeMap, fmt};

use crate::Event;

/// How many violations of one invariant are kept with their text; the others are counted.
pub(crate) const VIOLATIONS_KEPT_MAX: usize = 10;
const FLAWS_KEPT_MAX: usize = 10;

/// What must hold. The numbers are those of the architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// No loss.
    S1,
    /// At most once.
    S2,
    /// No phantom, no corruption.
    S3,
    /// What was refused is nowhere.
    S4,
    /// Dense numbers, one log for all.
    S5,
    /// Order.
    S6,
    /// Delivery.
    S7,
    /// Visibility.
    S8,
    /// One thread for each set of people.
    S9,
    /// One effect for each request.
    S10,
    /// Read positions.
    S11,
    /// The database's own checks.
    S14,
}

impl Invariant {
    /// Every one that is checked.
    pub const ALL: &'static [Self] = &[
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
        Self::S10,
        Self::S11,
        Self::S14,
    ];

    /// The invariant in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::S1 => {
                "What was acknowledged is in the final log, at the acknowledged place, and in every later read."
            }
            Self::S2 => "One client id, one entry, one answer.",
            Self::S3 => "Nothing is in a log that nobody sent, and nothing was changed on the way.",
            Self::S4 => "What was refused is nowhere.",
            Self::S5 => {
                "Revs and seqs of a thread are 1 to n without a gap, and every reader sees the same."
            }
            Self::S6 => {
                "What was acknowledged before something else began has the lower number; a device's order holds."
            }
            Self::S7 => "What a device applies is consecutive: no repeat, no skip, up to the end.",
            Self::S8 => "Nobody sees what is outside their membership.",
            Self::S9 => "There is one thread for one set of people.",
            Self::S10 => "One idempotency key, one effect; a replay gets the same bytes.",
            Self::S11 => "Read positions never go back.",
            Self::S14 => "The database passes its own checks.",
        }
    }
}

/// What a violation is about: the events that mention it make its time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A message or request, by its key.
    Key(u64),
    /// A request, by its idempotency key.
    Request(u64),
    /// A place among a thread's messages.
    Seq(u32, u32),
    /// A place in a thread's log.
    Rev(u32, u32),
    /// The end of a thread's final log.
    Head(u32),
    /// A session's applied entries of a thread within a range of revs.
    Stream {
        /// Session.
        session: u32,
        /// Thread.
        thread: u32,
        /// First rev.
        from: u32,
        /// Last rev.
        to: u32,
    },
    /// A call.
    Call(u32),
    /// A set of people.
    People(u64),
    /// A person's read position in a thread.
    Position(u32, u32),
    /// A person's membership in a thread.
    Member(u32, u32),
    /// The database's checks.
    Doctor,
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What happened, in a sentence or two.
    pub text: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// The events that it is about, in order of time. Filled by [`crate::check_file`] and [`crate::check_events`].
    pub events: Vec<Event>,
    /// How many more there were.
    pub events_left_out: u64,
}

/// What was found while events came in.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) violations: Vec<Violation>,
    pub(crate) counts: BTreeMap<Invariant, u64>,
    pub(crate) flaws: Vec<String>,
    pub(crate) flaw_count: u64,
}

impl Findings {
    /// Notes a violation. The text is made for the first few of an invariant only.
    pub(crate) fn violation(
        &mut self,
        invariant: Invariant,
        subjects: &[Subject],
        text: impl FnOnce() -> String,
    ) {
        let count = self.counts.entry(invariant).or_default();
        *count += 1;
        if *count <= VIOLATIONS_KEPT_MAX as u64 {
            self.violations.push(Violation {
                invariant,
                text: text(),
                subjects: subjects.to_vec(),
                events: vec![],
                events_left_out: 0,
            });
        }
    }

    /// Notes that the history itself is not well-formed: nothing that it shows can be believed.
    pub(crate) fn flaw(&mut self, text: impl FnOnce() -> String) {
        self.flaw_count += 1;
        if self.flaws.len() < FLAWS_KEPT_MAX {
            self.flaws.push(text());
        }
    }
}

/// The judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every invariant held, and the run was worth something.
    Passed,
    /// An invariant did not hold.
    Violated,
    /// No violation was seen, and the run does not show much: see [`Report::reasons`].
    Invalid,
}

/// What a check ends with.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many events there were.
    pub events: u64,
    /// The first violations of each invariant.
    pub violations: Vec<Violation>,
    /// How many violations of each invariant there were.
    pub counts: BTreeMap<Invariant, u64>,
    /// Why the run proves nothing: flaws of the history, or what it never exercised.
    pub reasons: Vec<String>,
    /// How often each thing happened that should sometimes happen.
    pub coverage: crate::coverage::Coverage,
    /// What numbers stand for. Filled with the time lines.
    pub names: BTreeMap<(u8, u32), String>,
}

impl Report {
    /// The judgement.
    pub fn verdict(&self) -> Verdict {
        if !self.counts.is_empty() {
            Verdict::Violated
        } else if !self.reasons.is_empty() {
            Verdict::Invalid
        } else {
            Verdict::Passed
        }
    }

    /// For scripts: 0 passed, 1 violated, 2 invalid.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Passed => 0,
            Verdict::Violated => 1,
            Verdict::Invalid => 2,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            crate::explain::violation(f, violation, self)?;
        }
        writeln!(f, "{} events", self.events)?;
        writeln!(f, "{}", self.coverage)?;
        for (invariant, count) in &self.counts {
            writeln!(
                f,
                "{invariant:?}: {count} violations. {}",
                invariant.words()
            )?;
        }
        match self.verdict() {
            Verdict::Passed => writeln!(f, "PASSED: every invariant held."),
            Verdict::Violated if self.reasons.is_empty() => {
                writeln!(f, "VIOLATED: this is a defect.")
            }
            Verdict::Violated => writeln!(
                f,
                "VIOLATED: this is a defect; beware, the run has flaws of its own:"
            ),
            Verdict::Invalid => {
                writeln!(
                    f,
                    "INVALID: no invariant was seen broken, but the run proves little:"
                )
            }
        }?;
        self.reasons
            .iter()
            .try_for_each(|reason| writeln!(f, "- {reason}"))
    }
}
