//! Moves the own positions in a thread forward.

use semel_protocol::{Seq, ThreadId, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Moves the own positions in a thread forward. They never go back.
#[derive(Clone, Debug)]
pub struct MarkPosition {
    /// Where.
    pub thread_id: ThreadId,
    /// Read up to here.
    pub read_seq: Option<Seq>,
    /// Delivered up to here.
    pub delivered_seq: Option<Seq>,
}

impl MarkPosition {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
