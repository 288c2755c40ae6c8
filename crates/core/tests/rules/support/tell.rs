//! What tests want to know of an outcome.

use semel_core::{
    Refusal,
    actions::{Outcome, Sent},
    queries,
    row::MessageRow,
    view::ThreadView,
};
use semel_protocol::{Code, ThreadId};

use super::{words::person, world::World};

/// The thread that an outcome shows.
pub(crate) fn view(result: Result<Outcome, Refusal>) -> ThreadView {
    match result.expect("not refused") {
        Outcome::Thread { thread, .. }
        | Outcome::Conversation { thread, .. }
        | Outcome::Expanded { thread, .. }
        | Outcome::Changed(thread)
        | Outcome::Existing(Some(thread)) => *thread,
        other => panic!("no thread in {other:?}"),
    }
}

/// The id of the thread that an outcome shows.
pub(crate) fn id(result: Result<Outcome, Refusal>) -> ThreadId {
    view(result).thread.id
}

/// What was said, and whether it was there before.
pub(crate) fn sent(result: Result<Outcome, Refusal>) -> Sent {
    match result.expect("not refused") {
        Outcome::Sent(sent)
        | Outcome::Conversation { sent, .. }
        | Outcome::Expanded {
            sent: Some(sent), ..
        } => *sent,
        other => panic!("nothing said in {other:?}"),
    }
}

/// The message that was changed.
pub(crate) fn message(result: Result<Outcome, Refusal>) -> MessageRow {
    match result.expect("not refused") {
        Outcome::Message(row) => *row,
        other => panic!("no message in {other:?}"),
    }
}

/// Why not.
pub(crate) fn code(result: Result<Outcome, Refusal>) -> Code {
    result.expect_err("refused").code
}

/// The field that was not valid.
pub(crate) fn field(result: Result<Outcome, Refusal>) -> String {
    let refusal = result.expect_err("refused");
    assert_eq!(refusal.code, Code::InvalidRequest, "{refusal:?}");
    refusal.errors[0].pointer.clone()
}

/// A thread as somebody sees it now.
pub(crate) fn seen(world: &World, name: &str, id: ThreadId) -> ThreadView {
    let seen = world.ask(|rows| queries::thread(rows, &person(name), id));
    seen.expect("theirs to see")
}

/// Who is in, as somebody sees it.
pub(crate) fn names(view: &ThreadView) -> Vec<&str> {
    let people = view.participants.iter();
    people.map(|person| person.user_id.as_str()).collect()
}
