//! Adds a key that signs access tokens.

use semel_protocol::UserId;

use super::SignedIn;
use crate::{
    Key, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::SigningKeyRow,
};

/// Adds a key that signs access tokens, under a name that follows from its time: of several servers that make one at the
/// same time, one succeeds, and the others use it.
#[derive(Clone, Debug)]
pub struct AddSigningKey {
    /// Its name.
    pub name: String,
    /// The key.
    pub row: SigningKeyRow,
}

impl AddSigningKey {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Plain(PlainKey::SigningKey(self.name.clone())));
    }

    pub(in crate::actions) fn decide(
        &self,
        _scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        if rows.signing_key(&self.name)?.is_none() {
            rows.signing_keys
                .put(self.name.clone(), Some(self.row.clone()));
        }
        Ok(Outcome::SignedIn(SignedIn::SigningKey))
    }
}
