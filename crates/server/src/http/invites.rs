//! Calls about links that invite into groups.

use semel_core::{
    Refusal,
    actions::{self, Action, sign_in::Budget},
    queries,
};
use semel_protocol::{
    invite::{
        CreateInvite, InviteList, InviteResult, InviteToken, JoinResult, LookAtInviteResult,
        RevokeInviteResult,
    },
    limits::{INVITE_LOOKS_PER_ADDRESS_DAY_MAX, INVITE_LOOKS_PER_PERSON_DAY_MAX},
};

use super::{parts::Parts, route::Ask};
use crate::{
    auth::Caller,
    convert::{self, Data, Success},
};

const DAY_MS: i64 = 86_400_000;

/// The links of a group that were not revoked and have not expired, newest first: all for those whom `settings.adding` lets add
/// people, for others the ones that they made.
#[utoipa::path(get, path = "/api/chat/threads/{thread_id}/invites", tag = "invites",
    responses((status = 200, description = "Those that the caller may see.", body = Success<InviteList>)))]
pub(super) fn list_invites(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let (id, now) = (parts.thread_id()?, parts.now());
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let links = queries::invites::of_thread(rows, &who, id, now)?;
        let invites = links.iter().map(|(id, row)| convert::invite(*id, row));
        Ok(Data::Invites(InviteList {
            invites: invites.collect(),
        }))
    }))
}

/// Makes a link that invites into a group. `settings.adding` says who may.
#[utoipa::path(post, path = "/api/chat/threads/{thread_id}/invites", tag = "invites",
    request_body = CreateInvite,
    responses((status = 201, description = "The link.", body = Success<InviteResult>)))]
pub(super) fn create_invite(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let CreateInvite {
        uses_max,
        expires_in_minutes,
    } = parts.json()?;
    Ok(actions::CreateInvite {
        thread_id: parts.thread_id()?,
        uses_max,
        minutes: expires_in_minutes,
    }
    .into())
}

/// Revokes a link: it lets nobody in any more. Admins revoke any, others in the group the ones that they made.
#[utoipa::path(delete, path = "/api/chat/threads/{thread_id}/invites/{invite_id}", tag = "invites",
    responses((status = 200, description = "It is revoked.", body = Success<RevokeInviteResult>)))]
pub(super) fn revoke_invite(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    parts.no_body()?;
    Ok(actions::RevokeInvite {
        thread_id: parts.thread_id()?,
        invite_id: parts.invite_id()?,
    }
    .into())
}

/// What a link leads to, before joining. Whatever is the matter with a link that leads nowhere, the answer is the same.
#[utoipa::path(post, path = "/api/invites/look", tag = "invites",
    request_body = InviteToken,
    responses((status = 200, description = "The group.", body = Success<LookAtInviteResult>)))]
pub(super) fn look_at_invite(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let InviteToken { token } = parts.json()?;
    Ok(actions::LookAtInvite {
        invite_id: parts.invite_of(&token),
        budgets: vec![by_person(caller)],
        budgets_nowhere: vec![by_address(parts)],
    }
    .into())
}

/// Joins a group by a link. Who is in already gets the thread, and uses nothing of the link.
#[utoipa::path(post, path = "/api/invites/join", tag = "invites",
    request_body = InviteToken,
    responses((status = 200, description = "The caller is in it.", body = Success<JoinResult>)))]
pub(super) fn join_by_invite(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let InviteToken { token } = parts.json()?;
    Ok(actions::JoinByInvite {
        invite_id: parts.invite_of(&token),
        budgets: vec![by_person(caller)],
        budgets_nowhere: vec![by_address(parts)],
    }
    .into())
}

fn by_person(caller: &Caller) -> Budget {
    Budget {
        name: format!("invites of {}", caller.user_id),
        max: INVITE_LOOKS_PER_PERSON_DAY_MAX,
        period_ms: DAY_MS,
    }
}

fn by_address(parts: &Parts) -> Budget {
    Budget {
        name: format!("invites from {}", parts.address_text()),
        max: INVITE_LOOKS_PER_ADDRESS_DAY_MAX,
        period_ms: DAY_MS,
    }
}
