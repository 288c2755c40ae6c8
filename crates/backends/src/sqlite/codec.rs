//! Between rows and the columns of `SQLite`.

use rusqlite::{Row, types::ValueRef};
use uuid::Uuid;

use crate::Error;
pub(super) use crate::{codec::*, columns::Columns};

impl Columns for Row<'_> {
    fn integer(&self, at: usize) -> Result<i64, Error> {
        Ok(self.get(at)?)
    }

    fn integer_or_none(&self, at: usize) -> Result<Option<i64>, Error> {
        Ok(self.get(at)?)
    }

    fn uuid(&self, at: usize) -> Result<Uuid, Error> {
        self.array(at).map(Uuid::from_bytes)
    }

    fn uuid_or_none(&self, at: usize) -> Result<Option<Uuid>, Error> {
        match self.get_ref(at)? {
            ValueRef::Null => Ok(None),
            _ => self.uuid(at).map(Some),
        }
    }

    fn text(&self, at: usize) -> Result<&str, Error> {
        self.text_or_none(at)?
            .ok_or_else(|| corrupt("a text", "absent"))
    }

    fn text_or_none(&self, at: usize) -> Result<Option<&str>, Error> {
        self.get_ref(at)?
            .as_str_or_null()
            .map_err(|_| corrupt("a text", "something else"))
    }

    fn bytes(&self, at: usize) -> Result<&[u8], Error> {
        self.get_ref(at)?
            .as_blob()
            .map_err(|_| corrupt("bytes", "something else"))
    }

    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, Error> {
        self.get_ref(at)?
            .as_blob_or_null()
            .map_err(|_| corrupt("bytes", "something else"))
    }

    fn flag(&self, at: usize) -> Result<bool, Error> {
        Ok(self.get(at)?)
    }
}
