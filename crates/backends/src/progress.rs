//! How far something is that takes its time.

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub what: &'static str,
    /// How much of it is.
    pub done: u64,
    /// Of how much; 0: not known.
    pub total: u64,
}

impl Progress {
    /// Something that begins, and of which nobody knows how much it is.
    pub(crate) fn of(what: &'static str) -> Self {
        Self {
            what,
            done: 0,
            total: 0,
        }
    }
}

/// Told how far something is.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Sync);
