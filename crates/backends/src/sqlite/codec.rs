//! Between rows and the columns of `SQLite`.

use rusqlite::{Row, types::ValueRef};
use semel_protocol::UserId;
use uuid::Uuid;

use crate::Error;
pub(super) use crate::codec::*;

/// Columns of a row, by place.
pub(super) trait Columns {
    fn number(&self, at: usize) -> Result<u64, Error>;
    fn number_or_none(&self, at: usize) -> Result<Option<u64>, Error>;
    fn uuid(&self, at: usize) -> Result<Uuid, Error>;
    fn uuid_or_none(&self, at: usize) -> Result<Option<Uuid>, Error>;
    fn user(&self, at: usize) -> Result<UserId, Error>;
    fn text(&self, at: usize) -> Result<&str, Error>;
    fn text_or_none(&self, at: usize) -> Result<Option<&str>, Error>;
    fn bytes(&self, at: usize) -> Result<&[u8], Error>;
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error>;
}

impl Columns for Row<'_> {
    fn number(&self, at: usize) -> Result<u64, Error> {
        Ok(self.get::<_, i64>(at)? as u64)
    }

    fn number_or_none(&self, at: usize) -> Result<Option<u64>, Error> {
        Ok(self.get::<_, Option<i64>>(at)?.map(|value| value as u64))
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

    fn user(&self, at: usize) -> Result<UserId, Error> {
        parse_user(self.text(at)?)
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

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        self.bytes(at)?
            .try_into()
            .map_err(|_| corrupt("bytes", "of another length"))
    }
}
