//! Signing in: bodies and answers of `/api/auth`.

use serde::{Deserialize, Serialize};

use crate::{ChallengeId, SessionId, Timestamp, UserId};

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SignInKind {
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A person of an `OpenID` provider.
    Oidc,
}

/// What a sign-in is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SignInPurpose {
    /// To sign in.
    #[default]
    SignIn,
    /// To link it to the caller, who needs a fresh sign-in.
    Link,
}

/// Where the refresh token goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeepIn {
    /// Into the answer: for programs that have a safe place of their own.
    #[default]
    Answer,
    /// Into a cookie that no script can read: for pages of this server.
    Cookie,
}

/// `POST /api/auth/challenges`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartSignIn {
    /// `phone` or `email`.
    pub kind: SignInKind,
    /// The number, in international form or that of `country`; or the address.
    pub to: String,
    /// Two letters (ISO 3166): how a number without `+` is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `sign_in` when left out.
    #[serde(default)]
    pub purpose: SignInPurpose,
}

/// Answer to [`StartSignIn`]: the same for known and unknown numbers and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartSignInResult {
    /// The code counts with this only.
    pub challenge_id: ChallengeId,
    /// Until when.
    pub expires_at: Timestamp,
}

/// `POST /api/auth/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifyCode {
    /// As it was given.
    pub challenge_id: ChallengeId,
    /// As it was sent: six digits.
    pub code: String,
    /// The device's name for itself; a refresh that is asked for again names it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The device's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Where the refresh token goes.
    #[serde(default)]
    pub keep_in: KeepIn,
}

/// `POST /api/auth/refresh`, and `POST /api/auth/sign-out`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refresh {
    /// Left out: the cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The device's name for itself, as when it signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

/// A device is signed in: answer to [`VerifyCode`] and [`Refresh`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInResult {
    /// Who.
    pub user_id: UserId,
    /// The sign-in of this device.
    pub session_id: SessionId,
    /// For `Authorization: Bearer` and for Socket.IO.
    pub access_token: String,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// For the next access token, once; none when it is in the cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Whether the person is new here.
    pub is_new_person: bool,
}

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Its sign-in.
    pub session_id: SessionId,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// How it signed in.
    pub kind: SignInKind,
    /// Its name for itself.
    pub device_id: Option<String>,
    /// Its name for people.
    pub device_name: Option<String>,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub refreshed_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// `GET /api/auth/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionList {
    /// The newest first.
    pub sessions: Vec<Session>,
}

/// Answer to calls that sign devices out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevokeResult {
    /// Those that are signed out.
    pub session_ids: Vec<SessionId>,
}

/// One of the ways in which a person signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Identity {
    /// What.
    pub kind: SignInKind,
    /// Names it.
    pub value: String,
    /// For people.
    pub label: String,
    /// Whether a number or an address was shown to be theirs.
    pub is_verified: bool,
    /// Since when.
    pub created_at: Timestamp,
}

/// `GET /api/auth/identities`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityList {
    /// All of them.
    pub identities: Vec<Identity>,
}

/// `POST /api/auth/identities`: links what a challenge with `purpose: "link"` shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkIdentity {
    /// As it was given.
    pub challenge_id: ChallengeId,
    /// As it was sent.
    pub code: String,
}

/// `POST /api/auth/identities/unlink`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnlinkIdentity {
    /// What.
    pub kind: SignInKind,
    /// Which.
    pub value: String,
}

/// Answer to [`LinkIdentity`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkResult {
    /// What.
    pub kind: SignInKind,
    /// Which.
    pub value: String,
}

/// An `OpenID` provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Provider {
    /// Names it in addresses.
    pub name: String,
    /// Whose people they are.
    pub issuer: String,
}

/// `GET /api/auth/methods`: how people sign in here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInMethods {
    /// Whether codes are sent to phones.
    pub phone: bool,
    /// Whether codes are sent by e-mail.
    pub email: bool,
    /// Providers.
    pub providers: Vec<Provider>,
}

/// `POST /api/auth/providers/{provider}/start`, from a page of this server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartProvider {
    /// `sign_in` when left out.
    #[serde(default)]
    pub purpose: SignInPurpose,
    /// Path of this server to which the browser comes back; `/` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
    /// The device's name for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The device's name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
}

/// Answer to [`StartProvider`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartProviderResult {
    /// Where the browser goes.
    pub authorization_url: String,
    /// Until when it may come back.
    pub expires_at: Timestamp,
}

/// `POST /api/auth/operator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimOperator {
    /// From the link that a fresh server prints.
    pub token: String,
}

/// Answer to calls that bring nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {
    /// Always.
    pub done: bool,
}
