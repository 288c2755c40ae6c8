//! What people report, and what becomes of it.

use serde::{Deserialize, Serialize};

use crate::{MessageId, ReportId, Rev, Seq, ThreadId, Timestamp, UserId};

/// What is wrong with a message or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReportReason {
    /// Unwanted advertisement.
    Spam,
    /// Somebody does not leave somebody alone.
    Harassment,
    /// Violence, or a threat of it.
    Violence,
    /// Against people for what they are.
    Hate,
    /// Sexual, and unwanted or forbidden.
    Sexual,
    /// They pretend to be somebody else, or want money by a lie.
    Fraud,
    /// Something else.
    Other,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReportOutcome {
    /// Nothing.
    NoAction,
    /// The message is a tombstone.
    MessageRemoved,
    /// The person is suspended.
    Suspended,
}

/// A report that is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewReport {
    /// What is wrong.
    pub reason: ReportReason,
    /// Up to 1000 characters more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// The answer to a report. The first one of a person about the same stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportResult {
    /// Id.
    pub report_id: ReportId,
}

/// How an operator resolves a report; what the outcome says is done by the same call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResolveReport {
    /// What becomes of it.
    pub outcome: ReportOutcome,
    /// 1 to 500 characters; kept in the audit log.
    pub reason: String,
    /// With `suspended`: who, as the report says, so that nobody else is suspended by mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// The answer to resolving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResolveResult {
    /// Which.
    pub report_id: ReportId,
    /// What became of it.
    pub outcome: ReportOutcome,
    /// When.
    pub resolved_at: Timestamp,
}

/// A message as it was when it was reported. What becomes of it later changes nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedMessage {
    /// Where.
    pub thread_id: ThreadId,
    /// Which.
    pub message_id: MessageId,
    /// Its place.
    pub seq: Seq,
    /// Its last change then.
    pub rev: Rev,
    /// Its words then.
    pub content: String,
    /// When it was said.
    pub created_at: Timestamp,
    /// When it had been edited last.
    pub edited_at: Option<Timestamp>,
}

/// A report, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Id.
    pub id: ReportId,
    /// When.
    pub at: Timestamp,
    /// Who reports.
    pub reporter_id: UserId,
    /// Whom.
    pub user_id: UserId,
    /// What they said; none: the person is reported.
    pub message: Option<ReportedMessage>,
    /// What is wrong.
    pub reason: ReportReason,
    /// More of that.
    pub details: Option<String>,
    /// What became of it; none: it is open.
    pub outcome: Option<ReportOutcome>,
    /// When.
    pub resolved_at: Option<Timestamp>,
    /// Who did that.
    pub resolved_by: Option<UserId>,
}

/// One page of reports: open ones first, those that were reported first before the others; then by when they were resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportPage {
    /// The page.
    pub reports: Vec<Report>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}
