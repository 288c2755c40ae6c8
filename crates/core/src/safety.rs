//! Rows of keeping people safe.

use semel_protocol::{
    MessageId, ReportId, Rev, Seq, ThreadId, Timestamp, UserId,
    report::{ReportOutcome, ReportReason},
};

/// What an operator did. Never changed, never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
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

/// What operators do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// They suspend a person.
    Suspend,
    /// They end that.
    Lift,
    /// They make a message a tombstone.
    RemoveMessage,
    /// They take a person out of a group.
    RemoveParticipant,
    /// They say what becomes of a report.
    ResolveReport,
    /// They take a fresh server by its link.
    ClaimOperator,
    /// They make a person an operator.
    GrantOperator,
    /// They end that.
    WithdrawOperator,
    /// They erase a person.
    ErasePerson,
}

/// What a person reported. One for each reporter and subject: the first one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// When.
    pub at: Timestamp,
    /// Who reports.
    pub reporter_id: UserId,
    /// Whom.
    pub user_id: UserId,
    /// What they said; none: the person is reported.
    pub evidence: Option<Evidence>,
    /// What is wrong.
    pub reason: ReportReason,
    /// More of that, in the reporter's words.
    pub details: Option<String>,
    /// What became of it; none: it is open.
    pub resolution: Option<Resolution>,
}

/// A message as it was when it was reported: what becomes of it later changes nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
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
    pub said_at: Timestamp,
    /// When it had been edited last.
    pub edited_at: Option<Timestamp>,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// By which operator.
    pub by: UserId,
    /// What.
    pub outcome: ReportOutcome,
    /// From when on the report is of no use.
    pub expires_at: Timestamp,
}

/// What a report is about: with its reporter, the one there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportSubject {
    /// A message.
    Message(MessageId),
    /// A person.
    Person(UserId),
}

impl ReportRow {
    /// What it is about.
    pub fn subject(&self) -> ReportSubject {
        match &self.evidence {
            Some(evidence) => ReportSubject::Message(evidence.message_id),
            None => ReportSubject::Person(self.user_id.clone()),
        }
    }
}

/// Where a page of reports begins: after one that was resolved then, or is open.
pub type ReportPlace = (Option<Timestamp>, ReportId);
