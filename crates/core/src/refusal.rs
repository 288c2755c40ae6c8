//! An action's expected "no".

use semel_protocol::{Code, FieldError, ThreadId, UserId};

use crate::Key;

/// Why an action was refused: deterministic, safe to show, safe to store as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub detail: String,
    /// Invalid fields.
    pub errors: Vec<FieldError>,
    /// People who are not known.
    pub user_ids: Vec<UserId>,
    /// The thread that stands in the way.
    pub existing_thread_id: Option<ThreadId>,
    /// When it may be tried again, in milliseconds from now, if that is known.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with nothing but its code and what happened.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            user_ids: Vec::new(),
            existing_thread_id: None,
            retry_after_ms: None,
        }
    }

    /// What is not there and what is not yours look the same.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing, or it is not yours")
    }

    /// Says nothing of why: who is blocked is not told so.
    pub fn unreachable() -> Self {
        Self::new(Code::Unreachable, "this person cannot be reached")
    }

    /// To somebody who may not use the server.
    pub fn suspended() -> Self {
        Self::new(
            Code::Suspended,
            "an operator of this server has suspended you",
        )
    }

    /// To somebody with a token of an account that is no more.
    pub fn erased() -> Self {
        Self::new(Code::Erased, "this account was erased")
    }

    /// To somebody who has blocked the other one.
    pub fn own_block() -> Self {
        Self::new(
            Code::Forbidden,
            "you have blocked this person; unblock them first",
        )
    }

    /// One invalid field.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = FieldError {
            pointer: pointer.to_owned(),
            detail: detail.clone(),
        };
        Self {
            errors: vec![error],
            ..Self::new(Code::InvalidRequest, detail)
        }
    }
}

/// Why a decision stopped: it needs a row, or the answer is no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Load this and decide again.
    NotLoaded(Key),
    /// No.
    Refused(Box<Refusal>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
