//! Takes somebody out of a group.

use semel_protocol::{ThreadId, UserId, requests::OnConflict};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Takes somebody out of a group. Admins only.
#[derive(Clone, Debug)]
pub struct RemoveParticipant {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// When another thread has the remaining people.
    pub on_conflict: OnConflict,
}

impl RemoveParticipant {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
