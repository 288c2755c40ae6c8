//! Telling everybody who shares a thread with a person that their profile is another one.

use semel_protocol::{Timestamp, UserId};

use super::{Outcome, Scope};
use crate::{
    Key, Rows, Stop,
    plain::PlainKey,
    row::{Subject, UserRow},
    telling::{TellPlace, TellingRow},
};

/// How long a step is given before another server takes the next one, in milliseconds.
const STEP_MS: i64 = 10_000;

/// Keys of [`change`] and [`begin`].
pub(super) fn key(who: &UserId) -> Key {
    Key::Plain(PlainKey::Telling(who.clone()))
}

/// Writes a changed profile, and that it is to be told. Of two forms of a profile the one with the greater time is the newer one,
/// whatever the clocks of servers say.
pub(super) fn change(
    rows: &mut Rows,
    who: &UserId,
    (before, after): (&UserRow, UserRow),
    now: Timestamp,
) -> Result<UserRow, Stop> {
    let updated_at = Timestamp(now.0.max(before.updated_at.0 + 1));
    let row = UserRow {
        updated_at,
        ..after
    };
    rows.users.put(who.clone(), Some(row.clone()));
    begin(rows, who, now)?;
    Ok(row)
}

/// From the beginning, also where it is told already: those who heard of it know the profile before.
fn begin(rows: &mut Rows, who: &UserId, now: Timestamp) -> Result<(), Stop> {
    rows.telling(who)?;
    let row = TellingRow {
        place: TellPlace::START,
        due_at: now,
    };
    rows.tellings.put(who.clone(), Some(row));
    Ok(())
}

/// Notes in the own logs of a portion of people that somebody's profile is another one. Whoever is behind, because another server
/// was faster or a step was repeated, changes nothing.
#[derive(Clone, Debug)]
pub struct TellStep {
    /// Whose profile.
    pub user_id: UserId,
    /// From where.
    pub from: TellPlace,
    /// Up to where; none: everybody knows.
    pub to: Option<TellPlace>,
    /// Who lies between.
    pub people: Vec<UserId>,
}

impl TellStep {
    pub(super) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(key(&self.user_id));
        keys.extend(self.told().map(|who| Key::PersonHead(who.clone())));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let who = &self.user_id;
        let is_next = rows.telling(who)?.is_some_and(|row| row.place == self.from);
        if !is_next {
            return Ok(Outcome::TellStep { is_taken: false });
        }
        Rows::gather(self.told(), |other| rows.person_head(other))?;
        for other in self.told() {
            rows.tell_person(other, Subject::Profile(who.clone()))?;
        }
        let due_at = Timestamp(scope.context.now.0 + STEP_MS);
        let row = self.to.clone().map(|place| TellingRow { place, due_at });
        rows.tellings.put(who.clone(), row);
        Ok(Outcome::TellStep { is_taken: true })
    }

    /// The person's own devices hear of it first.
    fn told(&self) -> impl Iterator<Item = &UserId> {
        let own = (self.from == TellPlace::START).then_some(&self.user_id);
        own.into_iter().chain(&self.people)
    }
}
