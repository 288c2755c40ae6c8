//! Calls about threads and the people in them.

use semel_core::{
    Refusal,
    actions::{self, Action},
    queries,
};
use semel_protocol::{
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX},
    requests,
    thread::{
        CheckExistingResult, CreateOrGetResult, ExpandResult, LeaveResult, ParticipantPage,
        PreferencesResult, ReadResult, StartConversationResult, ThreadPage, ThreadResult,
    },
};

use super::{
    parts::{Parts, cut},
    route::Ask,
};
use crate::{
    auth::Caller,
    convert::{self, Data, Success, cursor},
};

/// Looks for the thread of exactly these people.
///
/// Changes nothing, and tells nothing of threads that the caller is not in.
#[utoipa::path(post, path = "/api/chat/check-existing-thread", tag = "threads",
    request_body = requests::CheckExistingThread,
    responses((status = 200, description = "Whether there is one.", body = Success<CheckExistingResult>)))]
pub(super) fn check_existing_thread(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::check_existing(parts.json()?))
}

/// The one thread of these people: found, or made.
#[utoipa::path(post, path = "/api/chat/create-or-get", tag = "threads",
    request_body = requests::CreateOrGet,
    responses(
        (status = 200, description = "It was there.", body = Success<CreateOrGetResult>),
        (status = 201, description = "This call made it.", body = Success<CreateOrGetResult>)))]
pub(super) fn create_or_get(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::create_or_get(parts.json()?))
}

/// The one thread of these people: found, or made (the same call under its other address).
#[utoipa::path(post, path = "/api/chats/create-or-get", tag = "threads",
    request_body = requests::CreateOrGet,
    responses(
        (status = 200, description = "It was there.", body = Success<CreateOrGetResult>),
        (status = 201, description = "This call made it.", body = Success<CreateOrGetResult>)))]
pub(super) fn create_or_get_chats(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    create_or_get(caller, parts)
}

/// Finds or makes the thread of these people and says something in it, in one step.
#[utoipa::path(post, path = "/api/chat/start-conversation", tag = "threads",
    request_body = requests::StartConversation,
    responses(
        (status = 200, description = "In a thread that was there.", body = Success<StartConversationResult>),
        (status = 201, description = "In a new thread.", body = Success<StartConversationResult>)))]
pub(super) fn start_conversation(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::start_conversation(parts.json()?))
}

/// The caller's threads, most recent first.
#[utoipa::path(get, path = "/api/chat/threads", tag = "threads",
    responses((status = 200, description = "One page.", body = Success<ThreadPage>)))]
pub(super) fn list_threads(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let after = parts
        .query("cursor")
        .map(|text| cursor::thread(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let mut views = queries::threads(rows, &who, after, limit + 1)?;
        let end = cut(&mut views, limit);
        Ok(Data::Threads(ThreadPage {
            next_cursor: end.map(|view| cursor::of_thread((view.head.updated_at, view.thread.id))),
            threads: views.iter().map(convert::thread).collect(),
        }))
    }))
}

/// One thread.
#[utoipa::path(get, path = "/api/chat/threads/{thread_id}", tag = "threads",
    responses((status = 200, description = "The thread.", body = Success<ThreadResult>)))]
pub(super) fn get_thread(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let id = parts.thread_id()?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let thread = convert::thread(&queries::thread(rows, &who, id)?);
        Ok(Data::Thread(ThreadResult { thread }))
    }))
}

/// Changes title, description, picture and settings of a group, all of it or nothing.
///
/// Settings are for admins only; who may do the rest, `settings.naming` says.
#[utoipa::path(patch, path = "/api/chat/threads/{thread_id}", tag = "threads",
    request_body = requests::ChangeThread,
    responses((status = 200, description = "The thread as it is now.", body = Success<ThreadResult>)))]
pub(super) fn change_thread(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::change_thread(parts.thread_id()?, parts.json()?))
}

/// Adds people to a group, with a welcome message if wanted. `settings.adding` says who may.
///
/// Whom somebody took out, only admins bring back.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/expand", tag = "threads",
    request_body = requests::Expand,
    responses((status = 200, description = "Who came in.", body = Success<ExpandResult>)))]
pub(super) fn expand(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::expand(parts.thread_id()?, parts.json()?))
}

/// Leaves a group, or hides a direct thread from the own list.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/leave", tag = "threads",
    responses((status = 200, description = "Done.", body = Success<LeaveResult>)))]
pub(super) fn leave(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    Ok(actions::Leave {
        thread_id: parts.thread_id()?,
    }
    .into())
}

/// Moves the own read position forward; it never goes back.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/read", tag = "threads",
    request_body = requests::MarkRead,
    responses((status = 200, description = "The position now.", body = Success<ReadResult>)))]
pub(super) fn mark_read(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let thread_id = parts.thread_id()?;
    let requests::MarkRead { seq } = parts.json()?;
    Ok(convert::mark_read(thread_id, seq))
}

/// Mutes, pins and archives a thread for the caller alone. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/chat/threads/{thread_id}/preferences", tag = "threads",
    request_body = requests::ChangePreferences,
    responses((status = 200, description = "All of them as they are now.", body = Success<PreferencesResult>)))]
pub(super) fn change_preferences(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::change_preferences(
        parts.thread_id()?,
        parts.json()?,
    ))
}

/// The people in a thread, longest-standing first.
#[utoipa::path(get, path = "/api/chat/threads/{thread_id}/participants", tag = "threads",
    responses((status = 200, description = "One page.", body = Success<ParticipantPage>)))]
pub(super) fn list_participants(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let id = parts.thread_id()?;
    let after = parts
        .query("cursor")
        .map(|text| cursor::participant(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let mut page = queries::participants(rows, &who, id, after.clone(), limit + 1)?;
        let end = cut(&mut page, limit);
        Ok(Data::Participants(ParticipantPage {
            next_cursor: end.map(|(rev, view)| cursor::of_participant(*rev, &view.user_id)),
            participants: page
                .iter()
                .map(|(_, view)| convert::participant(view))
                .collect(),
        }))
    }))
}

/// Takes somebody else out of a group. Admins only; to go oneself there is `leave`.
#[utoipa::path(delete, path = "/api/chat/threads/{thread_id}/participants/{user_id}", tag = "threads",
    responses((status = 200, description = "The thread as it is now.", body = Success<ThreadResult>)))]
pub(super) fn remove_participant(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    let on_conflict = parts.choice("on_conflict")?.unwrap_or_default();
    let (thread_id, user_id) = (parts.thread_id()?, parts.user_id()?);
    let request = requests::RemoveParticipant { on_conflict };
    Ok(convert::remove_participant(thread_id, user_id, request))
}

/// Gives a participant another role. Admins of groups only.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/participants/{user_id}/role", tag = "threads",
    request_body = requests::ChangeRole,
    responses((status = 200, description = "The thread as it is now.", body = Success<ThreadResult>)))]
pub(super) fn change_role(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::change_role(
        parts.thread_id()?,
        parts.user_id()?,
        parts.json()?,
    ))
}
