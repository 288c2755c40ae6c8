//! Everything that is asked. Pure functions over rows, with the same access rules as the actions.

mod lists;
mod log;
pub mod safety;
pub mod sign_in;
mod sync;

pub use lists::{
    Roster, blocks, contact, contacts, findability, has_blocked, kept_from, participants,
    preferences, roster, thread, threads, user,
};
pub use log::{Around, EntriesView, MessagesView, SeenEntry, entries, entries_after, messages};
pub use sync::{SyncAsk, SyncCursor, SyncThreadView, SyncView, sync};
