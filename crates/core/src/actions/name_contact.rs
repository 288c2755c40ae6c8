//! Own names for contacts.

use semel_protocol::UserId;

use super::{Outcome, Own, Scope};
use crate::{
    Key, Refusal, Rows, Stop,
    plain::PlainKey,
    queries,
    row::{ContactRow, Subject},
    validate,
};

/// Gives a contact a name that only the actor sees.
#[derive(Clone, Debug)]
pub struct NameContact {
    /// Who.
    pub user_id: UserId,
    /// Empty: none.
    pub own_name: String,
}

impl NameContact {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        let (of, who) = (actor.clone(), self.user_id.clone());
        keys.push(Key::Contact(of.clone(), who.clone()));
        keys.push(Key::User(who.clone()));
        keys.push(Key::PersonHead(of.clone()));
        keys.push(Key::Plain(PlainKey::Block(of, who)));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let (actor, who) = (scope.actor, &self.user_id);
        let own_name = Some(self.own_name.clone()).filter(|name| !name.is_empty());
        if let Some(name) = &own_name {
            validate::name("/own_name", name)?;
        }
        let row = rows
            .contact(actor, who)?
            .ok_or_else(Refusal::not_found)?
            .clone();
        if row.own_name != own_name {
            let row = ContactRow { own_name, ..row };
            rows.contacts.put((actor.clone(), who.clone()), Some(row));
            rows.tell_person(actor, Subject::Contact(who.clone()))?;
        }
        let contact = queries::contact(rows, actor, who)?.ok_or_else(Refusal::not_found)?;
        Ok(Outcome::Own(Own::Contact(Box::new(contact))))
    }
}
