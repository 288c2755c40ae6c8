//! The person behind a verified token.

use semel_protocol::{SessionId, Timestamp, UserId};

/// The person behind a verified token. There is no other way to get one than [`Tokens::verify`](super::Tokens::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user_id: UserId,
    /// The name that the token carries, for a person who is not known yet.
    pub name: Option<String>,
    /// What else the token allows.
    pub scope: Scope,
    /// From when on the token counts no more.
    pub expires_at: Timestamp,
    /// The sign-in that the token is of; none when a host application made the token.
    pub session_id: Option<SessionId>,
    /// Whether a number or an address was shown to be theirs, or the operator takes it for shown.
    pub is_verified: bool,
}

/// What a token allows beyond being a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    Person,
    /// Bringing people in and changing their profiles.
    Operator,
}
