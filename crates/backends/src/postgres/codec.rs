//! Between rows and the columns of `PostgreSQL`.

use semel_core::row::UserRow;
use semel_protocol::{Timestamp, UserId};
use tokio_postgres::{Row, types::FromSql};
use uuid::Uuid;

use crate::Error;
pub(super) use crate::codec::*;

/// A number that the database can compare: callers may name any.
pub(super) fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Columns of a row, by place.
pub(super) trait Columns {
    fn get_as<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, Error>;

    fn number(&self, at: usize) -> Result<u64, Error> {
        Ok(self.get_as::<i64>(at)? as u64)
    }

    fn number_or_none(&self, at: usize) -> Result<Option<u64>, Error> {
        Ok(self.get_as::<Option<i64>>(at)?.map(|value| value as u64))
    }

    fn time(&self, at: usize) -> Result<Timestamp, Error> {
        self.get_as(at).map(Timestamp)
    }

    fn time_or_none(&self, at: usize) -> Result<Option<Timestamp>, Error> {
        Ok(self.get_as::<Option<i64>>(at)?.map(Timestamp))
    }

    fn uuid(&self, at: usize) -> Result<Uuid, Error> {
        self.get_as(at)
    }

    fn uuid_or_none(&self, at: usize) -> Result<Option<Uuid>, Error> {
        self.get_as(at)
    }

    fn user(&self, at: usize) -> Result<UserId, Error> {
        parse_user(self.text(at)?)
    }

    fn text(&self, at: usize) -> Result<&str, Error> {
        self.get_as(at)
    }

    fn text_or_none(&self, at: usize) -> Result<Option<&str>, Error> {
        self.get_as(at)
    }

    fn string_or_none(&self, at: usize) -> Result<Option<String>, Error> {
        self.get_as(at)
    }

    fn bytes(&self, at: usize) -> Result<&[u8], Error> {
        self.get_as(at)
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        self.bytes(at)?
            .try_into()
            .map_err(|_| corrupt("bytes", "of another length"))
    }

    /// `display_name, about, picture, created_at, updated_at` from here on; none without a time.
    fn user_row(&self, at: usize) -> Result<Option<UserRow>, Error> {
        let Some(created_at) = self.time_or_none(at + 3)? else {
            return Ok(None);
        };
        Ok(Some(UserRow {
            display_name: self.string_or_none(at)?,
            about: self.string_or_none(at + 1)?,
            picture: self.string_or_none(at + 2)?,
            created_at,
            updated_at: self.time(at + 4)?,
        }))
    }
}

impl Columns for Row {
    fn get_as<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, Error> {
        self.try_get(at).map_err(|error| {
            let what = self.columns().get(at).map_or("", |column| column.name());
            Error::Corrupt(format!("column {what} cannot be read: {error}"))
        })
    }
}
