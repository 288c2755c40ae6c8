//! Bodies of requests. Unknown fields are refused.

use serde::{Deserialize, Serialize};

use crate::{
    ClientId, MessageId, Seq, UserId,
    thread::{Allowed, History, Role, ThreadType},
};

/// `POST /api/chat/check-existing-thread`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckExistingThread {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// Left out: as for create-or-get.
    #[serde(default)]
    pub thread_type: Option<ThreadType>,
}

/// `POST /api/chat/create-or-get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateOrGet {
    /// The people; the caller is added, repeated ids collapse.
    pub participants: Vec<UserId>,
    /// Left out: `direct` with one other person, `group` with more, `self` with none.
    #[serde(default)]
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    #[serde(default)]
    pub title: Option<String>,
    /// `false`: a group of its own, never matched by its people.
    #[serde(default)]
    pub distinct: Option<bool>,
    /// Names this creation for ever; a repeat answers the same thread.
    #[serde(default)]
    pub client_id: Option<ClientId>,
}

/// `POST /api/chat/start-conversation`, and `message:send` with `participants`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartConversation {
    /// The people; the caller is added.
    pub participants: Vec<UserId>,
    /// The first words.
    pub message_content: String,
    /// Left out: as for create-or-get.
    #[serde(default)]
    pub thread_type: Option<ThreadType>,
    /// For a group that is made by this call.
    #[serde(default)]
    pub title: Option<String>,
    /// The message's client id. A repeat answers the same message and its thread.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// `false`: a group of its own.
    #[serde(default)]
    pub distinct: Option<bool>,
}

/// What to do when another thread already has the resulting set of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OnConflict {
    /// 409 `participants_key_taken`.
    #[default]
    Refuse,
    /// The group is kept apart: it owns no participants key any more.
    KeepSeparate,
}

/// `POST /api/chat/threads/{thread_id}/expand`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Expand {
    /// Who comes in; those who are in already are ignored.
    pub new_participants: Vec<UserId>,
    /// A welcome message, said when somebody comes in.
    #[serde(default)]
    pub message_content: Option<String>,
    /// The welcome message's client id. A repeat answers the welcome that was said, and brings nobody in.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// See [`OnConflict`].
    #[serde(default)]
    pub on_conflict: OnConflict,
}

/// `PATCH /api/chat/threads/{thread_id}`. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeThread {
    /// At most 200 characters; empty gives the automatic title back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At most 2,000 characters, of several lines if wanted; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The address of a picture that the caller uploaded; empty takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Settings to change. Admins only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsChange>,
}

/// Part of [`ChangeThread`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsChange {
    /// What newcomers see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Who may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posting: Option<Allowed>,
    /// Who may add people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adding: Option<Allowed>,
    /// Who may change title, description and picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming: Option<Allowed>,
}

/// `PATCH /api/chat/threads/{thread_id}/preferences`. What is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePreferences {
    /// Whether the caller wants no notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    /// With `muted: true`: until when, which lies ahead. Left out: until `muted: false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<crate::Timestamp>,
    /// Whether it stands above the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Whether it is put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// `POST /api/chat/threads/{thread_id}/messages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// Made and kept by the sender before the first attempt.
    pub client_id: ClientId,
    /// The words.
    pub content: String,
    /// `text` when left out; `system` is not for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<crate::message::MessageKind>,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Files; empty until files can be uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<serde_json::Value>,
}

/// `PATCH /api/chat/threads/{thread_id}/messages/{message_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditMessage {
    /// The new words.
    pub content: String,
}

/// `POST /api/chat/threads/{thread_id}/participants/{user_id}/role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeRole {
    /// The new role.
    pub role: Role,
}

/// `DELETE /api/chat/threads/{thread_id}/participants/{user_id}`, as query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema, utoipa::IntoParams))]
pub struct RemoveParticipant {
    /// See [`OnConflict`].
    #[serde(default)]
    pub on_conflict: OnConflict,
}

/// `POST /api/chat/threads/{thread_id}/read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRead {
    /// Everything up to here was read. Beyond the last message it means the last message.
    pub seq: Seq,
}
