//! The first person becomes the operator.

use semel_protocol::{Timestamp, UserId};

use super::{SignedIn, over};
use crate::{
    Key, Rows, Stop,
    actions::{
        Outcome, Scope,
        operators::{deed, write_down},
    },
    plain::PlainKey,
    safety::{AuditRow, Deed},
    sign_in::{BudgetRow, OperatorRow},
};

/// The row that says that the one link of this database was used.
pub const OPERATOR_LINK: &str = "operator link";

/// What the audit log says of it: nobody was asked for a reason.
const LINK_USED: &str = "the one link of this server was used";

/// The actor, who has the one link that a fresh server prints, becomes its operator. The server has looked at the link.
#[derive(Clone, Debug)]
pub struct ClaimOperator;

impl ClaimOperator {
    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(in crate::actions) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Budget(OPERATOR_LINK.to_owned())));
        keys.push(Key::Plain(PlainKey::Operator(actor.clone())));
    }

    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let is_mine = rows.operator(scope.actor)?.is_some();
        if rows.budget(OPERATOR_LINK)?.is_some() {
            // A lost answer can be asked for again.
            return if is_mine {
                Ok(Outcome::SignedIn(SignedIn::Operator))
            } else {
                Err(over())
            };
        }
        let used = BudgetRow {
            count: 1,
            expires_at: Timestamp(i64::MAX),
        };
        let created_at = scope.context.now;
        rows.budgets.put(OPERATOR_LINK.to_owned(), Some(used));
        rows.operators
            .put(scope.actor.clone(), Some(OperatorRow { created_at }));
        let written = AuditRow {
            user_id: Some(scope.actor.clone()),
            ..deed(scope, Deed::ClaimOperator, LINK_USED)
        };
        write_down(scope, rows, written);
        Ok(Outcome::SignedIn(SignedIn::Operator))
    }
}
