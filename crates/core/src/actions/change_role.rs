//! Gives a participant another role.

use semel_protocol::{ThreadId, UserId, thread::Role};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Gives a participant another role. Admins of groups only.
#[derive(Clone, Debug)]
pub struct ChangeRole {
    /// Where.
    pub thread_id: ThreadId,
    /// Who.
    pub user_id: UserId,
    /// Which.
    pub role: Role,
}

impl ChangeRole {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
