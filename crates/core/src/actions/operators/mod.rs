//! What operators do. That somebody is one is decided by the token, before. Each deed is written down in the transaction that
//! does it; one that changes nothing is none.

mod remove_message;
mod standing;

pub use remove_message::RemoveMessage;
pub use standing::SetStanding;

use super::Scope;
use crate::{
    Rows,
    safety::{AuditRow, Deed},
};

/// Writes down what the actor does, and why; the rest is to be filled in.
fn deed(scope: &Scope<'_>, deed: Deed, reason: &str) -> AuditRow {
    AuditRow {
        at: scope.context.now,
        actor_id: scope.actor.clone(),
        deed,
        user_id: None,
        thread_id: None,
        message_id: None,
        reason: reason.to_owned(),
    }
}

fn write_down(scope: &Scope<'_>, rows: &mut Rows, row: AuditRow) {
    rows.audit.put(scope.context.audit_id(), Some(row));
}
