//! The one thread of these people.

use semel_protocol::{ClientId, ThreadType, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// The one thread of these people: found, or made.
#[derive(Clone, Debug)]
pub struct CreateOrGet {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    pub title: Option<String>,
    /// `false`: a group of its own.
    pub distinct: bool,
    /// Names this creation for ever.
    pub client_id: Option<ClientId>,
}

impl CreateOrGet {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
