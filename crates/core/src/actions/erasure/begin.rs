//! Begins to erase a person.

use semel_protocol::{SessionId, UserId, picture};

use super::Scope;
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{
        Outcome,
        operators::{deed, operator_lock, withdraw, write_down},
        pictures,
        sign_in::{end, fresh, sessions_of},
        telling,
    },
    erasure::{ErasePlace, ErasureRow},
    plain::PlainKey,
    row::{Standing, UserRow},
    safety::{AuditRow, Deed},
    sign_in::SessionRow,
    validate,
};

/// What others see in place of an erased person's name.
const ERASED_NAME: &str = "Deleted account";

/// Takes away by what a person is known and signed in, and begins to erase the rest. From the acknowledgement on nobody acts as
/// them; their handle, numbers and addresses are free.
#[derive(Clone, Debug)]
pub struct BeginErasure {
    /// Whom.
    pub user_id: UserId,
    /// By whom.
    pub by: Begin,
}

/// Who wants a person erased.
#[derive(Clone, Debug)]
pub enum Begin {
    /// They themselves: who signed in here did so lately, others are their host application's matter.
    Themselves(Option<SessionId>),
    /// An operator, for this reason.
    Operator(String),
}

impl BeginErasure {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::Alone(self.user_id.clone()));
        keys.push(operator_lock());
        let who = || self.user_id.clone();
        keys.push(Key::Plain(PlainKey::Operator(who())));
        keys.push(Key::Plain(PlainKey::Erasure(who())));
        keys.push(telling::key(&self.user_id));
        // Its lock is the person's: nothing is linked meanwhile.
        keys.push(Key::PersonHead(who()));
        if let Begin::Themselves(Some(id)) = self.by {
            keys.push(Key::Plain(PlainKey::Session(id)));
        }
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let (who, now) = (&self.user_id, scope.context.now);
        self.check(scope, rows)?;
        let row = rows.user(who)?.ok_or_else(Refusal::not_found)?.clone();
        if let Standing::Erased(at) = row.standing {
            return Ok(erased(who, at, Vec::new()));
        }
        rows.person_head(who)?;
        if rows.operator(who)?.is_some() {
            withdraw(rows, who)?;
        }
        let ended = sign_out(scope, rows, who)?;
        let standing = Standing::Erased(now);
        let bare = UserRow {
            display_name: Some(ERASED_NAME.to_owned()),
            about: None,
            picture: None,
            handle: None,
            standing,
            created_at: row.created_at,
            updated_at: now,
        };
        free_handles(rows, who)?;
        pictures::change(scope, rows, row.picture.as_deref(), None)?;
        let picture = row.picture.as_deref().and_then(picture::at_address);
        pictures::drop_unused(rows, picture.as_slice())?;
        rows.findability.put(who.clone(), None);
        telling::change(rows, who, (&row, bare), now)?;
        let job = ErasureRow {
            began_at: now,
            place: ErasePlace::After(None),
            due_at: now,
        };
        rows.erasures.put(who.clone(), Some(job));
        if let Begin::Operator(reason) = &self.by {
            let written = AuditRow {
                user_id: Some(who.clone()),
                ..deed(scope, Deed::ErasePerson, reason)
            };
            write_down(scope, rows, written);
        }
        Ok(erased(who, now, ended))
    }

    fn check(&self, scope: &Scope<'_>, rows: &Rows) -> Result<(), Stop> {
        match &self.by {
            Begin::Themselves(None) => Ok(()),
            Begin::Themselves(Some(id)) => {
                fresh(rows, *id, scope.actor, scope.context.now).map(drop)
            }
            Begin::Operator(_) if self.user_id == *scope.actor => {
                let detail = "to erase oneself: POST /api/auth/erase";
                Err(Refusal::invalid("?user_id", detail).into())
            }
            Begin::Operator(reason) => Ok(validate::reason("/reason", reason)?),
        }
    }
}

/// Also those that they gave up: nothing says any more whose they were.
fn free_handles(rows: &mut Rows, who: &UserId) -> Result<(), Stop> {
    let handles = rows.plain_list(&PlainKey::HandlesOf(who.clone()))?;
    let handles: Vec<String> = handles
        .iter()
        .filter_map(|key| match key {
            PlainKey::Handle(handle) => Some(handle.clone()),
            _ => None,
        })
        .collect();
    let rows_of = Rows::gather(handles, |handle| {
        let is_theirs = rows.handle(&handle)?.is_some_and(|row| row.user_id == *who);
        Ok(is_theirs.then_some(handle))
    })?;
    for handle in rows_of.into_iter().flatten() {
        rows.handles.put(handle, None);
    }
    Ok(())
}

/// Nothing by which the person could sign in is left.
fn sign_out(scope: &Scope<'_>, rows: &mut Rows, who: &UserId) -> Result<Vec<SessionId>, Stop> {
    let identities = rows.plain_list(&PlainKey::IdentitiesOf(who.clone()))?;
    let identities: Vec<_> = identities
        .iter()
        .filter_map(|key| match key {
            PlainKey::Identity(kind, value) => Some((*kind, value.clone())),
            _ => None,
        })
        .collect();
    Rows::gather(&identities, |key| rows.identity(key))?;
    let sessions = sessions_of(rows, who)?.into_iter().map(|(id, row)| {
        // The row has to be kept until its last access token has expired, and nothing else of it.
        let bare = SessionRow {
            device_id: None,
            device_name: None,
            ..row
        };
        (id, bare)
    });
    let sessions = sessions.collect();
    for key in identities {
        rows.identities.put(key, None);
    }
    Ok(end(rows, sessions, scope.context.now))
}

fn erased(who: &UserId, at: semel_protocol::Timestamp, ended: Vec<SessionId>) -> Outcome {
    Outcome::Erased {
        user_id: who.clone(),
        at,
        ended,
    }
}
