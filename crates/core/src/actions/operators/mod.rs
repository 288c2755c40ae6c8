//! What operators do. That somebody is one is decided by the token, before, and for people who signed in here by
//! [`ByGrant`] once more. Each deed is written down in the transaction that does it; one that changes nothing is none.

mod by_grant;
mod remove_message;
mod remove_participant;
mod resolve_report;
mod set_operator;
mod standing;

pub use by_grant::ByGrant;
pub use remove_message::RemoveMessage;
pub use remove_participant::ExpelParticipant;
pub use resolve_report::{Resolve, ResolveReport};
pub use set_operator::SetOperator;
pub(super) use set_operator::{lock as operator_lock, withdraw};
pub use standing::SetStanding;

use super::Scope;
use crate::{
    Rows,
    safety::{AuditRow, Deed},
};

/// Writes down what the actor does, and why; the rest is to be filled in.
pub(super) fn deed(scope: &Scope<'_>, deed: Deed, reason: &str) -> AuditRow {
    AuditRow {
        at: scope.context.now,
        actor_id: scope.actor.clone(),
        deed,
        user_id: None,
        thread_id: None,
        message_id: None,
        report_id: None,
        reason: reason.to_owned(),
    }
}

/// One command may do several things, each with a line of its own.
pub(super) fn write_down(scope: &Scope<'_>, rows: &mut Rows, row: AuditRow) {
    let ids = (0..).map(|n| scope.context.audit_id(n));
    let mut fresh = ids.filter(|id| !rows.audit.knows(id));
    let id = fresh.next().expect("there are enough numbers");
    rows.audit.put(id, Some(row));
}
