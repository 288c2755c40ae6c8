//! Rows of inviting into groups.

use semel_core::invites::InviteRow;
use semel_protocol::{InviteId, ThreadId};

use super::{
    Cell, Cells, Form,
    Kind::{Bytes, Integer, Text},
    rows::{Stored, form, time, time_or_none, uuid},
};
use crate::{Error, codec::parse_user};

pub(super) const INVITES: Form = form(
    "invites",
    &[("id", Bytes)],
    &[
        ("thread_id", Bytes),
        ("created_by", Text),
        ("created_at", Integer),
        ("expires_at", Integer),
        ("uses_max", Integer),
        ("uses", Integer),
    ],
);

impl Stored for InviteRow {
    type Key = InviteId;
    const FORM: &'static Form = &INVITES;

    fn key(id: &InviteId) -> Vec<Cell> {
        vec![id.0.into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.thread_id.0.into(),
            self.created_by.as_str().into(),
            self.created_at.0.into(),
            self.expires_at.map(|time| time.0).into(),
            self.uses_max.map(|max| max as i64).into(),
            (self.uses as i64).into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            thread_id: ThreadId(uuid(&cells.bytes()?)?),
            created_by: parse_user(&cells.text()?)?,
            created_at: time(cells)?,
            expires_at: time_or_none(cells)?,
            uses_max: cells.integer_or_none()?.map(|max| max as u64),
            uses: cells.integer()? as u64,
        })
    }
}
