//! Links that invite into a group.

use serde::{Deserialize, Serialize};

use crate::{InviteId, Thread, ThreadId, Timestamp, UserId};

/// `POST /api/chat/threads/{thread_id}/invites`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateInvite {
    /// How many people it lets in, at most 10,000. Left out: as many as come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_max: Option<u64>,
    /// How long it counts, from 5 minutes to a year (525,600). Left out: until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_minutes: Option<u64>,
}

/// What a link has behind `#`. In bodies only: what is in an address ends up in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InviteToken {
    /// As [`Invite::token`] has it.
    pub token: String,
}

/// A link that invites into a group, for those who may add people to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invite {
    /// Names it, for revoking. Opens nothing.
    pub id: InviteId,
    /// Into which group.
    pub thread_id: ThreadId,
    /// The secret of the link: whoever has it may join.
    pub token: String,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// From when on it counts no more; none: it counts until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in; none: as many as come.
    pub uses_max: Option<u64>,
    /// How many people it has let in.
    pub uses: u64,
}

/// One link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InviteResult {
    /// The link.
    pub invite: Invite,
}

/// All links of a group that were not revoked and have not expired, newest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InviteList {
    /// At most 100.
    pub invites: Vec<Invite>,
}

/// A link counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevokeInviteResult {
    /// Which.
    pub invite_id: InviteId,
}

/// What somebody who has a link learns of the group before they join. Nothing of who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InviteSight {
    /// The group's title; none where it is made of its people's names.
    pub title: Option<String>,
    /// How many people are in it.
    pub participant_count: u64,
    /// The thread, for those who are in it already.
    pub thread_id: Option<ThreadId>,
}

/// The answer to looking at a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LookAtInviteResult {
    /// What it leads to.
    pub invite: InviteSight,
}

/// The answer to joining by a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinResult {
    /// The thread that the caller is in now.
    pub thread: Thread,
    /// Whether this call let them in; otherwise they were in already.
    pub joined: bool,
}

/// Links are for people, not for logs.
macro_rules! without_secret {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
without_secret!(InviteToken Invite InviteResult InviteList);
