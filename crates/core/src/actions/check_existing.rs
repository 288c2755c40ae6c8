//! Looks for the thread of exactly these people.

use semel_protocol::{ThreadType, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Looks for the thread of exactly these people. Changes nothing, and tells nothing of threads that the caller is not in.
#[derive(Clone, Debug)]
pub struct CheckExisting {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
}

impl CheckExisting {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
