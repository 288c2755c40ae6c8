//! What operators do.

use semel_core::safety::{AuditRow, Deed, Evidence, ReportRow};
use semel_protocol::{
    AuditId, ReportId,
    operator::{self, AuditLine},
    report::{Report, ReportedMessage},
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
            Deed::RemoveParticipant => operator::Deed::RemoveParticipant,
            Deed::ResolveReport => operator::Deed::ResolveReport,
            Deed::ClaimOperator => operator::Deed::ClaimOperator,
            Deed::GrantOperator => operator::Deed::GrantOperator,
            Deed::WithdrawOperator => operator::Deed::WithdrawOperator,
            Deed::ErasePerson => operator::Deed::ErasePerson,
        },
        user_id: row.user_id.clone(),
        thread_id: row.thread_id,
        message_id: row.message_id,
        report_id: row.report_id,
        reason: row.reason.clone(),
    }
}

/// A report, for operators.
pub fn report(id: ReportId, row: &ReportRow) -> Report {
    let done = row.resolution.as_ref();
    Report {
        id,
        at: row.at,
        reporter_id: row.reporter_id.clone(),
        user_id: row.user_id.clone(),
        message: row.evidence.as_ref().map(reported_message),
        reason: row.reason,
        details: row.details.clone(),
        outcome: done.map(|done| done.outcome),
        resolved_at: done.map(|done| done.at),
        resolved_by: done.map(|done| done.by.clone()),
    }
}

fn reported_message(it: &Evidence) -> ReportedMessage {
    ReportedMessage {
        thread_id: it.thread_id,
        message_id: it.message_id,
        seq: it.seq,
        rev: it.rev,
        content: it.content.clone(),
        created_at: it.said_at,
        edited_at: it.edited_at,
    }
}
