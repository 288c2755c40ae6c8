//! Takes a handle, or gives it up.

use semel_protocol::{
    Code, Timestamp, UserId,
    limits::{HANDLE_CHANGES_PER_MONTH_MAX, HANDLE_KEPT_DAYS, HANDLE_TRIES_PER_PERSON_DAY_MAX},
};

use crate::{
    Key, Refusal, Rows, Stop,
    actions::{
        Outcome, Scope,
        sign_in::{Budget, spend, spend_whatever_comes},
        telling,
    },
    people::HandleRow,
    plain::PlainKey,
    row::UserRow,
};

const DAY_MS: i64 = 86_400_000;

/// Takes a handle for the actor, who has one at a time, or gives it up. For [`HANDLE_KEPT_DAYS`] nobody else may take the one
/// that was given up: who writes to it must not reach a stranger.
#[derive(Clone, Debug)]
pub struct ChangeHandle {
    /// As [`handle`](crate::handle) made it; none: gives it up.
    pub handle: Option<String>,
}

impl ChangeHandle {
    pub(in crate::actions) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(Key::User(actor.clone()));
        keys.push(telling::key(actor));
        if let Some(handle) = &self.handle {
            keys.push(Key::Plain(PlainKey::Handle(handle.clone())));
            keys.push(tries(actor).key());
            keys.push(changes(actor).key());
        }
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let (who, now) = (scope.actor, scope.context.now);
        let before = rows.user(who)?.ok_or_else(Refusal::not_found)?.clone();
        let mut user = before.clone();
        if before.handle != self.handle {
            if let Some(handle) = &self.handle {
                take(rows, who, handle, now)?;
            }
            release(rows, who, before.handle.as_deref(), now)?;
            let after = UserRow {
                handle: self.handle.clone(),
                ..before.clone()
            };
            user = telling::change(rows, who, (&before, after), now)?;
        }
        Ok(Outcome::User {
            user_id: who.clone(),
            user: Box::new(user),
            created: false,
        })
    }
}

/// Also a refusal tells which handles are somebody's.
fn tries(who: &UserId) -> Budget {
    Budget {
        name: format!("tries of handles of {who}"),
        max: HANDLE_TRIES_PER_PERSON_DAY_MAX,
        period_ms: DAY_MS,
    }
}

/// Whoever takes one after the other would keep many from others.
fn changes(who: &UserId) -> Budget {
    Budget {
        name: format!("handles of {who}"),
        max: HANDLE_CHANGES_PER_MONTH_MAX,
        period_ms: 30 * DAY_MS,
    }
}

fn take(rows: &mut Rows, who: &UserId, handle: &str, now: Timestamp) -> Result<(), Stop> {
    spend_whatever_comes(rows, &[tries(who)], 1, now)?;
    // Before the look: who may take none any more is not told either which are free.
    spend(rows, &[changes(who)], now)?;
    let row = rows.handle(handle)?;
    if row.is_some_and(|row| !row.is_free_for(who, now)) {
        let detail = "somebody else has this handle, or had it lately; choose another one";
        return Err(Refusal::new(Code::HandleTaken, detail).into());
    }
    let row = HandleRow {
        user_id: who.clone(),
        created_at: now,
        expires_at: None,
    };
    rows.handles.put(handle.to_owned(), Some(row));
    Ok(())
}

/// A person has a handle no more.
pub(in crate::actions) fn release(
    rows: &mut Rows,
    who: &UserId,
    handle: Option<&str>,
    now: Timestamp,
) -> Result<(), Stop> {
    let Some(handle) = handle else {
        return Ok(());
    };
    let row = rows.handle(handle)?.filter(|row| row.user_id == *who);
    if let Some(row) = row.cloned() {
        let row = HandleRow {
            expires_at: Some(Timestamp(now.0 + HANDLE_KEPT_DAYS * DAY_MS)),
            ..row
        };
        rows.handles.put(handle.to_owned(), Some(row));
    }
    Ok(())
}
