//! What a run should sometimes do: without it, a green result says nothing.

use std::fmt;

macro_rules! sometimes {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// Something that a run should do at least once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sometimes {
            $($(#[$doc])* $name,)*
        }

        impl Sometimes {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in options.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

sometimes! {
    /// A send was acknowledged.
    Acknowledged "acknowledged",
    /// A call was made again with the same key.
    Retried "retried",
    /// A call was answered again after it had succeeded.
    Absorbed "absorbed",
    /// What became of a call was unknown.
    Unknown "unknown",
    /// A call was refused.
    Refused "refused",
    /// A call with an idempotency key was answered more than once.
    Replayed "replayed",
    /// Two sends to one thread overlapped.
    Concurrent "concurrent",
    /// An entry arrived before an earlier one.
    Gap "gap",
    /// An entry arrived at a device twice.
    Duplicate "duplicate",
    /// A fault began.
    Fault "fault",
    /// A server was started again after it had been killed.
    Restart "restart",
    /// An edit, deletion or reaction was made.
    Changed "changed",
    /// Somebody went out of a thread.
    Departed "departed",
    /// A read position moved.
    Marked "marked",
    /// A read was answered.
    Read "read",
    /// A device showed at the end how far it had come.
    Converged "converged",
    /// A final log was read by two readers.
    Agreed "agreed",
    /// The database checked itself.
    Doctor "doctor",
}

const COUNT: usize = Sometimes::ALL.len();

/// How often each thing happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage([u64; COUNT]);

impl Coverage {
    pub(crate) fn saw(&mut self, what: Sometimes) {
        self.0[what as usize] += 1;
    }

    /// How often.
    pub fn count(&self, what: Sometimes) -> u64 {
        self.0[what as usize]
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, what) in Sometimes::ALL.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", what.name(), self.count(*what))?;
        }
        Ok(())
    }
}

/// What a run must have shown to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What must have happened at least once.
    pub expect: Vec<Sometimes>,
    /// At least so many sends must have been acknowledged.
    pub acknowledged_min: u64,
    /// At most this share of the calls may have ended with an unknown outcome.
    pub unknown_percent_max: u8,
}

impl Options {
    /// For runs under faults: everything must have happened.
    pub fn faults() -> Self {
        Self {
            expect: Sometimes::ALL.to_vec(),
            acknowledged_min: 1,
            unknown_percent_max: 50,
        }
    }

    /// For plain load: sends, reading the final log, and devices that came to its end.
    pub fn load() -> Self {
        Self {
            expect: vec![
                Sometimes::Acknowledged,
                Sometimes::Concurrent,
                Sometimes::Converged,
                Sometimes::Doctor,
            ],
            ..Self::faults()
        }
    }

    /// Only what is expected by name.
    pub fn expecting(expect: Vec<Sometimes>) -> Self {
        Self {
            expect,
            acknowledged_min: 0,
            unknown_percent_max: 100,
        }
    }

    /// Reads `faults`, `load`, `nothing`, or names with commas between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "faults" => return Ok(Self::faults()),
            "load" => return Ok(Self::load()),
            "nothing" => return Ok(Self::expecting(vec![])),
            _ => {}
        }
        let find = |name: &str| {
            let known = Sometimes::ALL.iter().find(|what| what.name() == name);
            known.copied().ok_or_else(|| {
                let names: Vec<_> = Sometimes::ALL.iter().map(|what| what.name()).collect();
                format!(
                    "`{name}` is not known; expect `faults`, `load`, `nothing`, or some of {}",
                    names.join(", ")
                )
            })
        };
        text.split(',')
            .map(|name| find(name.trim()))
            .collect::<Result<_, _>>()
            .map(Self::expecting)
    }

    pub(crate) fn reasons(&self, coverage: &Coverage, calls: u64) -> Vec<String> {
        let mut reasons = vec![];
        for what in &self.expect {
            if coverage.count(*what) == 0 {
                reasons.push(format!("never happened: {}", what.name()));
            }
        }
        let acknowledged = coverage.count(Sometimes::Acknowledged);
        if acknowledged < self.acknowledged_min {
            reasons.push(format!(
                "{acknowledged} sends were acknowledged, at least {} were expected",
                self.acknowledged_min
            ));
        }
        let unknown = coverage.count(Sometimes::Unknown);
        if unknown * 100 > calls * u64::from(self.unknown_percent_max) {
            reasons.push(format!(
                "{unknown} of {calls} calls ended with an unknown outcome: more than {} %",
                self.unknown_percent_max
            ));
        }
        reasons
    }
}
