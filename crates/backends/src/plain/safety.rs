//! Rows of keeping people safe.

use semel_core::safety::{AuditRow, Deed, Evidence, ReportRow, ReportSubject, Resolution};
use semel_protocol::{
    AuditId, MessageId, ReportId, ThreadId, UserId,
    report::{ReportOutcome, ReportReason},
};

use super::{
    Cell, Cells, Form,
    Kind::{Bytes, Integer, Text},
    rows::{Stored, form, time, time_or_none, uuid},
};
use crate::{
    Error,
    codec::{Named, corrupt, parse_user},
};

/// For lists only: people are no plain rows.
pub(super) const PEOPLE: Form = form("users", &[("id", Text)], &[]);

pub(super) const AUDIT: Form = form(
    "audit",
    &[("id", Bytes)],
    &[
        ("at", Integer),
        ("actor_id", Text),
        ("deed", Text),
        ("user_id", Text),
        ("thread_id", Bytes),
        ("message_id", Bytes),
        ("reason", Text),
        ("report_id", Bytes),
    ],
);

pub(super) const REPORTS: Form = form(
    "reports",
    &[("id", Bytes)],
    &[
        ("at", Integer),
        ("reporter_id", Text),
        ("subject", Text),
        ("user_id", Text),
        ("thread_id", Bytes),
        ("message_id", Bytes),
        ("seq", Integer),
        ("rev", Integer),
        ("content", Text),
        ("said_at", Integer),
        ("edited_at", Integer),
        ("reason", Text),
        ("details", Text),
        ("resolved_at", Integer),
        ("resolved_by", Text),
        ("outcome", Text),
        ("expires_at", Integer),
    ],
);

/// A subject in its column.
pub(super) fn subject(subject: &ReportSubject) -> String {
    match subject {
        ReportSubject::Message(id) => format!("message:{id}"),
        ReportSubject::Person(who) => format!("person:{who}"),
    }
}

impl Stored for AuditRow {
    type Key = AuditId;
    const FORM: &'static Form = &AUDIT;

    fn key(id: &AuditId) -> Vec<Cell> {
        vec![id.0.as_bytes()[..].into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.at.0.into(),
            self.actor_id.as_str().into(),
            self.deed.name().into(),
            self.user_id.as_ref().map(UserId::as_str).into(),
            self.thread_id
                .as_ref()
                .map(|id| &id.0.as_bytes()[..])
                .into(),
            self.message_id
                .as_ref()
                .map(|id| &id.0.as_bytes()[..])
                .into(),
            self.reason.as_str().into(),
            self.report_id
                .as_ref()
                .map(|id| &id.0.as_bytes()[..])
                .into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            at: time(cells)?,
            actor_id: parse_user(&cells.text()?)?,
            deed: Deed::named(&cells.text()?)?,
            user_id: cells
                .text_or_none()?
                .as_deref()
                .map(parse_user)
                .transpose()?,
            thread_id: id_or_none(cells)?.map(ThreadId),
            message_id: id_or_none(cells)?.map(MessageId),
            reason: cells.text()?,
            report_id: id_or_none(cells)?.map(ReportId),
        })
    }
}

impl Stored for ReportRow {
    type Key = ReportId;
    const FORM: &'static Form = &REPORTS;

    fn key(id: &ReportId) -> Vec<Cell> {
        vec![id.0.as_bytes()[..].into()]
    }

    fn cells(&self) -> Vec<Cell> {
        let (it, done) = (self.evidence.as_ref(), self.resolution.as_ref());
        vec![
            self.at.0.into(),
            self.reporter_id.as_str().into(),
            subject(&self.subject()).as_str().into(),
            self.user_id.as_str().into(),
            it.map(|it| &it.thread_id.0.as_bytes()[..]).into(),
            it.map(|it| &it.message_id.0.as_bytes()[..]).into(),
            it.map(|it| it.seq as i64).into(),
            it.map(|it| it.rev as i64).into(),
            it.map(|it| it.content.as_str()).into(),
            it.map(|it| it.said_at.0).into(),
            it.and_then(|it| it.edited_at).map(|time| time.0).into(),
            self.reason.name().into(),
            self.details.as_deref().into(),
            done.map_or(0, |done| done.at.0).into(),
            done.map(|done| done.by.as_str()).into(),
            done.map(|done| done.outcome.name()).into(),
            done.map(|done| done.expires_at.0).into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        let at = time(cells)?;
        let reporter_id = parse_user(&cells.text()?)?;
        // It follows from the other columns.
        cells.text()?;
        Ok(Self {
            at,
            reporter_id,
            user_id: parse_user(&cells.text()?)?,
            evidence: evidence(cells)?,
            reason: ReportReason::named(&cells.text()?)?,
            details: cells.text_or_none()?,
            resolution: resolution(cells)?,
        })
    }
}

fn evidence(cells: &mut Cells) -> Result<Option<Evidence>, Error> {
    let thread = id_or_none(cells)?;
    let message = id_or_none(cells)?;
    let (seq, rev) = (cells.integer_or_none()?, cells.integer_or_none()?);
    let content = cells.text_or_none()?;
    let (said_at, edited_at) = (time_or_none(cells)?, time_or_none(cells)?);
    let Some(thread) = thread else {
        return Ok(None);
    };
    let absent = || corrupt("a reported message", "absent in part");
    Ok(Some(Evidence {
        thread_id: ThreadId(thread),
        message_id: MessageId(message.ok_or_else(absent)?),
        seq: seq.ok_or_else(absent)? as u64,
        rev: rev.ok_or_else(absent)? as u64,
        content: content.ok_or_else(absent)?,
        said_at: said_at.ok_or_else(absent)?,
        edited_at,
    }))
}

fn resolution(cells: &mut Cells) -> Result<Option<Resolution>, Error> {
    let at = time(cells)?;
    let (by, outcome) = (cells.text_or_none()?, cells.text_or_none()?);
    let expires_at = time_or_none(cells)?;
    let Some(by) = by else {
        return Ok(None);
    };
    let absent = || corrupt("a resolution", "absent in part");
    Ok(Some(Resolution {
        at,
        by: parse_user(&by)?,
        outcome: ReportOutcome::named(&outcome.ok_or_else(absent)?)?,
        expires_at: expires_at.ok_or_else(absent)?,
    }))
}

fn id_or_none(cells: &mut Cells) -> Result<Option<uuid::Uuid>, Error> {
    cells.bytes_or_none()?.as_deref().map(uuid).transpose()
}
