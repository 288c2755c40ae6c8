//! Links that invite into groups.
//!
//! A link that is made up, revoked, expired or used up leads to [`Invited::Nothing`]: an outcome and no refusal, or what was
//! counted would be undone.

use semel_protocol::{
    Code, InviteId, ThreadId, Timestamp, UserId,
    limits::{INVITE_MINUTES_MAX, INVITE_MINUTES_MIN, INVITE_USES_MAX, INVITES_PER_THREAD_MAX},
    requests::OnConflict,
    thread::Role,
};

use super::{
    Outcome, Scope, membership, people,
    sign_in::{Budget, spend_whatever_comes},
};
use crate::{
    Key, Refusal, Rows, Stop, access,
    invites::InviteRow,
    plain::PlainKey,
    row::ParticipantRow,
    view::{self, ThreadView},
};

const MINUTE_MS: i64 = 60_000;

/// What became of a link.
#[derive(Clone, Debug)]
pub enum Invited {
    /// Of [`CreateInvite`].
    Made(InviteId, InviteRow),
    /// Of [`RevokeInvite`].
    Revoked(InviteId),
    /// Of [`LookAtInvite`].
    Seen {
        /// The group's title, unless it is made of names.
        title: Option<String>,
        /// How many people are in it.
        participant_count: u64,
        /// The group, if the actor is in it.
        thread_id: Option<ThreadId>,
    },
    /// Of [`JoinByInvite`].
    Joined {
        /// The group.
        thread: Box<ThreadView>,
        /// Whether this let them in.
        is_new: bool,
    },
    /// The link leads nowhere, whyever.
    Nothing,
}

impl Invited {
    /// The thread of which the actor is told.
    pub(super) fn thread(&self) -> Option<&ThreadView> {
        match self {
            Self::Joined { thread, .. } => Some(thread),
            _ => None,
        }
    }
}

/// Makes a link into a group, for those who may add people to it.
#[derive(Clone, Debug)]
pub struct CreateInvite {
    /// Into which.
    pub thread_id: ThreadId,
    /// How many people it lets in; none: as many as come.
    pub uses_max: Option<u64>,
    /// How long it counts; none: until it is revoked.
    pub minutes: Option<u64>,
}

/// Ends a link: admins any, others their own, also when they may not add people any more.
#[derive(Clone, Debug)]
pub struct RevokeInvite {
    /// Of which group.
    pub thread_id: ThreadId,
    /// Which.
    pub invite_id: InviteId,
}

/// Looks at what a link leads to. Looking is counted, and is an action so that it is counted once, over all servers.
#[derive(Clone, Debug)]
pub struct LookAtInvite {
    /// Which, if the link is one of this server's.
    pub invite_id: Option<InviteId>,
    /// Of which one each is taken, whatever comes of it.
    pub budgets: Vec<Budget>,
    /// Of which one each is taken as well where the link leads nowhere.
    pub budgets_nowhere: Vec<Budget>,
}

/// Joins a group by a link. The use is counted together with the entry that tells of it; who is in already uses nothing.
#[derive(Clone, Debug)]
pub struct JoinByInvite {
    /// Which, if the link is one of this server's.
    pub invite_id: Option<InviteId>,
    /// Of which one each is taken, whatever comes of it.
    pub budgets: Vec<Budget>,
    /// Of which one each is taken as well where the link leads nowhere.
    pub budgets_nowhere: Vec<Budget>,
}

impl CreateInvite {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let expires_at = self.check(scope.context.now)?;
        access::group_to_add_to(rows, scope.actor, self.thread_id)?;
        make_room(rows, self.thread_id, scope.context.now)?;
        let id = scope.context.invite_id();
        let row = InviteRow {
            thread_id: self.thread_id,
            created_by: scope.actor.clone(),
            created_at: scope.context.now,
            expires_at,
            uses_max: self.uses_max,
            uses: 0,
        };
        rows.invites.put(id, Some(row.clone()));
        Ok(Outcome::Invited(Invited::Made(id, row)))
    }

    /// When it ends, if what is asked for keeps to the limits.
    fn check(&self, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        if self
            .uses_max
            .is_some_and(|uses| !(1..=INVITE_USES_MAX).contains(&uses))
        {
            let detail = format!("a whole number from 1 to {INVITE_USES_MAX}");
            return Err(Refusal::invalid("/uses_max", detail));
        }
        let Some(minutes) = self.minutes else {
            return Ok(None);
        };
        let minutes = i64::try_from(minutes).unwrap_or(i64::MAX);
        if !(INVITE_MINUTES_MIN..=INVITE_MINUTES_MAX).contains(&minutes) {
            let detail =
                format!("a whole number from {INVITE_MINUTES_MIN} to {INVITE_MINUTES_MAX}");
            return Err(Refusal::invalid("/expires_in_minutes", detail));
        }
        Ok(Some(Timestamp(now.0 + minutes * MINUTE_MS)))
    }
}

/// A group has so many links at a time. The oldest one that is used up gives way; those that count do not.
fn make_room(rows: &mut Rows, id: ThreadId, now: Timestamp) -> Result<(), Stop> {
    let links = links_of(rows, id, now)?;
    if links.len() < INVITES_PER_THREAD_MAX {
        return Ok(());
    }
    let used_up = links.iter().rev().find(|(_, row)| row.is_used_up());
    let Some((oldest, _)) = used_up else {
        let detail =
            format!("a group has at most {INVITES_PER_THREAD_MAX} links; revoke one first");
        return Err(Refusal::new(Code::InvalidRequest, detail).into());
    };
    rows.invites.put(*oldest, None);
    Ok(())
}

/// The links of a group that have not expired, newest first.
pub(crate) fn links_of(
    rows: &Rows,
    id: ThreadId,
    now: Timestamp,
) -> Result<Vec<(InviteId, InviteRow)>, Stop> {
    let mut links = links_into(rows, id)?;
    links.retain(|(_, row)| !row.is_expired(now));
    Ok(links)
}

/// All links of a group that are stored, newest first.
pub(crate) fn links_into(rows: &Rows, id: ThreadId) -> Result<Vec<(InviteId, InviteRow)>, Stop> {
    let keys = rows.plain_list(&PlainKey::InvitesOf(id))?;
    let ids = keys.iter().filter_map(|key| match key {
        PlainKey::Invite(id) => Some(*id),
        _ => None,
    });
    let found = Rows::gather(ids, |id| Ok((id, rows.invite(id)?.cloned())))?;
    let found = found.into_iter().filter_map(|(id, row)| Some((id, row?)));
    Ok(found.collect())
}

impl RevokeInvite {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Thread(self.thread_id));
        keys.push(Key::Participant(self.thread_id, actor.clone()));
        keys.push(Key::Plain(PlainKey::Invite(self.invite_id)));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let (_, me) = access::group(rows, scope.actor, self.thread_id)?;
        let row = rows.invite(self.invite_id)?;
        let row = row.filter(|row| row.thread_id == self.thread_id);
        let row = row.ok_or_else(Refusal::not_found)?;
        if me.role != Role::Admin && row.created_by != *scope.actor {
            let detail = "only admins revoke links that others made";
            return Err(Refusal::new(Code::Forbidden, detail).into());
        }
        rows.invites.put(self.invite_id, None);
        Ok(Outcome::Invited(Invited::Revoked(self.invite_id)))
    }
}

/// What both ways to use a link have in common: the link, what is counted of everybody, and what only of those who are led nowhere.
type Way<'a> = (Option<InviteId>, &'a [Budget], &'a [Budget]);

fn foresee((invite_id, budgets, budgets_nowhere): Way<'_>, keys: &mut Vec<Key>) {
    keys.extend(invite_id.map(|id| Key::Plain(PlainKey::Invite(id))));
    keys.extend(budgets.iter().chain(budgets_nowhere).map(Budget::key));
}

/// Counts, and opens the link. That many share an address keeps nobody out who has a link that counts: it cannot be guessed.
fn follow(
    scope: &Scope<'_>,
    rows: &mut Rows,
    (invite_id, budgets, budgets_nowhere): Way<'_>,
) -> Result<Option<(InviteId, InviteRow, bool)>, Stop> {
    let now = scope.context.now;
    spend_whatever_comes(rows, budgets, 1, now)?;
    let found = open(scope, rows, invite_id)?;
    if found.is_none() {
        spend_whatever_comes(rows, budgets_nowhere, 1, now)?;
    }
    Ok(found)
}

/// A link that counts for the actor, and whether they are in already: to them it counts also when it is used up. Into a group in
/// which nobody is no link leads: who came would be in it without an admin, and would read what others said.
fn open(
    scope: &Scope<'_>,
    rows: &Rows,
    invite_id: Option<InviteId>,
) -> Result<Option<(InviteId, InviteRow, bool)>, Stop> {
    let Some(id) = invite_id else {
        return Ok(None);
    };
    let row = rows.invite(id)?;
    let Some(row) = row.filter(|row| !row.is_expired(scope.context.now)) else {
        return Ok(None);
    };
    let seat = rows.participant(row.thread_id, scope.actor)?;
    if seat.is_some_and(ParticipantRow::is_active) {
        return Ok(Some((id, row.clone(), true)));
    }
    let thread = rows.thread(row.thread_id)?;
    if row.is_used_up() || thread.is_none_or(|thread| thread.participant_count == 0) {
        return Ok(None);
    }
    if seat.is_some_and(|seat| seat.is_removed) {
        let detail = "you were taken out of this group; its admins can bring you back";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok(Some((id, row.clone(), false)))
}

impl LookAtInvite {
    fn way(&self) -> Way<'_> {
        (self.invite_id, &self.budgets, &self.budgets_nowhere)
    }

    pub(super) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        foresee(self.way(), keys);
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let Some((_, row, is_in)) = follow(scope, rows, self.way())? else {
            return Ok(Outcome::Invited(Invited::Nothing));
        };
        let thread = rows.thread(row.thread_id)?.ok_or_else(Refusal::not_found)?;
        // An automatic title says who is in the group.
        let title = thread.title.clone().filter(|_| !thread.title_is_automatic);
        Ok(Outcome::Invited(Invited::Seen {
            title,
            participant_count: thread.participant_count,
            thread_id: is_in.then_some(row.thread_id),
        }))
    }
}

impl JoinByInvite {
    fn way(&self) -> Way<'_> {
        (self.invite_id, &self.budgets, &self.budgets_nowhere)
    }

    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        foresee(self.way(), keys);
        keys.push(Key::User(actor.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let Some((invite_id, row, is_in)) = follow(scope, rows, self.way())? else {
            return Ok(Outcome::Invited(Invited::Nothing));
        };
        let id = row.thread_id;
        if !is_in {
            let uses = row.uses + 1;
            rows.invites.put(invite_id, Some(InviteRow { uses, ..row }));
            enter(scope, rows, id)?;
        }
        let thread = Box::new(view::thread(rows, id, scope.actor)?);
        let is_new = !is_in;
        Ok(Outcome::Invited(Invited::Joined { thread, is_new }))
    }
}

/// Whoever has exactly these people already keeps their key: nobody is kept out of a group by that.
fn enter(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId) -> Result<(), Stop> {
    let newcomer = [scope.actor.clone()];
    people::known(rows, &newcomer)?;
    membership::admit(scope, rows, id, &newcomer, OnConflict::KeepSeparate)?;
    let all = rows.people_of(id)?;
    people::befriend(scope, rows, &newcomer, &all)
}
