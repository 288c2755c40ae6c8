//! The closed list of error codes, shared by HTTP and Socket.IO.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    // A `literal` would reach other macros wrapped, and the schema would not find the name in it.
    ($($name:ident $status:literal $retry:literal $text:tt $title:literal $advice:literal;)*) => {
        /// What went wrong, for programs. [`Code::advice`] says what a client should do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, for documents and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable text, as on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whether the same request may succeed later without being changed.
            pub fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// What happened, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What a client should do.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

codes! {
    InvalidRequest 422 false "invalid_request" "The request is not valid." "Mend the fields that `errors` names.";
    MalformedBody 400 false "malformed_body" "The body could not be read." "Send JSON as documented.";
    UnsupportedMediaType 415 false "unsupported_media_type" "A body of this kind is not read here." "Send what the call takes: JSON as `Content-Type: application/json`, a picture as it is; UTF-8, not compressed.";
    BodyTooLarge 413 false "body_too_large" "The body is too large." "Send less at once.";
    InvalidIdempotencyKey 400 false "invalid_idempotency_key" "The idempotency key is not valid." "Send one key of 1 to 255 visible ASCII characters, or none.";
    IdempotencyKeyReused 422 false "idempotency_key_reused" "The idempotency key belongs to another request." "Make a new key for every new request.";
    InFlight 409 true "in_flight" "The first request with this key is still running." "Ask again after `retry_after_ms`.";
    Unauthenticated 401 false "unauthenticated" "A valid access token is needed." "Get a new token, then connect or ask again.";
    SessionRevoked 401 false "session_revoked" "This sign-in was ended." "Forget its tokens, and let the person sign in again.";
    SignInFailed 401 false "sign_in_failed" "It was not shown who this is." "Begin the sign-in again.";
    WrongCode 422 false "wrong_code" "The code is not the one that was sent." "Let the person type it again; the last try ends the challenge.";
    ChallengeOver 409 false "challenge_over" "This code counts no more: it is too old, was used, or was tried too often." "Begin the sign-in again.";
    FreshSignInNeeded 403 false "fresh_sign_in_needed" "The person has not signed in lately." "Let them sign in again, then repeat.";
    IdentityTaken 409 false "identity_taken" "This number, address or account belongs to somebody else here." "Sign in with it, or name another.";
    HandleTaken 409 false "handle_taken" "Somebody else has this handle, or had it lately." "Let the person choose another one.";
    Forbidden 403 false "forbidden" "You may not do this." "Do not repeat; the right is missing.";
    Suspended 403 false "suspended" "An operator has suspended this person." "Tell the person; nothing works until an operator lifts it.";
    Erased 403 false "erased" "This account was erased." "Forget its tokens; the person may sign up anew.";
    LastOperator 409 false "last_operator" "This is the last operator." "Make somebody else an operator first.";
    Unreachable 403 false "unreachable" "This person cannot be reached." "Keep what was written as not sent; do not repeat by yourself.";
    NotFound 404 false "not_found" "There is no such thing, or it is not yours." "Forget what you asked for.";
    MethodNotAllowed 405 false "method_not_allowed" "This address has no such method." "Use a documented method.";
    UnknownUsers 422 false "unknown_users" "Some people are not known." "Leave out or create the people that `user_ids` names.";
    ClientIdReused 409 false "client_id_reused" "This client id belongs to something else." "Make a new client id for every new message or thread.";
    ParticipantsKeyTaken 409 false "participants_key_taken" "Another thread has exactly these people." "Open `existing_thread_id`, or repeat with `on_conflict: \"keep_separate\"`.";
    MessageDeleted 409 false "message_deleted" "The message was deleted." "Show the tombstone.";
    WrongThreadType 409 false "wrong_thread_type" "This kind of thread does not allow that." "Do not repeat.";
    ThreadFull 409 false "thread_full" "The group has as many people as a group may have." "Tell the person; somebody has to leave first.";
    RateLimited 429 true "rate_limited" "Too much at once." "Wait `retry_after_ms`, then go on.";
    OutcomeUnknown 503 true "outcome_unknown" "It is not known whether this took effect." "Repeat with the same idempotency key or client id; that is safe.";
    StoreUnavailable 503 true "store_unavailable" "The store does not answer." "Repeat later with the same idempotency key or client id.";
    Overloaded 503 true "overloaded" "The server has too much to do." "Repeat after `retry_after_ms`.";
    ShuttingDown 503 true "shutting_down" "The server is stopping." "Connect again after `retry_after_ms`.";
    Internal 500 true "internal" "Something went wrong inside." "Repeat with the same idempotency key or client id; report the `request_id` if it stays.";
    SlowConsumer 429 true "slow_consumer" "The device did not read fast enough." "Connect again and sync.";
    TooManyDevices 429 false "too_many_devices" "This person has too many devices connected." "Close another device.";
    UnknownEvent 422 false "unknown_event" "There is no such event." "Send a documented event.";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
