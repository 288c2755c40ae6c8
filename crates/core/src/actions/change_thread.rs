//! Changes title, picture and settings of a group.

use semel_protocol::{ThreadId, UserId, thread::{History, Posting}};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Changes title, picture and settings of a group. Admins only; what is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct ChangeThread {
    /// Where.
    pub thread_id: ThreadId,
    /// Empty: automatic again.
    pub title: Option<String>,
    /// Empty: none.
    pub picture: Option<String>,
    /// What newcomers see.
    pub history: Option<History>,
    /// Who may write.
    pub posting: Option<Posting>,
}

impl ChangeThread {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
