//! Calls about messages and entries.

use semel_core::{
    Refusal,
    actions::Action,
    queries::{self, Around},
};
use semel_protocol::{
    Rev,
    entry::EntryPage,
    limits::{PAGE_ENTRIES_MAX, PAGE_MESSAGES_MAX, PAGE_ROWS_DEFAULT},
    message::{MessagePage, SendResult},
    requests,
    thread::MessageResult,
};

use super::{parts::Parts, route::Ask};
use crate::{
    auth::Caller,
    convert::{self, Data, Success},
};

/// Messages of a thread, tombstones included, in seq order: the newest, or those before, after or around a place.
#[utoipa::path(get, path = "/api/chat/threads/{thread_id}/messages", tag = "messages",
    responses((status = 200, description = "One page, complete for its interval.", body = Success<MessagePage>)))]
pub(super) fn list_messages(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let id = parts.thread_id()?;
    let places = (
        parts.number("before_seq")?,
        parts.number("after_seq")?,
        parts.number("around_seq")?,
        parts.query_id("around_id", "a message id is a UUID")?,
    );
    let around = match places {
        (None, None, None, None) => Around::Newest,
        (Some(seq), None, None, None) => Around::Before(seq),
        (None, Some(seq), None, None) => Around::After(seq),
        (None, None, Some(seq), None) => Around::Seq(seq),
        (None, None, None, Some(id)) => Around::Message(id),
        _ => {
            let detail = "at most one of before_seq, after_seq, around_seq and around_id";
            return Err(Refusal::invalid("?around_seq", detail));
        }
    };
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_MESSAGES_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let view = queries::messages(rows, &who, id, around, limit)?;
        Ok(Data::Messages(convert::message_page(&view)))
    }))
}

/// Says something.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/messages", tag = "messages",
    request_body = requests::SendMessage,
    responses(
        (status = 200, description = "An earlier attempt stored it.", body = Success<SendResult>),
        (status = 201, description = "Stored.", body = Success<SendResult>)))]
pub(super) fn send_message(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::send(parts.thread_id()?, parts.json()?))
}

/// Gives a message new words. Its sender only.
#[utoipa::path(patch, path = "/api/chat/threads/{thread_id}/messages/{message_id}", tag = "messages",
    request_body = requests::EditMessage,
    responses((status = 200, description = "The message as it is now.", body = Success<MessageResult>)))]
pub(super) fn edit_message(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::edit_message(
        parts.thread_id()?,
        parts.message_id()?,
        parts.json()?,
    ))
}

/// Makes a message a tombstone: its sender, or an admin of a group.
#[utoipa::path(delete, path = "/api/chat/threads/{thread_id}/messages/{message_id}", tag = "messages",
    responses((status = 200, description = "The tombstone.", body = Success<MessageResult>)))]
pub(super) fn delete_message(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    Ok(convert::delete_message(
        parts.thread_id()?,
        parts.message_id()?,
    ))
}

/// Puts an emoji on a message.
#[utoipa::path(put, path = "/api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
    tag = "messages",
    responses((status = 200, description = "The message as it is now.", body = Success<MessageResult>)))]
pub(super) fn add_reaction(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    react(parts, true)
}

/// Takes an emoji back.
#[utoipa::path(delete, path = "/api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
    tag = "messages",
    responses((status = 200, description = "The message as it is now.", body = Success<MessageResult>)))]
pub(super) fn remove_reaction(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    react(parts, false)
}

/// The log of a thread after a rev: what a device catches up with.
///
/// Too far behind, or a place of another log (`epoch`, or `chain` of the entry `after_rev`), is a normal answer:
/// `too_old`. Too far behind is counted from `until_rev`, if that is said: so a long log can be read from its beginning, part
/// by part.
#[utoipa::path(get, path = "/api/chat/threads/{thread_id}/entries", tag = "messages",
    responses((status = 200, description = "Consecutive entries.", body = Success<EntryPage>)))]
pub(super) fn list_entries(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let id = parts.thread_id()?;
    let after_rev = parts.number("after_rev")?.unwrap_or(0);
    let (chain, epoch) = (parts.query("chain"), parts.number("epoch")?);
    let cursor = convert::cursor_at(after_rev, chain, epoch, "?chain")?;
    let until_rev = parts.number("until_rev")?.unwrap_or(Rev::MAX);
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ENTRIES_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let view = queries::entries_after(rows, &who, id, (&cursor, until_rev), limit)?;
        Ok(Data::Entries(convert::entry_page(&view)))
    }))
}

fn react(parts: &Parts, is_added: bool) -> Result<Action, Refusal> {
    parts.no_body()?;
    let (thread_id, message_id) = (parts.thread_id()?, parts.message_id()?);
    Ok(convert::react(
        thread_id,
        message_id,
        parts.path("emoji").to_owned(),
        is_added,
    ))
}
