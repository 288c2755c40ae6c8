//! Takes a way to sign in away.

use semel_protocol::{Code, SessionId, UserId};

use super::{SignedIn, start};
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{Outcome, Scope},
    plain::PlainKey,
    sign_in::IdentityKind,
};

/// Takes a way to sign in away from the actor, who signed in lately. The last one stays.
#[derive(Clone, Debug)]
pub struct UnlinkIdentity {
    /// What kind.
    pub kind: IdentityKind,
    /// Which.
    pub value: String,
    /// The actor's session.
    pub session_id: SessionId,
}

impl UnlinkIdentity {
    pub(in crate::actions) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        let key = PlainKey::Identity(self.kind, self.value.clone());
        keys.push(Key::Plain(key));
        keys.push(Key::Plain(PlainKey::Session(self.session_id)));
        keys.push(Key::PersonHead(actor.clone()));
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let who = start::fresh(rows, self.session_id, scope.actor, scope.context.now)?;
        // Its lock is the person's: of two who take away at once, the second sees what the first has left.
        rows.person_head(&who)?;
        let key = (self.kind, self.value.clone());
        let row = rows.identity(&key)?.filter(|row| row.user_id == who);
        row.ok_or_else(Refusal::not_found)?;
        let all = rows.plain_list(&PlainKey::IdentitiesOf(who))?;
        if all.len() < 2 {
            let detail = "this is the only way to sign in; link another one first";
            return Err(Refusal::new(Code::InvalidRequest, detail).into());
        }
        rows.identities.put(key, None);
        Ok(Outcome::SignedIn(SignedIn::Unlinked))
    }
}
