//! Says what becomes of reports.

use semel_protocol::{
    ReportId, Timestamp, UserId, limits::REPORT_KEPT_DAYS, report::ReportOutcome,
};

use super::{deed, remove_message, standing, write_down};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    safety::{AuditRow, Deed, ReportRow, Resolution},
    validate,
};

const DAY_MS: i64 = 86_400_000;

/// Resolves a report, and does what its outcome says in the same step. Not for whom it is about, to whom it looks absent.
#[derive(Clone, Debug)]
pub struct ResolveReport {
    /// Which.
    pub report_id: ReportId,
    /// What becomes of it.
    pub resolve: Resolve,
    /// Why.
    pub reason: String,
}

/// What becomes of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// Nothing.
    NoAction,
    /// The message becomes a tombstone.
    RemoveMessage,
    /// The person is suspended. They are named, so that nothing of theirs is under way meanwhile.
    Suspend(UserId),
}

impl Resolve {
    fn outcome(&self) -> ReportOutcome {
        match self {
            Self::NoAction => ReportOutcome::NoAction,
            Self::RemoveMessage => ReportOutcome::MessageRemoved,
            Self::Suspend(_) => ReportOutcome::Suspended,
        }
    }
}

impl ResolveReport {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::Report(self.report_id)));
        if let Resolve::Suspend(who) = &self.resolve {
            standing::foresee(who, true, keys);
        }
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        let found = rows.report(self.report_id)?;
        let found = found.filter(|row| row.user_id != *scope.actor);
        let row = found.ok_or_else(Refusal::not_found)?.clone();
        let outcome = self.resolve.outcome();
        if let Some(before) = &row.resolution {
            if before.outcome != outcome {
                let detail = "it was resolved before, with another outcome";
                return Err(Refusal::invalid("/outcome", detail).into());
            }
            return Ok(self.resolved(before, None));
        }
        self.carry_out(scope, rows, &row)?;
        let now = scope.context.now;
        let resolution = Resolution {
            at: now,
            by: scope.actor.clone(),
            outcome,
            expires_at: Timestamp(now.0 + REPORT_KEPT_DAYS * DAY_MS),
        };
        let written = AuditRow {
            user_id: Some(row.user_id.clone()),
            thread_id: row.evidence.as_ref().map(|it| it.thread_id),
            message_id: row.evidence.as_ref().map(|it| it.message_id),
            report_id: Some(self.report_id),
            ..deed(scope, Deed::ResolveReport, &self.reason)
        };
        write_down(scope, rows, written);
        let suspended = match &self.resolve {
            Resolve::Suspend(who) => Some(who.clone()),
            Resolve::NoAction | Resolve::RemoveMessage => None,
        };
        let answer = self.resolved(&resolution, suspended);
        let row = ReportRow {
            resolution: Some(resolution),
            ..row
        };
        rows.reports.put(self.report_id, Some(row));
        Ok(answer)
    }

    fn carry_out(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
        report: &ReportRow,
    ) -> Result<(), Stop> {
        match &self.resolve {
            Resolve::NoAction => Ok(()),
            Resolve::RemoveMessage => {
                let Some(it) = &report.evidence else {
                    let detail = "this report is about a person, not about a message";
                    return Err(Refusal::invalid("/outcome", detail).into());
                };
                let place = (it.thread_id, it.message_id);
                remove_message::remove(scope, rows, place, &self.reason)
            }
            Resolve::Suspend(who) if *who == report.user_id => {
                standing::set(scope, rows, (who, true), &self.reason).map(drop)
            }
            Resolve::Suspend(_) => {
                let detail = "this report is about somebody else";
                Err(Refusal::invalid("/user_id", detail).into())
            }
        }
    }

    fn resolved(&self, resolution: &Resolution, suspended: Option<UserId>) -> Outcome {
        Outcome::Resolved {
            report_id: self.report_id,
            outcome: resolution.outcome,
            at: resolution.at,
            suspended,
        }
    }
}
