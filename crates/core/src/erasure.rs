//! Rows of erasing people.

use semel_protocol::{Seq, ThreadId, Timestamp, UserId};

/// A person who is being erased, and how far that is: written with each step, so that it goes on after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRow {
    /// When it began.
    pub began_at: Timestamp,
    /// How far it is.
    pub place: ErasePlace,
    /// When the next step is due, if nobody takes it before.
    pub due_at: Timestamp,
}

/// How far an erasure is: what comes before is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErasePlace {
    /// The threads after this one.
    After(Option<ThreadId>),
    /// The messages after this one.
    In(ThreadId, Seq),
    /// The contacts.
    Contacts,
    /// The blocks after this one.
    Blocks(Option<UserId>),
    /// What is left of their own log.
    Lines,
    /// The stored answers.
    Answers,
    /// The pictures that nobody has.
    Pictures,
}
