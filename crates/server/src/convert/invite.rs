//! Links that invite into groups.

use semel_core::{actions::Invited, invites::InviteRow};
use semel_protocol::{
    InviteId,
    invite::{
        Invite, InviteResult, InviteSight, JoinResult, LookAtInviteResult, RevokeInviteResult,
    },
    sign_in::Done,
};

use super::{Data, thread};

/// A link. Its token is put in when the answer leaves.
pub fn invite(id: InviteId, row: &InviteRow) -> Invite {
    Invite {
        id,
        thread_id: row.thread_id,
        token: String::new(),
        created_by: row.created_by.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        uses_max: row.uses_max,
        uses: row.uses,
    }
}

/// What became of a link.
pub(super) fn invited(invited: &Invited) -> Data {
    match invited {
        Invited::Made(id, row) => Data::Invite(InviteResult {
            invite: invite(*id, row),
        }),
        Invited::Revoked(invite_id) => Data::InviteRevoked(RevokeInviteResult {
            invite_id: *invite_id,
        }),
        Invited::Seen {
            title,
            participant_count,
            thread_id,
        } => Data::LookAtInvite(LookAtInviteResult {
            invite: InviteSight {
                title: title.clone(),
                participant_count: *participant_count,
                thread_id: *thread_id,
            },
        }),
        Invited::Joined {
            thread: view,
            is_new,
        } => Data::Join(JoinResult {
            thread: thread(view),
            joined: *is_new,
        }),
        // A problem: see `answer`.
        Invited::Nothing => Data::Done(Done { done: false }),
    }
}
