//! Shows a person whom the actor does not know.

use semel_protocol::UserId;

use super::{Outcome, Scope, people};
use crate::{Key, Refusal, Rows, Stop};

/// Shows a person. An action so that asking after strangers is counted once, over all servers and restarts, whether they are
/// here or not.
#[derive(Clone, Debug)]
pub struct LookAtPerson {
    /// At whom.
    pub user_id: UserId,
}

impl LookAtPerson {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::User(self.user_id.clone()));
        keys.push(Key::Contact(actor.clone(), self.user_id.clone()));
        people::strangers_key(actor, keys);
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        people::meet(scope, rows, [&self.user_id])?;
        let user = rows.user(&self.user_id)?.ok_or_else(Refusal::not_found)?;
        Ok(Outcome::User {
            user_id: self.user_id.clone(),
            user: Box::new(user.clone()),
            created: false,
        })
    }
}
