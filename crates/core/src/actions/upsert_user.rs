//! Makes a person, or changes their profile.

use semel_protocol::UserId;

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Makes a person, or changes their profile. Their own doing, or an operator's.
#[derive(Clone, Debug)]
pub struct UpsertUser {
    /// Who.
    pub user_id: UserId,
    /// Name.
    pub display_name: Option<String>,
    /// About; empty takes it away.
    pub about: Option<String>,
    /// Picture; empty takes it away.
    pub picture: Option<String>,
    /// Leave a person who is there as they are.
    pub only_if_absent: bool,
}

impl UpsertUser {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
