//! The table of routes.

use super::{
    invites, messages, operators, people, pictures, privacy, profile, reports,
    route::{
        Method::{Delete, Get, Patch, Post, Put},
        Route,
    },
    sign_in::{codes, erase, manage, provider, sessions},
    threads,
};

const PAGE: &[&str] = &["cursor", "limit"];
/// What providers add to the address of a browser that they send back.
const CALLBACK: &[&str] = &[
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "session_state",
    "scope",
    "authuser",
    "prompt",
    "hd",
];

/// Every call of the HTTP interface.
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
        &["after_rev", "until_rev", "chain", "epoch", "limit"],
        messages::list_entries,
    ),
    Route::ask(
        "/api/chat/threads/{thread_id}/messages",
        &[
            "before_seq",
            "after_seq",
            "around_seq",
            "around_id",
            "limit",
        ],
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
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/messages/{message_id}/report",
        reports::report_message,
    ),
    Route::act(
        Patch,
        "/api/chat/threads/{thread_id}/preferences",
        threads::change_preferences,
    ),
    Route::ask(
        "/api/chat/threads/{thread_id}/invites",
        &[],
        invites::list_invites,
    )
    .with_links(),
    Route::act(
        Post,
        "/api/chat/threads/{thread_id}/invites",
        invites::create_invite,
    )
    .with_links(),
    Route::act(
        Delete,
        "/api/chat/threads/{thread_id}/invites/{invite_id}",
        invites::revoke_invite,
    ),
    Route::act(Post, "/api/invites/look", invites::look_at_invite),
    Route::act(Post, "/api/invites/join", invites::join_by_invite),
    Route::ask("/api/contacts", PAGE, people::list_contacts),
    Route::act(Patch, "/api/contacts/{user_id}", people::change_contact),
    Route::ask("/api/blocks", PAGE, people::list_blocks),
    Route::act(Put, "/api/blocks/{user_id}", people::block),
    Route::act(Delete, "/api/blocks/{user_id}", people::unblock),
    Route::ask("/api/users/me", &[], people::get_me),
    Route::act(Patch, "/api/users/me", people::change_me),
    Route::stream("/api/users/me/export", |streaming| {
        Box::pin(privacy::export_me(streaming))
    }),
    Route::upload("/api/pictures", pictures::upload),
    Route::open("/api/pictures/{picture_id}", |visit| {
        Box::pin(pictures::get_picture(visit))
    }),
    Route::act(Put, "/api/users/me/handle", profile::change_handle),
    Route::ask("/api/users/me/findability", &[], profile::get_findability),
    Route::act(
        Patch,
        "/api/users/me/findability",
        profile::change_findability,
    ),
    Route::act(Post, "/api/users/find", profile::find),
    Route::act(Post, "/api/users/{user_id}/report", reports::report_person),
    Route::counted("/api/users/{user_id}", people::get_user),
    Route::act(Put, "/api/users/{user_id}", people::put_user),
    Route::act(
        Post,
        "/api/operator/people/{user_id}/suspend",
        operators::suspend,
    ),
    Route::act(Post, "/api/operator/people/{user_id}/lift", operators::lift),
    Route::act(
        Post,
        "/api/operator/threads/{thread_id}/messages/{message_id}/remove",
        operators::remove_message,
    ),
    Route::act(
        Post,
        "/api/operator/threads/{thread_id}/participants/{user_id}/remove",
        operators::expel_participant,
    ),
    Route::act(
        Post,
        "/api/operator/people/{user_id}/grant",
        operators::grant,
    ),
    Route::act(
        Post,
        "/api/operator/people/{user_id}/withdraw",
        operators::withdraw,
    ),
    Route::act(
        Post,
        "/api/operator/people/{user_id}/erase",
        privacy::erase_person,
    ),
    Route::ask("/api/operator/operators", &[], operators::list_operators),
    Route::ask("/api/operator/reports", PAGE, operators::list_reports),
    Route::act(
        Post,
        "/api/operator/reports/{report_id}/resolve",
        operators::resolve_report,
    ),
    Route::ask("/api/operator/audit", PAGE, operators::list_audit),
    Route::sign_in(Get, "/api/auth/methods", |visit| {
        Box::pin(codes::methods(visit))
    }),
    Route::sign_in(Post, "/api/auth/challenges", |visit| {
        Box::pin(codes::start(visit))
    }),
    Route::sign_in(Post, "/api/auth/verify", |visit| {
        Box::pin(codes::verify(visit))
    }),
    Route::sign_in(Post, "/api/auth/refresh", |visit| {
        Box::pin(sessions::refresh(visit))
    }),
    Route::sign_in(Post, "/api/auth/sign-out", |visit| {
        Box::pin(sessions::sign_out(visit))
    }),
    Route::sign_in(Post, "/api/auth/operator", |visit| {
        Box::pin(sessions::claim_operator(visit))
    }),
    Route::sign_in(Post, "/api/auth/erase", |visit| {
        Box::pin(erase::erase(visit))
    }),
    Route::sign_in(Post, "/api/auth/providers/{provider}/start", |visit| {
        Box::pin(provider::start(visit))
    }),
    Route::sign_in(Get, "/api/auth/providers/{provider}/callback", |visit| {
        Box::pin(provider::callback(visit))
    })
    .with_query(CALLBACK),
    Route::sign_in(Get, "/.well-known/jwks.json", |visit| {
        Box::pin(sessions::jwks(visit))
    }),
    Route::ask("/api/auth/sessions", &[], manage::list_sessions),
    Route::act(
        Delete,
        "/api/auth/sessions/{session_id}",
        manage::revoke_session,
    ),
    Route::act(
        Post,
        "/api/auth/sessions/revoke-others",
        manage::revoke_others,
    ),
    Route::ask("/api/auth/identities", &[], manage::list_identities),
    Route::sign_in(Post, "/api/auth/identities", |visit| {
        Box::pin(codes::link(visit))
    }),
    Route::act(Post, "/api/auth/identities/unlink", manage::unlink),
];
