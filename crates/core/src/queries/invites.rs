//! What is asked about links that invite into groups.

use semel_protocol::{InviteId, ThreadId, Timestamp, UserId};

use crate::{Rows, Stop, access, actions, invites::InviteRow};

/// The links of a group that have not expired, newest first: all for those who may add people to it, for others in it the ones
/// that they made.
pub fn of_thread(
    rows: &Rows,
    actor: &UserId,
    id: ThreadId,
    now: Timestamp,
) -> Result<Vec<(InviteId, InviteRow)>, Stop> {
    let (thread, me) = access::group(rows, actor, id)?;
    let sees_all = access::is_allowed(thread.settings.adding, me);
    let mut links = actions::links_of(rows, id, now)?;
    links.retain(|(_, row)| sees_all || row.created_by == *actor);
    Ok(links)
}
