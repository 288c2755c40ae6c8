//! Removes stored answers that have expired.

use semel_protocol::{Timestamp, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Removes stored answers that have expired. A job of the server.
#[derive(Clone, Debug)]
pub struct PruneAnswers {
    /// Made before this time.
    pub before: Timestamp,
    /// At most so many at once.
    pub limit: usize,
}

impl PruneAnswers {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
