//! Which people are known to exist and not to be suspended, so that finding out costs once.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use semel_protocol::UserId;

/// How many are remembered before all are forgotten: about 10 MB.
const PEOPLE_MAX: usize = 100_000;

/// People who exist in the store and may use this server. Forgetting one costs a look-up, nothing else.
#[derive(Debug, Default)]
pub struct KnownPeople(Mutex<HashSet<UserId>>);

impl KnownPeople {
    /// Whether somebody is known to exist.
    pub fn has(&self, who: &UserId) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(who)
    }

    /// Somebody is looked up anew when they come the next time.
    pub fn forget(&self, who: &UserId) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        people.remove(who);
    }

    /// Somebody exists.
    pub fn add(&self, who: UserId) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= PEOPLE_MAX {
            people.clear();
        }
        people.insert(who);
    }
}
