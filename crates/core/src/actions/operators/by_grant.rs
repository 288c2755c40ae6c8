//! What only those may do who are operators at that moment.

use semel_protocol::UserId;

use crate::{
    Key, Rows, Stop, access,
    actions::{Action, Outcome, Scope},
    plain::PlainKey,
};

/// Something that the actor does as an operator who was made one here. A token says so for minutes after the right was taken
/// away: what counts is the row, in the transaction of the deed.
#[derive(Clone, Debug)]
pub struct ByGrant {
    /// What they do.
    pub action: Box<Action>,
}

impl ByGrant {
    pub(in crate::actions) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Operator(actor.clone())));
        self.action.keys(actor, keys);
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        access::operator(rows, scope.actor)?;
        self.action
            .decide(scope.actor, rows, scope.context, scope.renderer)
    }
}
