//! What is asked of pictures.

use semel_protocol::PictureId;

use crate::{Rows, Stop, pictures::PictureBytesRow};

/// What a picture shows, to whoever knows its id.
pub fn picture(rows: &Rows, id: PictureId) -> Result<Option<PictureBytesRow>, Stop> {
    Ok(rows.picture_bytes(id)?.cloned())
}
