//! Tells operators what is wrong.

use semel_protocol::{
    Code, MessageId, ThreadId, UserId, limits::REPORTS_PER_PERSON_DAY_MAX, message::MessageKind,
    report::ReportReason,
};

use super::{
    Outcome, Scope, people,
    sign_in::{Budget, spend},
};
use crate::{
    Key, Refusal, Rows, Stop, access,
    plain::PlainKey,
    safety::{Evidence, ReportRow, ReportSubject},
    validate,
};

const DAY_MS: i64 = 86_400_000;

/// Reports a message that the actor may see, or could see before they left or were taken out, or a person. There is one report of a person about a subject: a repeat changes
/// nothing and brings the first one. Whom it is about is not told.
#[derive(Clone, Debug)]
pub struct Report {
    /// What.
    pub what: Reported,
    /// What is wrong.
    pub reason: ReportReason,
    /// More of that; empty: nothing more.
    pub details: String,
}

/// What is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// A message.
    Message(ThreadId, MessageId),
    /// A person.
    Person(UserId),
}

impl Report {
    /// The budget is among them: of two reports of one person at once, the second sees the first.
    pub(super) fn keys(&self, actor: &UserId, keys: &mut Vec<Key>) {
        keys.push(budget(actor).key());
        match &self.what {
            Reported::Message(id, message) => {
                keys.push(Key::Thread(*id));
                keys.push(Key::Participant(*id, actor.clone()));
                keys.push(Key::MessageId(*id, *message));
            }
            Reported::Person(who) => {
                keys.push(Key::User(who.clone()));
                people::strangers_key(actor, keys);
            }
        }
    }

    pub(super) fn decide(&self, scope: &Scope<'_>, rows: &mut Rows) -> Result<Outcome, Stop> {
        validate::details("/details", &self.details)?;
        rows.budget(&budget(scope.actor).name)?;
        let list = PlainKey::ReportOf(scope.actor.clone(), self.subject());
        if let [PlainKey::Report(id)] = rows.plain_list(&list)? {
            return Ok(Outcome::Reported(*id));
        }
        if let Reported::Person(who) = &self.what {
            people::meet(scope, rows, [who])?;
        }
        let (user_id, evidence) = self.evidence(scope, rows)?;
        if user_id == *scope.actor {
            return Err(Refusal::new(Code::InvalidRequest, "nobody reports themselves").into());
        }
        spend(rows, &[budget(scope.actor)], scope.context.now)?;
        let row = ReportRow {
            at: scope.context.now,
            reporter_id: scope.actor.clone(),
            user_id,
            evidence,
            reason: self.reason,
            details: Some(self.details.clone()).filter(|text| !text.is_empty()),
            resolution: None,
        };
        let id = scope.context.report_id();
        rows.reports.put(id, Some(row));
        Ok(Outcome::Reported(id))
    }

    fn subject(&self) -> ReportSubject {
        match &self.what {
            Reported::Message(_, message) => ReportSubject::Message(*message),
            Reported::Person(who) => ReportSubject::Person(who.clone()),
        }
    }

    /// Whom it is about, and what they said, as it is at this moment.
    fn evidence(&self, scope: &Scope<'_>, rows: &Rows) -> Result<(UserId, Option<Evidence>), Stop> {
        let (id, message) = match &self.what {
            Reported::Message(id, message) => (*id, *message),
            Reported::Person(who) => {
                let found = rows.user(who)?.filter(|row| !row.is_erased());
                found.ok_or_else(Refusal::not_found)?;
                return Ok((who.clone(), None));
            }
        };
        let message = access::message_once_seen(rows, scope.actor, id, message)?;
        if message.kind == MessageKind::System {
            let detail = "what a thread itself says is nobody's";
            return Err(Refusal::new(Code::Forbidden, detail).into());
        }
        if message.deleted_at.is_some() {
            let detail = "the message was deleted; report its sender";
            return Err(Refusal::new(Code::MessageDeleted, detail).into());
        }
        let evidence = Evidence {
            thread_id: id,
            message_id: message.id,
            seq: message.seq,
            rev: message.rev,
            content: message.content.clone(),
            said_at: message.created_at,
            edited_at: message.edited_at,
        };
        Ok((message.sender_id.clone(), Some(evidence)))
    }
}

/// Whoever reports everything hides what is wrong.
fn budget(who: &UserId) -> Budget {
    Budget {
        name: format!("reports of {who}"),
        max: REPORTS_PER_PERSON_DAY_MAX,
        period_ms: DAY_MS,
    }
}
