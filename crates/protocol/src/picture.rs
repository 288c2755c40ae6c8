//! Pictures of people and groups that this server keeps.

use serde::{Deserialize, Serialize};

use crate::PictureId;

/// What the address of every picture that this server keeps begins with.
const PLACE: &str = "/api/pictures/";

/// Where a picture is.
pub fn address(id: PictureId) -> String {
    format!("{PLACE}{id}")
}

/// The picture that an address names, if it is written as [`address`] writes it.
pub fn at_address(text: &str) -> Option<PictureId> {
    let id = text.strip_prefix(PLACE)?.parse().ok()?;
    (address(id) == text).then_some(id)
}

/// The answer to an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PictureResult {
    /// Its address on this server, to be written into `picture` of a person or a group.
    pub picture: String,
    /// Pixels from left to right, as it is kept.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn p_picture_4_a_picture_has_one_address() {
        let id = PictureId(Uuid::from_u128(0xabc));
        let text = address(id);
        assert_eq!(text, "/api/pictures/00000000-0000-0000-0000-000000000abc");
        assert_eq!(at_address(&text), Some(id));
        for other in [
            &text.to_uppercase(),
            "/api/pictures/00000000-0000-0000-0000-000000000ABC",
            "/api/pictures/00000000000000000000000000000abc",
            "/api/pictures/",
            &format!("{text}/"),
            &format!("{text}?x"),
            &format!("/{text}"),
        ] {
            assert_eq!(at_address(other), None, "{other}");
        }
    }
}
