//! Errors on the wire: RFC 9457, with our own members.

use serde::{Deserialize, Serialize};

use crate::{Code, ThreadId, UserId};

/// What went wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON pointer into the body (RFC 6901), or the name of a parameter after `?`.
    pub pointer: String,
    /// What to mend.
    pub detail: String,
}

/// An error, as `application/problem+json` over HTTP and inside an acknowledgement over Socket.IO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:semel:error:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same words for every error with this code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time. Constant for 5xx.
    pub detail: String,
    /// For programs.
    pub code: Code,
    /// The id under which the log has more.
    pub request_id: String,
    /// Invalid fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// With `unknown_users`: who is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_ids: Vec<UserId>,
    /// With `participants_key_taken`: the thread that has these people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_thread_id: Option<ThreadId>,
    /// With retryable codes: when to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// A problem with nothing but its code and what happened.
    pub fn new(code: Code, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:semel:error:{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: request_id.into(),
            errors: Vec::new(),
            user_ids: Vec::new(),
            existing_thread_id: None,
            retry_after_ms: None,
        }
    }
}
