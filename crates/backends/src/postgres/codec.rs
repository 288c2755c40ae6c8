//! Between rows and the columns of `PostgreSQL`.

use semel_core::row::UserRow;
use tokio_postgres::{Row, types::FromSql};
use uuid::Uuid;

use crate::Error;
pub(super) use crate::{codec::*, columns::Columns};

/// A number that the database can compare: callers may name any.
pub(super) fn bound(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What only these columns have.
pub(super) trait MoreColumns: Columns {
    fn get_as<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, Error>;

    fn string_or_none(&self, at: usize) -> Result<Option<String>, Error> {
        self.get_as(at)
    }

    /// `display_name, about, picture, created_at, updated_at, handle, standing, standing_at` from here on; none without a time.
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
            handle: self.string_or_none(at + 5)?,
            standing: self.standing(at + 6)?,
        }))
    }
}

impl MoreColumns for Row {
    fn get_as<'a, T: FromSql<'a>>(&'a self, at: usize) -> Result<T, Error> {
        self.try_get(at).map_err(|error| {
            let what = self.columns().get(at).map_or("", |column| column.name());
            Error::Corrupt(format!("column {what} cannot be read: {error}"))
        })
    }
}

impl Columns for Row {
    fn integer(&self, at: usize) -> Result<i64, Error> {
        self.get_as(at)
    }

    fn integer_or_none(&self, at: usize) -> Result<Option<i64>, Error> {
        self.get_as(at)
    }

    fn uuid(&self, at: usize) -> Result<Uuid, Error> {
        self.get_as(at)
    }

    fn uuid_or_none(&self, at: usize) -> Result<Option<Uuid>, Error> {
        self.get_as(at)
    }

    fn text(&self, at: usize) -> Result<&str, Error> {
        self.get_as(at)
    }

    fn text_or_none(&self, at: usize) -> Result<Option<&str>, Error> {
        self.get_as(at)
    }

    fn bytes(&self, at: usize) -> Result<&[u8], Error> {
        self.get_as(at)
    }

    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, Error> {
        self.get_as(at)
    }

    fn flag(&self, at: usize) -> Result<bool, Error> {
        self.get_as(at)
    }
}
