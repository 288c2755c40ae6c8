//! Leaves a group, or hides a direct thread from the own list.

use semel_protocol::{ThreadId, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Leaves a group, or hides a direct thread from the own list. Always succeeds.
#[derive(Clone, Debug)]
pub struct Leave {
    /// Which.
    pub thread_id: ThreadId,
}

impl Leave {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
