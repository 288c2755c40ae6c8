//! Rows of pictures of people and groups.

use std::{fmt, sync::Arc};

use semel_protocol::{Timestamp, UserId};

/// A picture, without what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureRow {
    /// Who uploaded it.
    pub owner_id: UserId,
    /// When.
    pub created_at: Timestamp,
    /// How many people and groups have it.
    pub uses: u64,
    /// When it goes; none as long as somebody has it.
    pub expires_at: Option<Timestamp>,
}

/// What a picture shows. Never changed.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureBytesRow {
    /// How it is encoded.
    pub form: PictureForm,
    /// As this server encoded it.
    pub bytes: Arc<[u8]>,
}

impl fmt::Debug for PictureBytesRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.form, self.bytes.len())
    }
}

/// How a picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureForm {
    /// Without transparency.
    Jpeg,
    /// With it.
    Png,
}

impl PictureForm {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}
