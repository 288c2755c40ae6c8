//! Makes a person, or changes their profile.

use semel_protocol::UserId;

use super::{Outcome, Scope};
use crate::{
    Key, Rows, Stop,
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
}

impl UpsertUser {
    pub(super) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::User(self.user_id.clone()));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        if let Some(name) = &self.display_name {
            validate::name("/display_name", name)?;
        }
        if let Some(about) = &self.about {
            validate::about("/about", about)?;
        }
        if let Some(picture) = &self.picture {
            validate::picture("/picture", picture)?;
        }
        let now = scope.context.now;
        let before = rows.user(&self.user_id)?.cloned();
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
        let is_changed = created || after != before;
        let updated_at = if is_changed { now } else { before.updated_at };
        let user = UserRow {
            updated_at,
            ..after
        };
        if is_changed {
            rows.users.put(self.user_id.clone(), Some(user.clone()));
        }
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
