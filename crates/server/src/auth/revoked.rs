//! Sessions that were ended lately: their access tokens count no more.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError, RwLock},
};

use semel_protocol::{Code, SessionId, UserId};
use tokio::sync::Notify;

/// Sessions that were ended lately. What is missing here is found in the database within seconds.
#[derive(Debug, Default)]
pub struct Revoked {
    sessions: RwLock<HashSet<SessionId>>,
    /// Those that were ended here and are to be told.
    untold: Mutex<Vec<(UserId, SessionId)>>,
    /// People who were suspended or erased here and are to be put out.
    shut_out: Mutex<Vec<(UserId, Code)>>,
    /// Rung when there are more.
    pub changed: Notify,
}

impl Revoked {
    /// Whether a session was ended.
    pub fn has(&self, id: SessionId) -> bool {
        self.sessions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&id)
    }

    /// More of somebody's were ended, by this server.
    pub fn add(&self, who: &UserId, ids: &[SessionId]) {
        if ids.is_empty() {
            return;
        }
        let mut sessions = self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        sessions.extend(ids);
        drop(sessions);
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.extend(ids.iter().map(|id| (who.clone(), *id)));
        drop(untold);
        self.changed.notify_one();
    }

    /// Somebody may not use this server any more, for a reason, by this server.
    pub fn shut_out(&self, who: &UserId, code: Code) {
        let mut shut_out = self.shut_out.lock().unwrap_or_else(PoisonError::into_inner);
        shut_out.push((who.clone(), code));
        drop(shut_out);
        self.changed.notify_one();
    }

    /// Who was shut out here since the last call.
    pub fn take_shut_out(&self) -> Vec<(UserId, Code)> {
        let mut shut_out = self.shut_out.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut shut_out)
    }

    /// Those that were ended here since the last call.
    pub fn take_untold(&self) -> Vec<(UserId, SessionId)> {
        std::mem::take(&mut self.untold.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// These are all.
    pub fn replace(&self, ids: HashSet<SessionId>) {
        *self
            .sessions
            .write()
            .unwrap_or_else(PoisonError::into_inner) = ids;
    }
}
