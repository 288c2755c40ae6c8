//! What operators do.

use semel_core::safety::{AuditRow, Deed};
use semel_protocol::{
    AuditId,
    operator::{self, AuditLine},
};

/// A line of the audit log.
pub fn audit_line(id: AuditId, row: &AuditRow) -> AuditLine {
    AuditLine {
        id,
        at: row.at,
        actor_id: row.actor_id.clone(),
        deed: match row.deed {
            Deed::Suspend => operator::Deed::Suspend,
            Deed::Lift => operator::Deed::Lift,
            Deed::RemoveMessage => operator::Deed::RemoveMessage,
        },
        user_id: row.user_id.clone(),
        thread_id: row.thread_id,
        message_id: row.message_id,
        reason: row.reason.clone(),
    }
}
