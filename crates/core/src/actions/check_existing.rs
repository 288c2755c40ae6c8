//! Looks for a thread.

use semel_protocol::{ThreadType, UserId};

use super::{Outcome, Scope, create_or_get::wanted, make_thread};
use crate::{Key, Rows, Stop, view};

/// Looks for the thread of exactly these people. Changes nothing, and tells nothing of threads that the caller is not
/// in: the caller is always one of the people.
#[derive(Clone, Debug)]
pub struct CheckExisting {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: by the number of people.
    pub thread_type: Option<ThreadType>,
}

impl CheckExisting {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        if let Ok(wanted) = wanted(actor, &self.participants, self.thread_type, None, true) {
            keys.extend(wanted.key().map(Key::ParticipantsKey));
        }
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let wanted = wanted(
            scope.actor,
            &self.participants,
            self.thread_type,
            None,
            true,
        )?;
        let thread = match make_thread::find(rows, &wanted)? {
            Some(id) => Some(Box::new(view::thread(rows, id, scope.actor)?)),
            None => None,
        };
        Ok(Outcome::Existing(thread))
    }
}
