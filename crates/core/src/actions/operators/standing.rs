//! Suspends people, and lifts that.

use semel_protocol::UserId;

use super::{
    deed,
    set_operator::{another_stays, lock},
    write_down,
};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
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
        foresee(&self.user_id, self.is_suspended, keys);
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        let standing = set(
            scope,
            rows,
            (&self.user_id, self.is_suspended),
            &self.reason,
        )?;
        Ok(Outcome::Standing {
            user_id: self.user_id.clone(),
            standing,
        })
    }
}

/// What changing somebody's standing foresees. Suspending may be about an operator: of two who change at once who can act as one,
/// the second sees what the first has left.
pub(super) fn foresee(who: &UserId, is_suspended: bool, keys: &mut Vec<Key>) {
    keys.push(Key::Alone(who.clone()));
    if is_suspended {
        keys.push(lock());
        keys.push(Key::Plain(PlainKey::Operator(who.clone())));
    }
}

/// Suspends a person, or lifts that. It must have been [foreseen](foresee). Whoever asks, somebody stays who can act as an operator
/// of this server.
pub(super) fn set(
    scope: &Scope<'_>,
    rows: &mut Rows,
    (who, is_suspended): (&UserId, bool),
    reason: &str,
) -> Result<Standing, Stop> {
    if who == scope.actor {
        return Err(Refusal::invalid("?user_id", "nobody suspends themselves").into());
    }
    let found = rows.user(who)?.filter(|row| !row.is_erased());
    let row = found.ok_or_else(Refusal::not_found)?.clone();
    if (row.standing != Standing::Good) == is_suspended {
        return Ok(row.standing);
    }
    if is_suspended && rows.operator(who)?.is_some() {
        another_stays(rows, who)?;
    }
    let (standing, done) = if is_suspended {
        (Standing::Suspended(scope.context.now), Deed::Suspend)
    } else {
        (Standing::Good, Deed::Lift)
    };
    rows.users
        .put(who.clone(), Some(UserRow { standing, ..row }));
    let written = AuditRow {
        user_id: Some(who.clone()),
        ..deed(scope, done, reason)
    };
    write_down(scope, rows, written);
    Ok(standing)
}
