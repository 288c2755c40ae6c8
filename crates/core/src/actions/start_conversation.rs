//! Finds or makes the thread of these people and says something in it, in one step.

use semel_protocol::{ClientId, ThreadType, UserId};

use super::{Outcome, Scope};
use crate::{Key, Rows, Stop};

/// Finds or makes the thread of these people and says something in it, in one step.
#[derive(Clone, Debug)]
pub struct StartConversation {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    pub title: Option<String>,
    /// `false`: a group of its own.
    pub distinct: bool,
    /// The first words.
    pub content: String,
    /// The message's client id.
    pub client_id: Option<ClientId>,
}

impl StartConversation {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        todo!()
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        todo!()
    }
}
