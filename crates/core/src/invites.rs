//! Rows of inviting into groups. The secret of a link is in none of them: the server makes it from the link's id.

use semel_protocol::{ThreadId, Timestamp, UserId};

/// A link that invites into a group. One that is revoked is no row any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// Into which.
    pub thread_id: ThreadId,
    /// Who made it. It stays when they go: it is the group's.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// From when on it counts no more.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in.
    pub uses_max: Option<u64>,
    /// How many people it has let in.
    pub uses: u64,
}

impl InviteRow {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it has let in as many as it may.
    pub fn is_used_up(&self) -> bool {
        self.uses_max.is_some_and(|max| self.uses >= max)
    }
}
