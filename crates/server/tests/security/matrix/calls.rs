//! The line of every call.

use super::who::{
    ADMINS, AUTHOR, AUTHOR_AND_ADMINS, NOT_REMOVED, OPEN, OPERATORS, OWNER, PARTICIPANTS,
    PARTICIPANTS_AND_FORMER, Policy, READERS, SIGNED_IN, all, owner, signed_in,
};

/// A call, and who may make it.
pub(super) struct Call {
    /// Method and path; `{names}` here and below are what `Scene::fill` knows.
    pub(super) name: &'static str,
    pub(super) query: &'static str,
    /// JSON, or nothing.
    pub(super) body: &'static str,
    pub(super) policy: Policy,
}

const fn call(name: &'static str, policy: Policy) -> Call {
    let (query, body) = ("", "");
    Call {
        name,
        query,
        body,
        policy,
    }
}

impl Call {
    const fn with(self, body: &'static str) -> Self {
        Self { body, ..self }
    }
}

const THREAD_OF_PERSON: &str = r#"{"participants": ["{person}"]}"#;
const WHY: &str = r#"{"reason": "x"}"#;
const SPAM: &str = r#"{"reason": "spam"}"#;
const LINK: &str = r#"{"token": "{invite}"}"#;
const MADE_UP_CODE: &str = r#"{"challenge_id": "{nothing}", "code": "123456"}"#;

pub(super) const CALLS: &[Call] = &[
    // Threads of one's own.
    call("POST /api/chat/check-existing-thread", SIGNED_IN).with(THREAD_OF_PERSON),
    call("POST /api/chat/create-or-get", SIGNED_IN).with(THREAD_OF_PERSON),
    call("POST /api/chats/create-or-get", SIGNED_IN).with(THREAD_OF_PERSON),
    call("POST /api/chat/start-conversation", SIGNED_IN)
        .with(r#"{"participants": ["{person}"], "message_content": "x"}"#),
    call("GET /api/chat/threads", SIGNED_IN),
    // A thread.
    call("GET /api/chat/threads/{thread_id}", PARTICIPANTS),
    call("PATCH /api/chat/threads/{thread_id}", ADMINS).with(r#"{"title": "x"}"#),
    call("POST /api/chat/threads/{thread_id}/expand", ADMINS)
        .with(r#"{"new_participants": ["{other_person}"]}"#),
    call(
        "POST /api/chat/threads/{thread_id}/leave",
        PARTICIPANTS_AND_FORMER,
    ),
    call("POST /api/chat/threads/{thread_id}/read", PARTICIPANTS).with(r#"{"seq": 1}"#),
    call(
        "GET /api/chat/threads/{thread_id}/participants",
        PARTICIPANTS,
    ),
    call(
        "DELETE /api/chat/threads/{thread_id}/participants/{user_id}",
        ADMINS,
    ),
    call(
        "POST /api/chat/threads/{thread_id}/participants/{user_id}/role",
        ADMINS,
    )
    .with(r#"{"role": "admin"}"#),
    call("GET /api/chat/threads/{thread_id}/entries", PARTICIPANTS),
    call(
        "PATCH /api/chat/threads/{thread_id}/preferences",
        PARTICIPANTS,
    )
    .with(r#"{"pinned": true}"#),
    // Messages.
    call("GET /api/chat/threads/{thread_id}/messages", PARTICIPANTS),
    call("POST /api/chat/threads/{thread_id}/messages", PARTICIPANTS)
        .with(r#"{"client_id": "{client_id}", "content": "x"}"#),
    call(
        "PATCH /api/chat/threads/{thread_id}/messages/{message_id}",
        AUTHOR,
    )
    .with(r#"{"content": "x"}"#),
    call(
        "DELETE /api/chat/threads/{thread_id}/messages/{message_id}",
        AUTHOR_AND_ADMINS,
    ),
    call(
        "PUT /api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
        PARTICIPANTS,
    ),
    call(
        "DELETE /api/chat/threads/{thread_id}/messages/{message_id}/reactions/{emoji}",
        PARTICIPANTS,
    ),
    call(
        "POST /api/chat/threads/{thread_id}/messages/{message_id}/report",
        READERS,
    )
    .with(SPAM),
    // People.
    call("GET /api/contacts", SIGNED_IN),
    // Who was in the group with them is their contact.
    call("PATCH /api/contacts/{user_id}", PARTICIPANTS_AND_FORMER).with(r#"{"own_name": "x"}"#),
    call("GET /api/blocks", SIGNED_IN),
    call("PUT /api/blocks/{user_id}", SIGNED_IN),
    call("DELETE /api/blocks/{user_id}", SIGNED_IN),
    call("GET /api/users/me", SIGNED_IN),
    call("PATCH /api/users/me", SIGNED_IN).with(r#"{"about": "x"}"#),
    call("GET /api/users/{user_id}", SIGNED_IN),
    call("POST /api/users/{user_id}/report", SIGNED_IN).with(SPAM),
    call("PUT /api/users/{user_id}", OPERATORS).with(r#"{"about": "x"}"#),
    call("GET /api/users/me/export", SIGNED_IN),
    call("PUT /api/users/me/handle", SIGNED_IN).with(r#"{"handle": ""}"#),
    call("GET /api/users/me/findability", SIGNED_IN),
    call("PATCH /api/users/me/findability", SIGNED_IN).with(r#"{"phone": "nobody"}"#),
    call("POST /api/users/find", SIGNED_IN).with(r#"{"handle": "nobody_here"}"#),
    // Pictures: whoever is signed in may upload one, and this is none; one that is not there is absent for everybody.
    call("POST /api/pictures", signed_in("invalid_request")).with("{}"),
    call("GET /api/pictures/{picture_id}", all("not_found")),
    // Operators.
    call("POST /api/operator/people/{user_id}/suspend", OPERATORS).with(WHY),
    call("POST /api/operator/people/{user_id}/lift", OPERATORS).with(WHY),
    call(
        "POST /api/operator/threads/{thread_id}/messages/{message_id}/remove",
        OPERATORS,
    )
    .with(WHY),
    call(
        "POST /api/operator/threads/{thread_id}/participants/{user_id}/remove",
        OPERATORS,
    )
    .with(WHY),
    call("POST /api/operator/people/{user_id}/grant", OPERATORS).with(WHY),
    call("POST /api/operator/people/{user_id}/withdraw", OPERATORS).with(WHY),
    call("GET /api/operator/operators", OPERATORS),
    call("GET /api/operator/reports", OPERATORS),
    call("POST /api/operator/reports/{report_id}/resolve", OPERATORS)
        .with(r#"{"outcome": "no_action", "reason": "x"}"#),
    call("GET /api/operator/audit", OPERATORS),
    // Signing in.
    call("GET /api/auth/methods", OPEN),
    call("POST /api/auth/challenges", OPEN).with(r#"{"kind": "phone", "to": "{fresh_phone}"}"#),
    call("POST /api/auth/verify", all("challenge_over")).with(MADE_UP_CODE),
    call("POST /api/auth/refresh", all("session_revoked"))
        .with(r#"{"refresh_token": "semel_rt_{nothing}"}"#),
    call("POST /api/auth/sign-out", OPEN).with(r#"{"refresh_token": "semel_rt_{nothing}"}"#),
    call("POST /api/auth/operator", signed_in("sign_in_failed")).with(r#"{"token": "made up"}"#),
    call(
        "POST /api/auth/providers/{provider}/start",
        all("not_found"),
    )
    .with(r#"{"return_to": "/"}"#),
    call(
        "GET /api/auth/providers/{provider}/callback",
        all("sign_in_failed"),
    ),
    call("GET /.well-known/jwks.json", OPEN),
    // Nobody is erased who does not name themselves.
    call("POST /api/auth/erase", signed_in("invalid_request"))
        .with(r#"{"user_id": "{other_person}"}"#),
    call("GET /api/auth/sessions", SIGNED_IN),
    call("DELETE /api/auth/sessions/{session_id}", OWNER),
    call("POST /api/auth/sessions/revoke-others", SIGNED_IN),
    call("GET /api/auth/identities", SIGNED_IN),
    call("POST /api/auth/identities", signed_in("challenge_over")).with(MADE_UP_CODE),
    // Nobody takes another's way to sign in, and nobody their own last one.
    call("POST /api/auth/identities/unlink", owner("invalid_request"))
        .with(r#"{"kind": "phone", "value": "{phone}"}"#),
    // Links that invite. `adding` is for admins unless a group says otherwise.
    // Who may not add is shown the links that they made: none.
    call("GET /api/chat/threads/{thread_id}/invites", PARTICIPANTS),
    call("POST /api/chat/threads/{thread_id}/invites", ADMINS).with(r#"{"uses_max": 1}"#),
    call(
        "DELETE /api/chat/threads/{thread_id}/invites/{invite_id}",
        ADMINS,
    ),
    // Whoever has the link. Who was in a group with others is their contact: this comes after the lines about contacts.
    call("POST /api/invites/look", NOT_REMOVED).with(LINK),
    call("POST /api/invites/join", NOT_REMOVED).with(LINK),
    // For balancers.
    call("GET /health", OPEN),
    call("GET /health/live", OPEN),
    call("GET /health/ready", OPEN),
    // At the end: whom it erases is of no use to other lines.
    call("POST /api/operator/people/{user_id}/erase", OPERATORS).with(WHY),
];
