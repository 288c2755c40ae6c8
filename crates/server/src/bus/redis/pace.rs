//! How often Redis is tried, when a connection counts, and what people are told of it.
//!
//! A Redis that takes connections may be of no use all the same: it has no memory left, is a replica, or refuses a command.
//! So a connection is tried before it counts, and after one that was refused something nevertheless, the next has to last.

use std::{fmt, time::Duration};

use redis::RedisError;

/// From one attempt to connect to the next.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection that lasted so long was a good one: longer than it takes until everything was asked of it.
pub(super) const LASTS: Duration = Duration::from_secs(10);
/// So many connections in a row that did not last are a state, not an accident.
const SHORT_MAX: u32 = 4;

/// Why a connection did not come about, or ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody answers, or not in time.
    Away(String),
    /// Redis answers that it will not.
    Refused {
        /// The first word of its answer.
        code: String,
        /// All of it.
        text: String,
    },
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let text = error.to_string();
        match error.code() {
            Some(code) => Self::Refused {
                code: code.to_owned(),
                text,
            },
            None => Self::Away(text),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(text) | Self::Refused { text, .. } => f.write_str(text),
        }
    }
}

impl Failure {
    /// What is the same state has the same name.
    fn state(&self) -> &str {
        match self {
            Self::Away(_) => "",
            Self::Refused { code, .. } => code,
        }
    }

    /// What to do about it.
    fn advice(&self) -> &'static str {
        let Self::Refused { code, text } = self else {
            return "bring Redis back, or mend `redis_url`";
        };
        match code.as_str() {
            "OOM" => "give Redis more memory (`maxmemory`)",
            "READONLY" => "it is a replica: name the primary in `redis_url`",
            "MISCONF" => "Redis cannot save: mend its disk, or let it save nothing",
            "NOAUTH" | "WRONGPASS" => "mend the password in `redis_url`",
            "NOPERM" => RIGHTS,
            "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => "wait until Redis is ready",
            _ if text.contains("user executing the script") => RIGHTS,
            _ => "the log of Redis may say more",
        }
    }
}

const RIGHTS: &str = "give its user the rights `+@all ~semel:* &semel:*`";

/// What was tried so far.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
    /// What people were told last, while there is no good connection.
    told: Option<String>,
    /// Connections in a row that did not last.
    short: u32,
    /// Whether something was refused that the trial did not ask for.
    was_refused: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            pause: RETRY_MIN,
            told: None,
            short: 0,
            was_refused: false,
        }
    }

    /// How long a connection that stood its trial has to last until it counts.
    pub(super) fn probation(&self) -> Duration {
        if self.was_refused || self.short >= SHORT_MAX {
            LASTS
        } else {
            Duration::ZERO
        }
    }

    /// A connection counts.
    pub(super) fn is_good(&mut self) {
        self.told = None;
    }

    /// A connection did not come about, or not through its trial. How long to wait.
    pub(super) fn failed(&mut self, failure: &Failure) -> Duration {
        // The trial sees what is the matter, and will see when it is over.
        (self.was_refused, self.short) = (false, 0);
        self.tell(failure);
        self.next()
    }

    /// A connection ended after it lasted for a while. How long to wait.
    pub(super) fn ended(&mut self, failure: &Failure, lasted: Duration) -> Duration {
        if lasted >= LASTS {
            *self = Self {
                told: self.told.take(),
                ..Self::new()
            };
        } else {
            self.short += 1;
        }
        self.was_refused |= matches!(failure, Failure::Refused { .. });
        self.tell(failure);
        self.next()
    }

    fn next(&mut self) -> Duration {
        let now = self.pause;
        self.pause = RETRY_MAX.min(now * 2);
        now
    }

    /// Once for each state.
    fn tell(&mut self, failure: &Failure) {
        if self.told.as_deref() == Some(failure.state()) {
            return;
        }
        self.told = Some(failure.state().to_owned());
        tracing::warn!(
            error = %failure,
            advice = failure.advice(),
            "no connection to the bus is of use; others' news come from the store meanwhile"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Failure {
        Failure::Away("connection refused".to_owned())
    }

    fn refused(code: &str) -> Failure {
        Failure::Refused {
            code: code.to_owned(),
            text: format!("{code} no"),
        }
    }

    #[test]
    fn pauses_grow_until_a_connection_lasts() {
        let mut pace = Pace::new();
        let pauses: Vec<_> = (0..6).map(|_| pace.failed(&away()).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(pace.ended(&away(), Duration::ZERO), RETRY_MAX);
        assert_eq!(pace.ended(&away(), LASTS), RETRY_MIN);
    }

    #[test]
    fn after_a_refusal_and_after_many_short_ones_a_connection_has_to_last() {
        let mut pace = Pace::new();
        for _ in 0..SHORT_MAX {
            assert_eq!(pace.probation(), Duration::ZERO);
            pace.ended(&away(), Duration::ZERO);
        }
        assert_eq!(pace.probation(), LASTS);
        // Now the trial fails, and will say when all is well.
        pace.failed(&refused("OOM"));
        assert_eq!(pace.probation(), Duration::ZERO);
        pace.ended(&refused("OOM"), Duration::ZERO);
        assert_eq!(pace.probation(), LASTS);
        // Refused rarely: it lasted in between.
        pace.ended(&away(), LASTS);
        assert_eq!(pace.probation(), Duration::ZERO);
    }

    #[test]
    fn each_state_is_told_once() {
        let mut pace = Pace::new();
        let mut told = Vec::new();
        for failure in [away(), away(), refused("OOM"), refused("OOM"), away()] {
            let before = pace.told.clone();
            pace.failed(&failure);
            told.push(pace.told != before);
        }
        assert_eq!(told, [true, false, true, false, true]);
        pace.is_good();
        assert_eq!(pace.told, None);
    }

    #[test]
    fn whoever_reads_the_log_is_told_what_to_do() {
        for (code, text, word) in [
            ("OOM", "", "maxmemory"),
            ("READONLY", "", "primary"),
            ("NOPERM", "", "rights"),
            (
                "ERR",
                "The user executing the script can't run this command",
                "rights",
            ),
            ("WRONGPASS", "", "password"),
        ] {
            let (code, text) = (code.to_owned(), text.to_owned());
            let advice = Failure::Refused { code, text }.advice();
            assert!(advice.contains(word), "{advice}");
        }
    }
}
