//! Between rows and the wire, in both directions. HTTP and Socket.IO say the same things because both say them through
//! here.

mod answer;
pub mod cursor;
mod entry;
mod export;
mod invite;
mod operator;
mod problem;
mod renderer;
mod request;
mod sync;
mod thread;

pub use answer::{Data, Success, ack, answer, envelope};
pub use entry::{entry, entry_page, entry_row};
pub use export::{exported_thread, own_handle, own_invite, own_line, own_picture, own_report};
pub use invite::invite;
pub use operator::{audit_line, report};
pub use problem::{from_ledger, from_refusal};
pub use renderer::JsonRenderer;
pub use request::{
    change_preferences, change_profile, change_role, change_thread, check_existing, create_or_get,
    cursor_at, delete_message, draft, edit_message, expand, mark_delivered, mark_read, react,
    remove_participant, send, send_batch, start_conversation, sync_ask,
};
pub use sync::sync_result;
pub use thread::{
    contact, findability, message, message_page, participant, preferences, summary, thread, user,
};
