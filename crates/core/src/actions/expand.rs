//! Adds people to a group, with a welcome message if wanted.

use semel_protocol::{ClientId, ThreadId, UserId, requests::OnConflict};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Adds people to a group, with a welcome message if wanted. Admins only.
#[derive(Clone, Debug)]
pub struct Expand {
    /// Where.
    pub thread_id: ThreadId,
    /// Who; those who are in are ignored.
    pub new_participants: Vec<UserId>,
    /// The welcome.
    pub message_content: Option<String>,
    /// The welcome's client id.
    pub client_id: Option<ClientId>,
    /// When another thread has these people.
    pub on_conflict: OnConflict,
}

impl Expand {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
