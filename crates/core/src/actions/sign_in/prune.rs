//! Removes what is of no use any more.

use semel_protocol::{Timestamp, UserId};

use super::SignedIn;
use crate::{
    Key, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
};

/// Removes challenges, budgets, effects, sessions, signing keys, invite links, handles that were given up, reports that
/// were resolved and pictures that nobody has, once their time is over. A job, repeated until nothing is left.
#[derive(Clone, Debug)]
pub struct PruneSignIn {
    /// Over at this time.
    pub before: Timestamp,
    /// At most so many of each kind at once.
    pub limit: usize,
}

impl PruneSignIn {
    #[expect(clippy::unused_self, reason = "all actions look alike")]
    pub(in crate::actions) fn keys(&self, _actor: &UserId, _keys: &mut Vec<Key>) {}

    pub(in crate::actions) fn decide(
        &self,
        _scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let list = PlainKey::Expired(self.before, self.limit);
        let keys = rows.plain_list(&list)?.to_vec();
        // Any of them may have been renewed since the list was made: what counts is the row.
        let over = Rows::gather(keys, |key| {
            let expires_at = match &key {
                PlainKey::Challenge(id) => rows.challenge(*id)?.map(|row| row.expires_at),
                PlainKey::Session(id) => rows.session(*id)?.map(|row| row.expires_at),
                PlainKey::SigningKey(name) => rows.signing_key(name)?.map(|row| row.expires_at),
                PlainKey::Effect(id) => rows.effect(*id)?.map(|row| row.expires_at),
                PlainKey::Budget(name) => rows.budget(name)?.map(|row| row.expires_at),
                PlainKey::Handle(handle) => rows.handle(handle)?.and_then(|row| row.expires_at),
                PlainKey::Report(id) => {
                    let resolution = rows.report(*id)?.and_then(|row| row.resolution.as_ref());
                    resolution.map(|it| it.expires_at)
                }
                PlainKey::Invite(id) => rows.invite(*id)?.and_then(|row| row.expires_at),
                PlainKey::Picture(id) => rows.picture(*id)?.and_then(|row| row.expires_at),
                _ => None,
            };
            Ok(Some(key).filter(|_| expires_at.is_some_and(|time| time < self.before)))
        })?;
        let mut count = 0;
        for key in over.into_iter().flatten() {
            count += 1;
            match key {
                PlainKey::Challenge(id) => rows.challenges.put(id, None),
                PlainKey::Session(id) => rows.sessions.put(id, None),
                PlainKey::SigningKey(name) => rows.signing_keys.put(name, None),
                PlainKey::Effect(id) => rows.effects.put(id, None),
                PlainKey::Budget(name) => rows.budgets.put(name, None),
                PlainKey::Handle(handle) => rows.handles.put(handle, None),
                PlainKey::Report(id) => rows.reports.put(id, None),
                PlainKey::Invite(id) => rows.invites.put(id, None),
                PlainKey::Picture(id) => {
                    rows.pictures.put(id, None);
                    rows.picture_bytes.put(id, None);
                }
                _ => {}
            }
        }
        Ok(Outcome::SignedIn(SignedIn::Pruned(count)))
    }
}
