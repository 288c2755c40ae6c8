//! Suspends people, and lifts that.

use semel_protocol::UserId;

use super::{deed, write_down};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    row::{Standing, UserRow},
    safety::{AuditRow, Deed},
    validate,
};

/// Suspends a person, or lifts that. From the acknowledgement of a suspension on nothing that they do is accepted; what they
/// said before stays.
#[derive(Clone, Debug)]
pub struct SetStanding {
    /// Who.
    pub user_id: UserId,
    /// Whether they are suspended from now on.
    pub is_suspended: bool,
    /// Why.
    pub reason: String,
}

impl SetStanding {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Alone(self.user_id.clone()));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        if self.user_id == *scope.actor {
            return Err(Refusal::invalid("?user_id", "nobody suspends themselves").into());
        }
        let row = rows.user(&self.user_id)?.ok_or_else(Refusal::not_found)?;
        let was_suspended = row.standing != Standing::Good;
        let (mut standing, now) = (row.standing, scope.context.now);
        if was_suspended != self.is_suspended {
            let done = if self.is_suspended {
                standing = Standing::Suspended(now);
                Deed::Suspend
            } else {
                standing = Standing::Good;
                Deed::Lift
            };
            let row = UserRow {
                standing,
                ..row.clone()
            };
            rows.users.put(self.user_id.clone(), Some(row));
            let written = AuditRow {
                user_id: Some(self.user_id.clone()),
                ..deed(scope, done, &self.reason)
            };
            write_down(scope, rows, written);
        }
        Ok(Outcome::Standing {
            user_id: self.user_id.clone(),
            standing,
        })
    }
}
