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
    /// Handle, by which others may find them; none until one is taken.
    pub handle: Option<String>,
    /// What the person says about themselves.
    pub about: Option<String>,
    /// Address of a picture; what begins with a slash is at this server.
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

/// `PUT /api/users/me/handle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandleChange {
    /// 3 to 30 letters (a–z), digits and `_`, beginning with a letter; an `@` before it is left out, and capital letters
    /// become small ones. Empty gives it up.
    pub handle: String,
}

/// Who may find somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FoundBy {
    /// Whoever is signed in.
    Everybody,
    /// Their contacts.
    Contacts,
    /// Nobody.
    Nobody,
}

/// By what, and by whom, somebody may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Findability {
    /// By their handle; `everybody` until it is changed.
    pub handle: FoundBy,
    /// By a phone number that they sign in with; `nobody` until it is changed.
    pub phone: FoundBy,
    /// By an e-mail address that they sign in with; `nobody` until it is changed.
    pub email: FoundBy,
}

/// `PATCH /api/users/me/findability`. What is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindabilityChange {
    /// By the handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<FoundBy>,
    /// By a phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<FoundBy>,
    /// By an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<FoundBy>,
}

/// Answer to calls about how the caller may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindabilityResult {
    /// As it is now.
    pub findability: Findability,
}

/// `POST /api/users/find`: exactly one of handle, phone and email.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Find {
    /// A handle, with or without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// A phone number with `+` and the country's code, or with `country`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Of which country the number is (ISO 3166, two letters), when it has no `+`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// An e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Answer to `POST /api/users/find`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindResult {
    /// The person; none when there is nobody, or nobody whom the caller may find by this.
    pub user: Option<User>,
}

/// A person's contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Contact {
    /// Who.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
    /// What the caller calls them.
    pub own_name: Option<String>,
    /// Whether the caller has blocked them.
    pub blocked: bool,
}

/// Answer to a change of one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactResult {
    /// As it is now.
    pub contact: Contact,
}

/// `PATCH /api/contacts/{user_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContactChange {
    /// 1 to 100 characters; empty takes it away. Nobody else sees it.
    pub own_name: String,
}

/// Whether a person is blocked: the answer to a change, and the server's `block` to the caller's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Block {
    /// Who.
    pub user_id: UserId,
    /// Whether the caller has blocked them.
    pub blocked: bool,
}

/// A person whom the caller has blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blocked {
    /// Who.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
}

/// One page of the people whom the caller has blocked, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockPage {
    /// The page.
    pub blocks: Vec<Blocked>,
    /// Where the next page begins; none at the end.
    pub next_cursor: Option<String>,
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
    /// The address of a picture that the caller uploaded; empty takes it away. From an operator also an `https:` address of at most
    /// 2,000 characters, where the server lets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}
