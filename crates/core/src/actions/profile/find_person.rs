//! Finds somebody.

use semel_protocol::{UserId, user::FoundBy};

use crate::{
    Key, Rows, Stop,
    actions::{
        Outcome, Scope,
        sign_in::{Budget, spend},
    },
    people::FindabilityRow,
    plain::PlainKey,
    sign_in::IdentityKind,
};

/// Finds the one person who has a handle, a number or an address, if they let the actor find them by it. Whoever is not
/// there, and whoever does not want to be found, gives the same answer after the same work. Looking is counted, and is an
/// action so that it is counted once, over all servers and restarts.
#[derive(Clone, Debug)]
pub struct FindPerson {
    /// Who is sought.
    pub by: SoughtBy,
    /// Of which one each is taken.
    pub budgets: Vec<Budget>,
}

/// By what somebody is sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoughtBy {
    /// A handle, as [`handle`](crate::handle) made it.
    Handle(String),
    /// A phone number, as E.164.
    Phone(String),
    /// An e-mail address, in lower case.
    Email(String),
}

impl SoughtBy {
    fn key(&self) -> PlainKey {
        match self {
            Self::Handle(handle) => PlainKey::Handle(handle.clone()),
            Self::Phone(value) => PlainKey::Identity(IdentityKind::Phone, value.clone()),
            Self::Email(value) => PlainKey::Identity(IdentityKind::Email, value.clone()),
        }
    }

    fn owner(&self, rows: &Rows) -> Result<Option<UserId>, Stop> {
        let identity = |kind, value: &str| {
            let row = rows.identity(&(kind, value.to_owned()))?;
            let row = row.filter(|row| row.verified_at.is_some());
            Ok(row.map(|row| row.user_id.clone()))
        };
        match self {
            Self::Handle(handle) => {
                let row = rows.handle(handle)?.filter(|row| row.is_in_use());
                Ok(row.map(|row| row.user_id.clone()))
            }
            Self::Phone(value) => identity(IdentityKind::Phone, value),
            Self::Email(value) => identity(IdentityKind::Email, value),
        }
    }

    fn allowed(&self, row: FindabilityRow) -> FoundBy {
        match self {
            Self::Handle(_) => row.handle,
            Self::Phone(_) => row.phone,
            Self::Email(_) => row.email,
        }
    }
}

impl FindPerson {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(self.by.key()));
        keys.extend(self.budgets.iter().map(Budget::key));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        spend(rows, &self.budgets, scope.context.now)?;
        let owner = self.by.owner(rows)?;
        // Where nobody is, somebody is looked at all the same: it takes as long.
        let who = owner.as_ref().unwrap_or(scope.actor);
        let user = rows.user(who)?.cloned();
        let findability = rows.findability(who)?;
        let is_contact = rows.contact(who, scope.actor)?.is_some();
        let is_let = match self.by.allowed(findability) {
            FoundBy::Everybody => true,
            FoundBy::Contacts => is_contact,
            FoundBy::Nobody => false,
        };
        let is_oneself = owner.as_ref() == Some(scope.actor);
        let found = owner.zip(user).filter(|_| is_let || is_oneself);
        Ok(Outcome::Found(found.map(Box::new)))
    }
}
