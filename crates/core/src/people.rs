//! Rows of finding people.

use semel_protocol::{Timestamp, UserId, user::FoundBy};

/// Whose a handle is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleRow {
    /// Whose it is, or was.
    pub user_id: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// Given up: until then nobody else may take it.
    pub expires_at: Option<Timestamp>,
}

impl HandleRow {
    /// Whether it is somebody's now.
    pub fn is_in_use(&self) -> bool {
        self.expires_at.is_none()
    }

    /// Whether somebody may take it at a time.
    pub fn is_free_for(&self, who: &UserId, now: Timestamp) -> bool {
        self.user_id == *who || self.expires_at.is_some_and(|end| end <= now)
    }
}

/// By what, and by whom, somebody may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindabilityRow {
    /// By their handle.
    pub handle: FoundBy,
    /// By a phone number.
    pub phone: FoundBy,
    /// By an e-mail address.
    pub email: FoundBy,
}

impl Default for FindabilityRow {
    /// A handle is taken in order to be found; a number or an address is told to few.
    fn default() -> Self {
        Self {
            handle: FoundBy::Everybody,
            phone: FoundBy::Nobody,
            email: FoundBy::Nobody,
        }
    }
}
