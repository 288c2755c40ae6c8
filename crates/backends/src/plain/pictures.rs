//! Rows of pictures.

use semel_core::pictures::{PictureBytesRow, PictureForm, PictureRow};
use semel_protocol::PictureId;

use super::{
    Cell, Cells, Form,
    Kind::{Bytes, Integer, Text},
    rows::{Stored, form, time, time_or_none},
};
use crate::{
    Error,
    codec::{Named, corrupt, parse_user},
};

pub(super) const PICTURES: Form = form(
    "pictures",
    &[("id", Text)],
    &[
        ("owner_id", Text),
        ("created_at", Integer),
        ("uses", Integer),
        ("expires_at", Integer),
    ],
);
pub(super) const PICTURE_BYTES: Form = form(
    "picture_bytes",
    &[("id", Text)],
    &[("form", Text), ("bytes", Bytes)],
);

pub(super) fn picture_id(text: &str) -> Result<PictureId, Error> {
    text.parse().map_err(|_| corrupt("a picture's id", text))
}

impl Stored for PictureRow {
    type Key = PictureId;
    const FORM: &'static Form = &PICTURES;

    fn key(id: &PictureId) -> Vec<Cell> {
        vec![id.to_string().as_str().into()]
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.owner_id.as_str().into(),
            self.created_at.0.into(),
            (self.uses as i64).into(),
            self.expires_at.map(|time| time.0).into(),
        ]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            owner_id: parse_user(&cells.text()?)?,
            created_at: time(cells)?,
            uses: cells.integer()? as u64,
            expires_at: time_or_none(cells)?,
        })
    }
}

impl Stored for PictureBytesRow {
    type Key = PictureId;
    const FORM: &'static Form = &PICTURE_BYTES;

    fn key(id: &PictureId) -> Vec<Cell> {
        PictureRow::key(id)
    }

    fn cells(&self) -> Vec<Cell> {
        vec![self.form.name().into(), self.bytes[..].into()]
    }

    fn read(cells: &mut Cells) -> Result<Self, Error> {
        Ok(Self {
            form: PictureForm::named(&cells.text()?)?,
            bytes: cells.bytes()?.into(),
        })
    }
}
