//! Makes a person, or changes their profile.

use semel_protocol::{UserId, limits::PROFILE_CHANGES_PER_PERSON_DAY_MAX};

use super::{
    Outcome, Scope, pictures,
    sign_in::{Budget, spend},
    telling,
};
use crate::{
    Key, Refusal, Rows, Stop,
    row::{Standing, UserRow},
    validate,
};

/// Makes a person, or changes their profile; what is `None` stays as it is. Who may do this for whom is decided by
/// the token, before: oneself, or an operator.
#[derive(Clone, Debug)]
pub struct UpsertUser {
    /// Who.
    pub user_id: UserId,
    /// Name.
    pub display_name: Option<String>,
    /// About; empty takes it away.
    pub about: Option<String>,
    /// Picture; empty takes it away.
    pub picture: Option<String>,
    /// Leave a person who is there as they are.
    pub only_if_absent: bool,
    /// Whether the picture may be one that another server keeps.
    pub outside_picture: bool,
}

impl UpsertUser {
    pub(super) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::User(self.user_id.clone()));
        if !self.only_if_absent {
            keys.push(telling::key(&self.user_id));
        }
        keys.extend(pictures::key(self.picture.as_ref()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        if let Some(name) = &self.display_name {
            validate::name("/display_name", name)?;
        }
        if let Some(about) = &self.about {
            validate::about("/about", about)?;
        }
        if let Some(picture) = &self.picture {
            validate::picture("/picture", picture, self.outside_picture)?;
        }
        let now = scope.context.now;
        let before = rows.user(&self.user_id)?.cloned();
        if before.as_ref().is_some_and(UserRow::is_erased) {
            return Err(Refusal::not_found().into());
        }
        let created = before.is_none();
        let unnamed = UserRow {
            display_name: None,
            about: None,
            picture: None,
            handle: None,
            standing: Standing::Good,
            created_at: now,
            updated_at: now,
        };
        let before = before.unwrap_or(unnamed);
        let keep = self.only_if_absent && !created;
        let after = if keep {
            before.clone()
        } else {
            self.changed(&before)
        };
        let (old, new) = (before.picture.as_deref(), after.picture.as_deref());
        pictures::change(scope, rows, old, new)?;
        let user = if created {
            rows.users.put(self.user_id.clone(), Some(after.clone()));
            after
        } else if after != before {
            if self.user_id == *scope.actor {
                spend(rows, &[changes(scope.actor)], now)?;
            }
            telling::change(rows, &self.user_id, (&before, after), now)?
        } else {
            before
        };
        Ok(Outcome::User {
            user_id: self.user_id.clone(),
            user: Box::new(user),
            created,
        })
    }

    fn changed(&self, before: &UserRow) -> UserRow {
        let change = |new: &Option<String>, old: &Option<String>| match new {
            None => old.clone(),
            Some(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        };
        UserRow {
            display_name: change(&self.display_name, &before.display_name),
            about: change(&self.about, &before.about),
            picture: change(&self.picture, &before.picture),
            ..before.clone()
        }
    }
}

/// Everybody who shares a thread with somebody hears of each.
fn changes(who: &UserId) -> Budget {
    Budget {
        name: format!("profile changes of {who}"),
        max: PROFILE_CHANGES_PER_PERSON_DAY_MAX,
        period_ms: 86_400_000,
    }
}
