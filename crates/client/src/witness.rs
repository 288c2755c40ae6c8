//! Who writes down what a session does and sees (docs/HISTORY.md).
//!
//! Calls come from one task per session and must not block. Invariant: an attempt is told before its first byte leaves,
//! its outcome after the whole answer was read.

use semel_protocol::{ClientId, Entry, Problem, Rev, ThreadId};

use crate::{Destination, Stored};

/// A witness of a session.
pub trait Witness: Send + Sync {
    /// A message is about to be written to the connection. The returned number, which the witness is free to choose, comes
    /// back with the outcome. A session that crashes tells no outcome of what it had on its way.
    fn attempt(&self, attempt: &Attempt<'_>) -> u64;

    /// What became of an attempt; told once at most.
    fn outcome(&self, attempt: u64, outcome: Outcome<'_>);

    /// An entry was pushed to this device, in whatever order, repeats included.
    fn arrival(&self, entry: &Entry);

    /// An entry is handed to the application, together with [`crate::Note::Entry`]: pushed ones and fetched ones.
    fn apply(&self, entry: &Entry);

    /// The device goes on behind this entry of a log: together with [`crate::Note::Reset`], and when a session goes on
    /// from a place that was kept.
    fn reset(&self, thread_id: ThreadId, epoch: u64, head_rev: Rev);

    /// The person is not in this thread any more: together with [`crate::Note::Left`].
    fn left(&self, thread_id: ThreadId);
}

/// One try of a message.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The message's client id.
    pub client_id: ClientId,
    /// Where it goes.
    pub destination: &'a Destination,
    /// The words.
    pub content: &'a str,
    /// How many tries of this message this session has made, from 1.
    pub number: u32,
    /// Whether the message keeps its place among those that this device sends to the same thread. Not so for messages to
    /// people: the device does not know that they go to a thread to which it may be sending otherwise.
    pub in_order: bool,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// Stored, by this attempt or an earlier one.
    Stored(&'a Stored),
    /// Any answer that is an error, also one after which the session tries again.
    Refused(&'a Problem),
    /// The connection ended before the answer.
    Lost,
    /// The answer cannot be read.
    Unreadable,
}
