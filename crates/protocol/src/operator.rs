//! What operators do.

use serde::{Deserialize, Serialize};

use crate::{AuditId, MessageId, ReportId, ThreadId, Timestamp, UserId};

/// Why an operator does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    /// 1 to 500 characters; kept in the audit log.
    pub reason: String,
}

/// Whether somebody may use the server: the answer to suspending and lifting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StandingResult {
    /// Who.
    pub user_id: UserId,
    /// Since when they are suspended; none: they are not.
    pub suspended_at: Option<Timestamp>,
}

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Deed {
    /// Suspended a person.
    Suspend,
    /// Ended that.
    Lift,
    /// Made a message a tombstone.
    RemoveMessage,
    /// Took a person out of a group.
    RemoveParticipant,
    /// Said what becomes of a report.
    ResolveReport,
    /// Took a fresh server by its link.
    ClaimOperator,
    /// Made a person an operator.
    GrantOperator,
    /// Ended that.
    WithdrawOperator,
    /// Erased a person.
    ErasePerson,
}

/// Whether somebody runs this server: the answer to granting and withdrawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorResult {
    /// Who.
    pub user_id: UserId,
    /// Whether they are an operator now.
    pub is_operator: bool,
}

/// Somebody who runs this server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operator {
    /// Who.
    pub user_id: UserId,
    /// Since when.
    pub since: Timestamp,
}

/// Who runs this server, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorList {
    /// All of them.
    pub operators: Vec<Operator>,
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLine {
    /// Id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor_id: UserId,
    /// What.
    pub deed: Deed,
    /// To whom.
    pub user_id: Option<UserId>,
    /// In which thread.
    pub thread_id: Option<ThreadId>,
    /// To which message.
    pub message_id: Option<MessageId>,
    /// About which report.
    pub report_id: Option<ReportId>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// One page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The page.
    pub audit: Vec<AuditLine>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}
