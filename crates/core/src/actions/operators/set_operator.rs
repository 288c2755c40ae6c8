//! Makes operators, and ends that.

use semel_protocol::{Code, UserId, limits::OPERATORS_MAX};

use super::{deed, write_down};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{
        Outcome, Scope,
        sign_in::{OPERATOR_LINK, can_sign_in},
    },
    plain::PlainKey,
    row::Standing,
    safety::{AuditRow, Deed},
    sign_in::OperatorRow,
    validate,
};

/// Makes a person an operator, or ends that. One who may use the server always remains.
#[derive(Clone, Debug)]
pub struct SetOperator {
    /// Who.
    pub user_id: UserId,
    /// Whether they are one from now on.
    pub is_operator: bool,
    /// Why.
    pub reason: String,
}

impl SetOperator {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(lock());
        keys.push(Key::Plain(PlainKey::Operator(self.user_id.clone())));
        keys.push(Key::User(self.user_id.clone()));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        validate::reason("/reason", &self.reason)?;
        let who = &self.user_id;
        rows.budget(OPERATOR_LINK)?;
        let found = rows.user(who)?.filter(|row| !row.is_erased());
        let standing = found.ok_or_else(Refusal::not_found)?.standing;
        let was_operator = rows.operator(who)?.is_some();
        if was_operator != self.is_operator {
            let done = if self.is_operator {
                grant(scope, rows, who, standing)?;
                Deed::GrantOperator
            } else {
                withdraw(rows, who)?;
                Deed::WithdrawOperator
            };
            let written = AuditRow {
                user_id: Some(who.clone()),
                ..deed(scope, done, &self.reason)
            };
            write_down(scope, rows, written);
        }
        Ok(Outcome::Operator {
            user_id: who.clone(),
            is_operator: self.is_operator,
        })
    }
}

/// The row of the one link stands for who runs the server: of two who change that at once, the second sees what the first
/// has left.
pub(in crate::actions) fn lock() -> Key {
    Key::Plain(PlainKey::Budget(OPERATOR_LINK.to_owned()))
}

fn grant(scope: &Scope<'_>, rows: &mut Rows, who: &UserId, standing: Standing) -> Result<(), Stop> {
    if standing != Standing::Good {
        let detail = "this person is suspended; lift that first";
        return Err(Refusal::invalid("?user_id", detail).into());
    }
    // The right counts with a sign-in of this server only: without one it would be nobody's, and look as if somebody had it.
    if !can_sign_in(rows, who)? {
        let detail = "this person cannot sign in here; whom a host application knows is an operator by the tokens that it makes";
        return Err(Refusal::invalid("?user_id", detail).into());
    }
    if operators(rows)?.len() >= OPERATORS_MAX {
        let detail = format!("a server has at most {OPERATORS_MAX} operators");
        return Err(Refusal::new(Code::InvalidRequest, detail).into());
    }
    let created_at = scope.context.now;
    rows.operators
        .put(who.clone(), Some(OperatorRow { created_at }));
    Ok(())
}

/// Ends that somebody is an operator, unless nobody would be left who can act as one. [`lock`] must have been foreseen.
pub(in crate::actions) fn withdraw(rows: &mut Rows, who: &UserId) -> Result<(), Stop> {
    another_stays(rows, who)?;
    rows.operators.put(who.clone(), None);
    Ok(())
}

/// Refuses when nobody but this person can act as an operator of this server. [`lock`] must have been foreseen.
pub(super) fn another_stays(rows: &Rows, who: &UserId) -> Result<(), Stop> {
    let mut others = operators(rows)?;
    others.retain(|other| other != who);
    let standings = Rows::gather(&others, |other| {
        Ok(rows.user(other)?.map(|row| row.standing))
    })?;
    let signing_in = Rows::gather(&others, |other| can_sign_in(rows, other))?;
    let mut all = standings.into_iter().zip(signing_in);
    if !all.any(|(standing, can_sign_in)| standing == Some(Standing::Good) && can_sign_in) {
        let detail = "nobody else could run this server; make somebody else an operator first";
        return Err(Refusal::new(Code::LastOperator, detail).into());
    }
    Ok(())
}

fn operators(rows: &Rows) -> Result<Vec<UserId>, Stop> {
    let keys = rows.plain_list(&PlainKey::Operators(OPERATORS_MAX))?;
    let people = keys.iter().filter_map(|key| match key {
        PlainKey::Operator(who) => Some(who.clone()),
        _ => None,
    });
    Ok(people.collect())
}
