//! Changes how the actor may be found.

use semel_protocol::{UserId, user::FoundBy};

use crate::{
    Key, Rows, Stop,
    actions::{Outcome, Scope},
    people::FindabilityRow,
    plain::PlainKey,
};

/// Changes by what, and by whom, the actor may be found; what is `None` stays as it is.
#[derive(Clone, Debug)]
pub struct ChangeFindability {
    /// By the handle.
    pub handle: Option<FoundBy>,
    /// By a phone number.
    pub phone: Option<FoundBy>,
    /// By an e-mail address.
    pub email: Option<FoundBy>,
}

impl ChangeFindability {
    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(in crate::actions) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Findability(actor.clone())));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let before = rows.findability(scope.actor)?;
        let after = FindabilityRow {
            handle: self.handle.unwrap_or(before.handle),
            phone: self.phone.unwrap_or(before.phone),
            email: self.email.unwrap_or(before.email),
        };
        if after != before {
            rows.findability.put(scope.actor.clone(), Some(after));
        }
        Ok(Outcome::Findability(after))
    }
}
