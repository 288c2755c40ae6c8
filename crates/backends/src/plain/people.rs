//! Rows of finding people.

use semel_core::{
    erasure::{ErasePlace, ErasureRow},
    people::{FindabilityRow, HandleRow},
    telling::{TellPlace, TellingRow},
};
use semel_protocol::{ThreadId, UserId, user::FoundBy};

use super::{
    Cell, Cells, Form,
    Kind::{Bytes, Integer, Text},
    rows::{Stored, form, time, time_or_none, uuid},
};
use crate::{
    Error,
    codec::{Named, corrupt, parse_user},
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

pub(super) const ERASURES: Form = form(
    "erasures",
    &[("user_id", Text)],
    &[
        ("began_at", Integer),
        ("stage", Text),
        ("thread_id", Bytes),
        ("seq", Integer),
        ("other_id", Text),
        ("due_at", Integer),
    ],
);

impl Stored for ErasureRow {
    type Key = UserId;
    const FORM: &'static Form = &ERASURES;

    fn key(who: &UserId) -> Vec<Cell> {
        vec![who.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        let (stage, thread, seq, other) = match &self.place {
            ErasePlace::After(thread) => ("threads", *thread, None, None),
            ErasePlace::In(thread, seq) => ("messages", Some(*thread), Some(*seq as i64), None),
            ErasePlace::Contacts => ("contacts", None, None, None),
            ErasePlace::Blocks(other) => ("blocks", None, None, other.as_ref()),
            ErasePlace::Lines => ("lines", None, None, None),
            ErasePlace::Answers => ("answers", None, None, None),
            ErasePlace::Pictures => ("pictures", None, None, None),
        };
        vec![
            self.began_at.0.into(),
            stage.into(),
            thread.as_ref().map(|id| &id.0.as_bytes()[..]).into(),
            seq.into(),
            other.map(UserId::as_str).into(),
            self.due_at.0.into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        let began_at = time(cells)?;
        let stage = cells.text()?;
        let thread = cells.bytes_or_none()?.as_deref().map(uuid).transpose()?;
        let thread = thread.map(ThreadId);
        let seq = cells.integer_or_none()?.map(|seq| seq as u64);
        let other = cells.text_or_none()?.as_deref().map(parse_user);
        let other = other.transpose()?;
        let place = match (stage.as_str(), thread, seq) {
            ("threads", thread, None) => ErasePlace::After(thread),
            ("messages", Some(thread), Some(seq)) => ErasePlace::In(thread, seq),
            ("contacts", None, None) => ErasePlace::Contacts,
            ("blocks", None, None) => ErasePlace::Blocks(other),
            ("lines", None, None) => ErasePlace::Lines,
            ("answers", None, None) => ErasePlace::Answers,
            ("pictures", None, None) => ErasePlace::Pictures,
            _ => return Err(corrupt("a stage of an erasure", &stage)),
        };
        Ok(Self {
            began_at,
            place,
            due_at: time(cells)?,
        })
    }
}

pub(super) const TELLINGS: Form = form(
    "tellings",
    &[("user_id", Text)],
    &[
        ("stage", Text),
        ("thread_id", Bytes),
        ("rev", Integer),
        ("other_id", Text),
        ("due_at", Integer),
    ],
);

impl Stored for TellingRow {
    type Key = UserId;
    const FORM: &'static Form = &TELLINGS;

    fn key(who: &UserId) -> Vec<Cell> {
        vec![who.as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        let (stage, thread, rev, other) = match &self.place {
            TellPlace::Contacts(other) => ("contacts", None, None, other.as_ref()),
            TellPlace::Threads(thread) => ("threads", *thread, None, None),
            TellPlace::In(thread, rev, other) => {
                ("within", Some(*thread), Some(*rev as i64), Some(other))
            }
        };
        vec![
            stage.into(),
            thread.as_ref().map(|id| &id.0.as_bytes()[..]).into(),
            rev.into(),
            other.map(UserId::as_str).into(),
            self.due_at.0.into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        let stage = cells.text()?;
        let thread = cells.bytes_or_none()?.as_deref().map(uuid).transpose()?;
        let thread = thread.map(ThreadId);
        let rev = cells.integer_or_none()?.map(|rev| rev as u64);
        let other = cells.text_or_none()?.as_deref().map(parse_user);
        let other = other.transpose()?;
        let place = match (stage.as_str(), thread, rev, other) {
            ("contacts", None, None, other) => TellPlace::Contacts(other),
            ("threads", thread, None, None) => TellPlace::Threads(thread),
            ("within", Some(thread), Some(rev), Some(other)) => TellPlace::In(thread, rev, other),
            _ => return Err(corrupt("a stage of a telling", &stage)),
        };
        Ok(Self {
            place,
            due_at: time(cells)?,
        })
    }
}
