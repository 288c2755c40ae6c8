//! Everything that is asked. Pure functions over rows, with the same access rules as the actions.

mod lists;
mod log;
mod sync;

pub use lists::{Roster, contacts, participants, roster, thread, threads, user};
pub use log::{Around, EntriesView, MessagesView, SeenEntry, entries, entries_after, messages};
pub use sync::{SyncAsk, SyncCursor, SyncThreadView, SyncView, sync};
