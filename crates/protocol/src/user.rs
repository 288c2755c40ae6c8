//! People.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// A person, as others see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Id.
    pub user_id: UserId,
    /// Name; the id until one is set.
    pub display_name: String,
    /// What the person says about themselves.
    pub about: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
    /// When the person was made here.
    pub created_at: Timestamp,
    /// Last change of the profile.
    pub updated_at: Timestamp,
}

/// Answer to calls about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserResult {
    /// The person.
    pub user: User,
}

/// A person's contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Who.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
}

/// One page of contacts, by name of the contact's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactPage {
    /// The page.
    pub contacts: Vec<Contact>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
}

/// `PATCH /api/users/me` and, by an operator, `PUT /api/users/{user_id}`. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileChange {
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// At most 500 characters; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// At most 2,000 characters, `https:` or `http:`; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}
