//! Rows of keeping people safe.

use semel_core::safety::{AuditRow, Deed};
use semel_protocol::{AuditId, MessageId, ThreadId, UserId};

use super::{
    Cell, Cells, Form,
    Kind::{Bytes, Integer, Text},
    rows::{Stored, form, time, uuid},
};
use crate::{
    Error,
    codec::{Named, parse_user},
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
    ],
);

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
        })
    }
}

fn id_or_none(cells: &mut Cells) -> Result<Option<uuid::Uuid>, Error> {
    cells.bytes_or_none()?.as_deref().map(uuid).transpose()
}
