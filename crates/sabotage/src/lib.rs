//! Deliberate defects: what the tests of reliability must catch, or they prove nothing.
//!
//! The code that could have a defect asks [`is_on`] at that place. Programs that are shipped are built without the
//! feature `armed`: there the answer is a constant and the defect is not in the program. The packages for tests arm it,
//! and a process then has at most one defect, chosen when it starts.

#[cfg(feature = "armed")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable by which a test chooses the defect of a server.
pub const VARIABLE: &str = "SABOTAGE";

macro_rules! defects {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// Something that is done wrong on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect {
            $($(#[$doc])* $name,)*
        }

        impl Defect {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in [`VARIABLE`].
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

defects! {
    /// Callers are answered before COMMIT.
    AnswerBeforeCommit "answer-before-commit",
    /// Devices are told before COMMIT.
    TellBeforeCommit "tell-before-commit",
    /// COMMIT does not wait for the disk.
    LazySync "lazy-sync",
    /// What an aborted batch decided stays in memory, and numbers go on from there.
    NumbersFromMemory "numbers-from-memory",
    /// Nobody remembers client ids.
    NoClientIds "no-client-ids",
    /// Nobody remembers idempotency keys.
    NoIdempotency "no-idempotency",
    /// The key of a set of people depends on the order in which they are named.
    UnsortedParticipants "unsorted-participants",
    /// Delivery does not ask who is still in the thread.
    NoMembership "no-membership",
    /// A read position takes whatever it is told.
    PositionsGoBack "positions-go-back",
    /// A client shows an entry although earlier ones are missing.
    NoGapFill "no-gap-fill",
    /// A client shows an entry that it has shown.
    RepeatsShown "repeats-shown",
    /// A client sends what was not answered again after what was written later.
    NoOrder "no-order",
}

impl std::str::FromStr for Defect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|defect| defect.name() == text);
        known.copied().ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|defect| defect.name()).collect();
            format!("there is no defect `{text}`, only {}", names.join(", "))
        })
    }
}

/// 0 for none, else one more than the place in [`Defect::ALL`].
#[cfg(feature = "armed")]
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// Gives this process a defect, or takes it back.
#[cfg(feature = "armed")]
pub fn choose(defect: Option<Defect>) {
    let number = defect.map_or(0, |defect| defect as usize + 1);
    CHOSEN.store(number, Ordering::Relaxed);
}

/// Whether this process has the defect.
#[cfg(feature = "armed")]
#[inline]
pub fn is_on(defect: Defect) -> bool {
    CHOSEN.load(Ordering::Relaxed) == defect as usize + 1
}

/// Whether this process has the defect: never, in this build.
#[cfg(not(feature = "armed"))]
#[inline]
pub const fn is_on(_: Defect) -> bool {
    false
}

/// Gives this process the defect that [`VARIABLE`] names, and tells which. Nothing, in a build that is not armed.
#[cfg(not(feature = "armed"))]
pub fn choose_from_environment() -> Result<Option<Defect>, String> {
    Ok(None)
}

/// Gives this process the defect that [`VARIABLE`] names, and tells which.
#[cfg(feature = "armed")]
pub fn choose_from_environment() -> Result<Option<Defect>, String> {
    let Ok(name) = std::env::var(VARIABLE) else {
        return Ok(None);
    };
    let defect = name.parse()?;
    choose(Some(defect));
    Ok(Some(defect))
}

#[cfg(all(test, feature = "armed"))]
mod tests {
    use super::*;

    #[test]
    fn one_defect_at_a_time() {
        for chosen in Defect::ALL {
            choose(Some(*chosen));
            let on: Vec<_> = Defect::ALL.iter().filter(|other| is_on(**other)).collect();
            assert_eq!(on, [chosen]);
            assert_eq!(chosen.name().parse(), Ok(*chosen));
        }
        choose(None);
        assert!(!Defect::ALL.iter().any(|defect| is_on(*defect)));
        assert!("nonsense".parse::<Defect>().is_err());
    }
}
