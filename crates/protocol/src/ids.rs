//! Ids and counters. Each is a type of its own, so that none can stand for another.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;

/// Place of an entry in its thread's log: 1, 2, 3 … over every change.
pub type Rev = u64;

/// Place of a message in its thread: 1, 2, 3 … over messages.
pub type Seq = u64;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

uuid_id! {
    /// A thread. `UUIDv7`, made by the server.
    ThreadId;
    /// A message. `UUIDv7`, made by the server.
    MessageId;
    /// What a sender makes before the first attempt. Any UUID that cannot come up twice by accident; time-ordered
    /// ones (version 7) are fastest. See [`ClientId::is_acceptable`].
    ClientId;
    /// One sign-in of a person, which can be ended without ending their others.
    SessionId;
    /// A sign-in that was begun. Random: whoever does not know it cannot guess its code.
    ChallengeId;
    /// Something that an operator did. `UUIDv7`, made by the server.
    AuditId;
    /// Something that a person reported. `UUIDv7`, made by the server.
    ReportId;
    /// A link that invites into a group. `UUIDv7`, made by the server. It names the link and opens nothing.
    InviteId;
    /// A picture: a keyed hash of who uploaded it and what it shows, which nobody can guess.
    PictureId;
}

impl ClientId {
    /// Nil, max and small counters are refused: they are what a broken generator makes, and would swallow messages.
    pub fn is_acceptable(self) -> bool {
        let value = self.0.as_u128();
        let counter = value < 1 << 64 || value.trailing_zeros() >= 64;
        !counter && !self.0.is_max()
    }
}

/// A person, as the operator's identity system names them: 1 to 64 characters without control characters and
/// without white space at the ends, other than `me`, `.` and `..`. Case counts, except that ids in the form of a UUID are lower-cased.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = 64))]
pub struct UserId(Arc<str>);

impl UserId {
    /// Reads an id and brings it into its canonical form.
    pub fn parse(text: &str) -> Result<Self, UserIdError> {
        let length = text.chars().count();
        if length == 0 || length > limits::USER_ID_CHARACTERS_MAX {
            return Err(UserIdError::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(UserIdError::Control);
        }
        if text.trim() != text {
            return Err(UserIdError::WhiteSpace);
        }
        if ["me", ".", ".."].contains(&text) {
            return Err(UserIdError::Reserved);
        }
        if text.len() == 36 && Uuid::try_parse(text).is_ok() {
            return Ok(Self(text.to_ascii_lowercase().into()));
        }
        Ok(Self(text.into()))
    }

    /// The server itself, where it acts for nobody: an id that [`UserId::parse`] refuses, so that no person has it.
    pub fn of_server() -> Self {
        Self(".".into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no user id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserIdError {
    /// Empty or longer than [`limits::USER_ID_CHARACTERS_MAX`].
    Length,
    /// A control character.
    Control,
    /// White space at an end.
    WhiteSpace,
    /// What means something else in addresses.
    Reserved,
}

impl fmt::Display for UserIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => {
                write!(
                    f,
                    "a user id has 1 to {} characters",
                    limits::USER_ID_CHARACTERS_MAX
                )
            }
            Self::Control => f.write_str("a user id has no control characters"),
            Self::WhiteSpace => f.write_str("a user id does not begin or end with white space"),
            Self::Reserved => f.write_str(
                "`me`, `.` and `..` are no user ids: they mean something else in addresses",
            ),
        }
    }
}

impl std::error::Error for UserIdError {}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(text: &str) -> Result<Self, UserIdError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for UserId {
    type Error = UserIdError;

    fn try_from(text: String) -> Result<Self, UserIdError> {
        Self::parse(&text)
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A person's device, as it names itself: 1 to 64 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceId(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_of_the_origin_documents_are_legal() {
        for text in [
            "-1",
            "-4",
            "user-id-1",
            "alice_bob",
            "a:b|c,d",
            "é",
            &"x".repeat(64),
        ] {
            assert_eq!(UserId::parse(text).map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn user_ids_beyond_the_limit_or_unstorable_are_refused() {
        assert_eq!(UserId::parse(""), Err(UserIdError::Length));
        assert_eq!(UserId::parse(&"é".repeat(65)), Err(UserIdError::Length));
        assert_eq!(UserId::parse("a\0b"), Err(UserIdError::Control));
        assert_eq!(UserId::parse(" a"), Err(UserIdError::WhiteSpace));
        for text in ["me", ".", ".."] {
            assert_eq!(UserId::parse(text), Err(UserIdError::Reserved), "{text}");
        }
        assert!(UserId::parse("Me").is_ok());
    }

    #[test]
    fn only_uuid_shaped_user_ids_lose_their_case() {
        let upper = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
        assert_eq!(
            UserId::parse(upper).unwrap().as_str(),
            upper.to_ascii_lowercase()
        );
        assert_ne!(UserId::parse("Ann"), UserId::parse("ann"));
    }

    #[test]
    fn ec_x11_nil_max_and_counters_are_no_client_ids() {
        for value in [0, 1, 42, u128::from(u64::MAX), u128::MAX, 1 << 64, 7 << 100] {
            assert!(
                !ClientId(Uuid::from_u128(value)).is_acceptable(),
                "{value:x}"
            );
        }
        let v4 = Uuid::parse_str("8c1b2b4e-3f0a-4b0e-9a3e-2f6f0d6f7a11").unwrap();
        assert!(ClientId(v4).is_acceptable());
    }
}
