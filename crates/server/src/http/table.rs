//! The table of routes.

use super::{
    messages, people,
    route::{
        Method::{Delete, Patch, Post, Put},
        Route,
    },
    threads,
};

const PAGE: &[&str] = &["cursor", "limit"];

/// Every call of the HTTP interface that needs a token.
pub static ROUTES: &[Route] = &[
    Route::act(
        Post,
        "/api/chat/check-existing-thread",
        threads::check_existing_thread,
    ),
    Route::act(Post, "/api/chat/create-or-get", threads::create_or_get),
    Route::act(
        Post,
        "/api/chats/create-or-get",
        threads::create_or_get_chats,
    ),
    Route::act(
        Post,
        "/api/chat/start-conversation",
        threads::start_conversation,
    ),
    Route::ask("/api/chat/threads", PAGE, threads::list_threads),
    Route::ask("/api/chat/threads/{thread_id}", &[], threads::get_thread),
    Route::act(
        Patch,
        "/api/chat/threads/{thread_id}",
        threads::change_thread,
    ),
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/expand",
        threads::expand,
    ),
    Route::act(Post, "/api/chat/threads/{thread_id}/leave", threads::leave),
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/read",
        threads::mark_read,
    ),
    Route::ask(
        "/api/chat/threads/{thread_id}/participants",
        PAGE,
        threads::list_participants,
    ),
    Route::act(
        Delete,
        "/api/chat/threads/{thread_id}/participants/{user_id}",
        threads::remove_participant,
    )
    .with_query(&["on_conflict"]),
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/participants/{user_id}/role",
        threads::change_role,
    ),
    Route::ask(
        "/api/chat/threads/{thread_id}/entries",
        &["after_rev", "chain", "epoch", "limit"],
        messages::list_entries,
    ),
    Route::ask(
        "/api/chat/threads/{thread_id}/messages",
        &["before_seq", "after_seq", "around_seq", "limit"],
        messages::list_messages,
    ),
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/messages",
        messages::send_message,
    ),
    Route::act(
        Patch,
        "/api/chat/threads/{thread_id}/messages/{message_id}",
        messages::edit_message,
    ),
    Route::act(
        Delete,
        "/api/chat/threads/{thread_id}/messages/{message_id}",
        messages::delete_message,
    ),
    Route::act(
        Put,
        "/api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
        messages::add_reaction,
    ),
    Route::act(
        Delete,
        "/api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
        messages::remove_reaction,
    ),
    Route::ask("/api/contacts", PAGE, people::list_contacts),
    Route::ask("/api/users/me", &[], people::get_me),
    Route::act(Patch, "/api/users/me", people::change_me),
    Route::ask("/api/users/{user_id}", &[], people::get_user),
    Route::act(Put, "/api/users/{user_id}", people::put_user),
];
