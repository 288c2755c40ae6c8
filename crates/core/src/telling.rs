//! Rows of telling that a profile is another one.

use semel_protocol::{Rev, ThreadId, Timestamp, UserId};

/// A person whose changed profile is being told, and how far that is: written with each step, so that it goes on after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TellingRow {
    /// How far it is. Another change begins anew.
    pub place: TellPlace,
    /// When the next step is due, if nobody takes it before.
    pub due_at: Timestamp,
}

/// How far a telling is: who comes before has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TellPlace {
    /// The contacts after this one; from the beginning the person's own devices as well.
    Contacts(Option<UserId>),
    /// The threads after this one.
    Threads(Option<ThreadId>),
    /// Those who are in a group, after the one who came in with this entry, and is no contact.
    In(ThreadId, Rev, UserId),
}

impl TellPlace {
    /// From where everybody is told.
    pub const START: Self = Self::Contacts(None);
}
