//! What Semel says on the wire: types, ids, limits, error codes.
//!
//! Invariant: this crate knows serde and nothing of ours; what is renamed here changes the protocol.

pub mod code;
pub mod entry;
pub mod export;
pub mod ids;
pub mod invite;
pub mod limits;
pub mod message;
pub mod operator;
pub mod picture;
pub mod problem;
pub mod report;
pub mod requests;
pub mod sign_in;
pub mod socket;
pub mod sync;
pub mod thread;
pub mod time;
pub mod user;

pub use code::Code;
pub use entry::Entry;
pub use ids::{
    AuditId, ChallengeId, ClientId, DeviceId, InviteId, MessageId, PictureId, ReportId, Rev, Seq,
    SessionId, ThreadId, UserId,
};
pub use message::Message;
pub use problem::{FieldError, Problem};
pub use thread::{Thread, ThreadType};
pub use time::Timestamp;

/// Version of the protocol. History: 1, the first.
pub const PROTOCOL_VERSION: u32 = 1;
