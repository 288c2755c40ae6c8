//! Plain rows, and lists of them.

use std::collections::BTreeSet;

use semel_protocol::{AuditId, ChallengeId, InviteId, PictureId, ReportId, SessionId, UserId};
use uuid::Uuid;

use super::{List, Loaded, known};
use crate::{
    Key, Rows, Stop,
    erasure::ErasureRow,
    invites::InviteRow,
    people::{FindabilityRow, HandleRow},
    pictures::{PictureBytesRow, PictureRow},
    plain::PlainKey,
    row::BlockRow,
    safety::{AuditRow, ReportRow},
    sign_in::{
        BudgetRow, ChallengeRow, EffectRow, IdentityKey, IdentityRow, OperatorRow, SessionRow,
        SigningKeyRow,
    },
    telling::TellingRow,
};

impl Rows {
    pub(crate) fn erasure(&self, who: &UserId) -> Loaded<Option<&ErasureRow>> {
        known(self.erasures.get(who), || {
            Key::Plain(PlainKey::Erasure(who.clone()))
        })
    }

    pub(crate) fn telling(&self, who: &UserId) -> Loaded<Option<&TellingRow>> {
        known(self.tellings.get(who), || {
            Key::Plain(PlainKey::Telling(who.clone()))
        })
    }

    pub(crate) fn audited(&self, id: AuditId) -> Loaded<Option<&AuditRow>> {
        known(self.audit.get(&id), || Key::Plain(PlainKey::Audit(id)))
    }

    pub(crate) fn report(&self, id: ReportId) -> Loaded<Option<&ReportRow>> {
        known(self.reports.get(&id), || Key::Plain(PlainKey::Report(id)))
    }

    pub(crate) fn invite(&self, id: InviteId) -> Loaded<Option<&InviteRow>> {
        known(self.invites.get(&id), || Key::Plain(PlainKey::Invite(id)))
    }

    pub(crate) fn picture(&self, id: PictureId) -> Loaded<Option<&PictureRow>> {
        known(self.pictures.get(&id), || Key::Plain(PlainKey::Picture(id)))
    }

    pub(crate) fn picture_bytes(&self, id: PictureId) -> Loaded<Option<&PictureBytesRow>> {
        known(self.picture_bytes.get(&id), || {
            Key::Plain(PlainKey::PictureBytes(id))
        })
    }

    pub(crate) fn identity(&self, key: &IdentityKey) -> Loaded<Option<&IdentityRow>> {
        known(self.identities.get(key), || {
            Key::Plain(PlainKey::Identity(key.0, key.1.clone()))
        })
    }

    pub(crate) fn challenge(&self, id: ChallengeId) -> Loaded<Option<&ChallengeRow>> {
        known(self.challenges.get(&id), || {
            Key::Plain(PlainKey::Challenge(id))
        })
    }

    pub(crate) fn session(&self, id: SessionId) -> Loaded<Option<&SessionRow>> {
        known(self.sessions.get(&id), || Key::Plain(PlainKey::Session(id)))
    }

    pub(crate) fn signing_key(&self, name: &str) -> Loaded<Option<&SigningKeyRow>> {
        known(self.signing_keys.get(&name.to_owned()), || {
            Key::Plain(PlainKey::SigningKey(name.to_owned()))
        })
    }

    pub(crate) fn effect(&self, id: Uuid) -> Loaded<Option<&EffectRow>> {
        known(self.effects.get(&id), || Key::Plain(PlainKey::Effect(id)))
    }

    pub(crate) fn budget(&self, name: &str) -> Loaded<Option<BudgetRow>> {
        let row = known(self.budgets.get(&name.to_owned()), || {
            Key::Plain(PlainKey::Budget(name.to_owned()))
        })?;
        Ok(row.copied())
    }

    pub(crate) fn operator(&self, who: &UserId) -> Loaded<Option<&OperatorRow>> {
        known(self.operators.get(who), || {
            Key::Plain(PlainKey::Operator(who.clone()))
        })
    }

    pub(crate) fn handle(&self, handle: &str) -> Loaded<Option<&HandleRow>> {
        known(self.handles.get(&handle.to_owned()), || {
            Key::Plain(PlainKey::Handle(handle.to_owned()))
        })
    }

    pub(crate) fn findability(&self, who: &UserId) -> Loaded<FindabilityRow> {
        let row = known(self.findability.get(who), || {
            Key::Plain(PlainKey::Findability(who.clone()))
        })?;
        Ok(row.copied().unwrap_or_default())
    }

    pub(crate) fn block(&self, by: &UserId, who: &UserId) -> Loaded<Option<&BlockRow>> {
        known(self.blocks.get(&(by.clone(), who.clone())), || {
            Key::Plain(PlainKey::Block(by.clone(), who.clone()))
        })
    }

    /// By whom a person is blocked.
    pub(crate) fn blockers_of(&self, who: &UserId) -> Loaded<BTreeSet<UserId>> {
        let keys = self.plain_list(&PlainKey::BlockersOf(who.clone()))?;
        let blockers = keys.iter().filter_map(|key| match key {
            PlainKey::Block(by, _) => Some(by.clone()),
            _ => None,
        });
        Ok(blockers.collect())
    }

    /// Up to `limit` whom a person has blocked, by id, after the one given.
    pub(crate) fn blocks_of(
        &self,
        who: &UserId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Loaded<Vec<UserId>> {
        let key = PlainKey::BlocksOf(who.clone(), after.cloned(), limit);
        let blocked = self.plain_list(&key)?.iter().filter_map(|key| match key {
            PlainKey::Block(_, blocked) => Some(blocked.clone()),
            _ => None,
        });
        Ok(blocked.collect())
    }

    /// The rows of a list's keys, in its order, those that are there.
    pub(crate) fn listed<I: Copy, R: Clone>(
        &self,
        list: &PlainKey,
        id: impl Fn(&PlainKey) -> Option<I>,
        row: impl Fn(&Self, I) -> Loaded<Option<&R>>,
    ) -> Loaded<Vec<(I, R)>> {
        let ids = self.plain_list(list)?.iter().filter_map(id);
        let found = Self::gather(ids, |id| Ok((id, row(self, id)?.cloned())))?;
        let there = found.into_iter().filter_map(|(id, row)| Some((id, row?)));
        Ok(there.collect())
    }

    /// The keys of a list of [`PlainKey`].
    pub(crate) fn plain_list(&self, key: &PlainKey) -> Loaded<&[PlainKey]> {
        let key = Key::Plain(key.clone());
        match self.list(&key)? {
            List::Plain(keys) => Ok(keys),
            _ => Err(Stop::NotLoaded(key)),
        }
    }
}
