//! What both databases are told of a transfer, so that nothing else happens to them meanwhile.

use serde::{Deserialize, Serialize};

use super::value::Row;
use crate::Error;

/// In a database that is being filled: how far that is. A server does not open it, nor does anything else.
pub(crate) const FILLING: &str = "filling";
/// In a database that is, or was, moved: by which transfer. A server that opens it removes this: what it writes would be
/// missing at the other end. One that had it open before does not write it any more.
pub(crate) const LEAVING: &str = "leaving";

/// How far a database is filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filling {
    /// Names the transfer.
    pub(crate) id: String,
    /// The table that is being filled. Those before it are full.
    pub(crate) table: String,
    /// The key of its last row that is there; none yet: it is empty.
    pub(crate) after: Option<Row>,
    /// Rows that are there.
    pub(crate) rows: u64,
}

impl Filling {
    /// As it is stored.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Corrupt(format!("write JSON: {error}")))
    }

    /// The same, back.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let wrong =
            |error| Error::Corrupt(format!("how far the transfer is cannot be read: {error}"));
        serde_json::from_slice(bytes).map_err(wrong)
    }
}

/// Why a database that is being filled is not opened.
pub(crate) fn half_filled() -> Error {
    let text = "`semel transfer` is filling this database and has not ended: run it again with the same --from and --to, \
                and it goes on";
    Error::Unusable(text.to_owned())
}

/// Why a server that was cut off or stood still does not write on in a database that was moved meanwhile.
pub(crate) fn left() -> Error {
    let text = "`semel transfer` has moved this database, or is at it: start the server anew, with the address of the database \
                that is to be used";
    Error::Unusable(text.to_owned())
}

/// Why a transfer does not go on, or does not go there.
pub(crate) fn not_empty() -> Error {
    let text = "the target has another content already: take an empty database (`semel transfer --verify-only` compares \
                two that are full)";
    Error::Unusable(text.to_owned())
}

/// Tells that a database is used again that was moved.
pub(crate) fn warn_of_leaving() {
    tracing::warn!(
        "`semel transfer` has moved this database, or begun to: what is written here from now on is missing in the other one"
    );
}
