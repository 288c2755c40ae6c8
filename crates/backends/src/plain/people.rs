//! Rows of finding people.

use semel_core::people::{FindabilityRow, HandleRow};
use semel_protocol::{UserId, user::FoundBy};

use super::{
    Cell, Cells, Form,
    Kind::{Integer, Text},
    rows::{Stored, form, time, time_or_none},
};
use crate::{
    Error,
    codec::{Named, parse_user},
};

pub(super) const HANDLES: Form = form(
    "handles",
    &[("handle", Text)],
    &[
        ("user_id", Text),
        ("created_at", Integer),
        ("expires_at", Integer),
    ],
);
pub(super) const FINDABILITY: Form = form(
    "findability",
    &[("user_id", Text)],
    &[("by_handle", Text), ("by_phone", Text), ("by_email", Text)],
);

impl Stored for HandleRow {
    type Key = String;
    const FORM: &'static Form = &HANDLES;

    fn key(handle: &String) -> Vec<Cell> {
        vec![handle.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.user_id.as_str().into(),
            self.created_at.0.into(),
            self.expires_at.map(|time| time.0).into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            user_id: parse_user(&cells.text()?)?,
            created_at: time(cells)?,
            expires_at: time_or_none(cells)?,
        })
    }
}

impl Stored for FindabilityRow {
    type Key = UserId;
    const FORM: &'static Form = &FINDABILITY;

    fn key(who: &UserId) -> Vec<Cell> {
        vec![who.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        let names = [self.handle, self.phone, self.email];
        names.map(|by| by.name().into()).into()
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        let mut by = || FoundBy::named(&cells.text()?);
        Ok(Self {
            handle: by()?,
            phone: by()?,
            email: by()?,
        })
    }
}
