//! Everything that is asked. Pure functions over rows, with the same access rules as the actions.

pub mod erasure;
pub mod export;
pub mod invites;
mod lists;
mod log;
mod pictures;
pub mod safety;
pub mod sign_in;
mod sync;
pub mod telling;

pub(crate) use lists::knows;
pub use lists::{
    Roster, acquaintance, blocks, changed_profile, contact, contacts, findability, has_blocked,
    kept_from, participants, preferences, roster, thread, threads, user,
};
pub use log::{Around, EntriesView, MessagesView, SeenEntry, entries, entries_after, messages};
pub use pictures::picture;
pub use sync::{SyncAsk, SyncCursor, SyncPlace, SyncThreadView, SyncView, sync};
