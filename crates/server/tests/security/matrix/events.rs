//! The line of every event.

use super::who::{AUTHOR, AUTHOR_AND_ADMINS, PARTICIPANTS, Policy, SIGNED_IN};

/// An event, and who may send it.
pub(super) struct Event {
    pub(super) name: &'static str,
    /// `{names}` are what `Scene::fill` knows.
    pub(super) data: &'static str,
    pub(super) policy: Policy,
}

const fn event(name: &'static str, data: &'static str, policy: Policy) -> Event {
    Event { name, data, policy }
}

const MESSAGE: &str = r#"{"thread_id": "{thread_id}", "message_id": "{message_id}"}"#;
const REACTION: &str =
    r#"{"thread_id": "{thread_id}", "message_id": "{message_id}", "emoji": "👍"}"#;

pub(super) const EVENTS: &[Event] = &[
    event(
        "message:send",
        r#"{"thread_id": "{thread_id}", "client_id": "{client_id}", "content": "x"}"#,
        PARTICIPANTS,
    ),
    event(
        "message:edit",
        r#"{"thread_id": "{thread_id}", "message_id": "{message_id}", "content": "x"}"#,
        AUTHOR,
    ),
    event("message:delete", MESSAGE, AUTHOR_AND_ADMINS),
    event("reaction:add", REACTION, PARTICIPANTS),
    event("reaction:remove", REACTION, PARTICIPANTS),
    event(
        "read",
        r#"{"thread_id": "{thread_id}", "seq": 1}"#,
        PARTICIPANTS,
    ),
    // Best effort: it is taken from everybody, and counts for participants.
    event(
        "delivered",
        r#"{"thread_id": "{thread_id}", "seq": 1}"#,
        SIGNED_IN,
    ),
    event("sync", "{}", SIGNED_IN),
    // What a device has open is its own matter, and opens nothing to it.
    event("thread:open", r#"{"thread_id": "{thread_id}"}"#, SIGNED_IN),
    event("thread:close", r#"{"thread_id": "{thread_id}"}"#, SIGNED_IN),
    event(
        "typing",
        r#"{"thread_id": "{thread_id}", "typing": true}"#,
        PARTICIPANTS,
    ),
    // Told of contacts only.
    event("presence", r#"{"user_ids": ["{person}"]}"#, SIGNED_IN),
];
