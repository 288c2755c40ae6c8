//! Begins an export.

use semel_protocol::{SessionId, UserId, limits::EXPORTS_PER_PERSON_DAY_MAX};

use super::{
    Outcome, Scope,
    sign_in::{Budget, fresh, spend},
};
use crate::{Key, Rows, Stop, plain::PlainKey};

const DAY_MS: i64 = 86_400_000;

/// Lets the actor read everything that is stored about them, so often in a day. An action so that it is counted once, over all
/// servers and restarts.
#[derive(Clone, Debug)]
pub struct StartExport {
    /// Their session, which began lately; none: they are known by a host application.
    pub session_id: Option<SessionId>,
}

impl StartExport {
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(budget(actor).key());
        keys.extend(self.session_id.map(|id| Key::Plain(PlainKey::Session(id))));
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        let now = scope.context.now;
        if let Some(id) = self.session_id {
            fresh(rows, id, scope.actor, now)?;
        }
        spend(rows, &[budget(scope.actor)], now)?;
        Ok(Outcome::ExportStarted)
    }
}

fn budget(who: &UserId) -> Budget {
    Budget {
        name: format!("exports of {who}"),
        max: EXPORTS_PER_PERSON_DAY_MAX,
        period_ms: DAY_MS,
    }
}
