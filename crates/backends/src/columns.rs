//! Columns of a row that was read, by place.

use semel_core::row::{PreferencesRow, Side, Standing};
use semel_protocol::{Timestamp, UserId};
use uuid::Uuid;

use crate::{
    Error,
    codec::{Named, corrupt, decode_standing, parse_user},
};

/// What an engine can read from its rows, and what follows from that.
pub(crate) trait Columns {
    fn integer(&self, at: usize) -> Result<i64, Error>;
    fn integer_or_none(&self, at: usize) -> Result<Option<i64>, Error>;
    fn uuid(&self, at: usize) -> Result<Uuid, Error>;
    fn uuid_or_none(&self, at: usize) -> Result<Option<Uuid>, Error>;
    fn text(&self, at: usize) -> Result<&str, Error>;
    fn text_or_none(&self, at: usize) -> Result<Option<&str>, Error>;
    fn bytes(&self, at: usize) -> Result<&[u8], Error>;
    fn bytes_or_none(&self, at: usize) -> Result<Option<&[u8]>, Error>;
    fn flag(&self, at: usize) -> Result<bool, Error>;

    fn number(&self, at: usize) -> Result<u64, Error> {
        Ok(self.integer(at)? as u64)
    }

    fn number_or_none(&self, at: usize) -> Result<Option<u64>, Error> {
        Ok(self.integer_or_none(at)?.map(|value| value as u64))
    }

    fn time(&self, at: usize) -> Result<Timestamp, Error> {
        self.integer(at).map(Timestamp)
    }

    fn time_or_none(&self, at: usize) -> Result<Option<Timestamp>, Error> {
        Ok(self.integer_or_none(at)?.map(Timestamp))
    }

    /// On which side of a block somebody is.
    fn side_or_none(&self, at: usize) -> Result<Option<Side>, Error> {
        self.text_or_none(at)?.map(Side::named).transpose()
    }

    /// Two columns: how a person stands, and since when.
    fn standing(&self, at: usize) -> Result<Standing, Error> {
        decode_standing(self.text_or_none(at)?, self.time_or_none(at + 1)?)
    }

    /// Three columns, from `muted_until` on.
    fn preferences(&self, at: usize) -> Result<PreferencesRow, Error> {
        Ok(PreferencesRow {
            muted_until: self.time_or_none(at)?,
            pinned_at: self.time_or_none(at + 1)?,
            is_archived: self.flag(at + 2)?,
        })
    }

    fn user(&self, at: usize) -> Result<UserId, Error> {
        parse_user(self.text(at)?)
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Error> {
        self.bytes(at)?
            .try_into()
            .map_err(|_| corrupt("bytes", "of another length"))
    }
}
