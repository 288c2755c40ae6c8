//! One step of erasing a person.

use semel_protocol::{
    PictureId, Seq, ThreadId, ThreadType, Timestamp, UserId, message::MessageKind,
    requests::OnConflict,
};

use super::Scope;
use crate::{
    Key, Refusal, Rows, Stop,
    actions::{
        Outcome, SetBlock,
        delete_message::{By, bury},
        membership, pictures,
    },
    erasure::{ErasePlace, ErasureRow},
    participants_key::ParticipantsKey,
    plain::PlainKey,
    row::{ParticipantRow, PreferencesRow, Subject},
};

/// How long a step is given before somebody else takes the next one, in milliseconds.
const STEP_MS: i64 = 30_000;

/// Erases a portion of what is left of a person. Whoever is behind, because another server was faster or a step was repeated,
/// changes nothing.
#[derive(Clone, Debug)]
pub struct EraseStep {
    /// Whom.
    pub user_id: UserId,
    /// From where.
    pub from: ErasePlace,
    /// Up to where; none: nothing is left.
    pub to: Option<ErasePlace>,
    /// What lies between.
    pub portion: Portion,
}

/// What is erased at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
    /// Nothing.
    Nothing,
    /// Their seat in a thread.
    Seat(ThreadId),
    /// Messages of theirs in a thread.
    Messages(ThreadId, Vec<Seq>),
    /// Contacts of theirs.
    Contacts(Vec<UserId>),
    /// Blocks of theirs.
    Blocks(Vec<UserId>),
    /// Lines of their own log.
    Lines(Vec<Subject>),
    /// Stored answers of theirs, by idempotency key.
    Answers(Vec<String>),
    /// Pictures of theirs, unless somebody has them meanwhile.
    Pictures(Vec<PictureId>),
}

impl EraseStep {
    pub(in crate::actions) fn keys(&self, _actor: &UserId, keys: &mut Vec<Key>) {
        let who = &self.user_id;
        keys.push(Key::Plain(PlainKey::Erasure(who.clone())));
        keys.push(Key::PersonHead(who.clone()));
        match &self.portion {
            Portion::Nothing | Portion::Lines(_) => {}
            Portion::Seat(id) => {
                keys.push(Key::Thread(*id));
                keys.push(Key::Roster(*id));
            }
            Portion::Messages(id, seqs) => {
                keys.push(Key::Thread(*id));
                keys.extend(seqs.iter().map(|seq| Key::Message(*id, *seq)));
            }
            Portion::Contacts(others) => {
                for other in others {
                    keys.push(Key::PersonHead(other.clone()));
                    keys.push(Key::Contact(who.clone(), other.clone()));
                    keys.push(Key::Contact(other.clone(), who.clone()));
                }
            }
            Portion::Blocks(others) => {
                for other in others {
                    keys.push(Key::PersonHead(other.clone()));
                    keys.push(Key::ParticipantsKey(direct(who, other)));
                    keys.push(Key::Plain(PlainKey::Block(who.clone(), other.clone())));
                }
            }
            Portion::Answers(names) => {
                let answer = |name: &String| Key::Answer(who.clone(), name.clone());
                keys.extend(names.iter().map(answer));
            }
            Portion::Pictures(ids) => {
                keys.extend(ids.iter().map(|id| Key::Plain(PlainKey::Picture(*id))));
            }
        }
    }

    pub(in crate::actions) fn decide(
        &self,
        scope: &Scope<'_>,
        rows: &mut Rows,
    ) -> Result<Outcome, Stop> {
        let who = &self.user_id;
        let row = rows.erasure(who)?.filter(|row| row.place == self.from);
        let Some(row) = row.cloned() else {
            return Ok(Outcome::EraseStep { is_taken: false });
        };
        // What is told of it is told as theirs.
        let scope = Scope {
            actor: who,
            ..*scope
        };
        match &self.portion {
            Portion::Nothing => {}
            Portion::Seat(id) => give_up(&scope, rows, *id)?,
            Portion::Messages(id, seqs) => unsay(&scope, rows, *id, seqs)?,
            Portion::Contacts(others) => forget(&scope, rows, others)?,
            Portion::Blocks(others) => unblock(&scope, rows, others)?,
            Portion::Lines(subjects) => {
                for subject in subjects {
                    rows.forget_line(who, subject.clone());
                }
            }
            Portion::Answers(names) => drop_answers(&scope, rows, names)?,
            Portion::Pictures(ids) => {
                pictures::drop_unused(rows, ids)?;
            }
        }
        let due_at = Timestamp(scope.context.now.0 + STEP_MS);
        let row = self.to.clone().map(|place| ErasureRow {
            place,
            due_at,
            ..row
        });
        rows.erasures.put(who.clone(), row);
        Ok(Outcome::EraseStep { is_taken: true })
    }
}

/// Leaves a group as anybody does. In a direct thread, whose people never change, nothing more can be said to them.
fn give_up(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId) -> Result<(), Stop> {
    let thread_type = rows.thread(id)?.ok_or_else(Refusal::not_found)?.thread_type;
    let seat = rows
        .participant(id, scope.actor)?
        .ok_or_else(Refusal::not_found)?;
    match thread_type {
        ThreadType::Group if seat.is_active() => {
            let how = (OnConflict::KeepSeparate, By::People);
            membership::depart(scope, rows, id, scope.actor, how)?;
        }
        ThreadType::Direct => {
            let people = rows.people_of(id)?;
            if let Some(user_id) = people.into_iter().find(|other| other != scope.actor) {
                let is_blocked = true;
                SetBlock {
                    user_id,
                    is_blocked,
                }
                .set(scope, rows)?;
            }
        }
        ThreadType::Group | ThreadType::SelfNote => {}
    }
    let seat = rows
        .participant(id, scope.actor)?
        .ok_or_else(Refusal::not_found)?;
    let seat = ParticipantRow {
        preferences: PreferencesRow::default(),
        ..seat.clone()
    };
    rows.put_participant(id, scope.actor.clone(), seat);
    for subject in [Subject::Thread(id), Subject::Read(id)] {
        rows.forget_line(scope.actor, subject);
    }
    Ok(())
}

/// Makes messages tombstones, as their sender does.
fn unsay(scope: &Scope<'_>, rows: &mut Rows, id: ThreadId, seqs: &[Seq]) -> Result<(), Stop> {
    let found = Rows::gather(seqs, |seq| Ok(rows.message(id, *seq)?.cloned()))?;
    let own = found.into_iter().flatten().filter(|message| {
        let is_own = message.sender_id == *scope.actor && message.kind != MessageKind::System;
        is_own && message.deleted_at.is_none()
    });
    let own: Vec<_> = own.collect();
    Rows::gather(&own, |message| rows.answers_naming(message.id))?;
    for message in own {
        bury(scope, rows, message, By::People)?;
    }
    Ok(())
}

/// Forgets contacts. Those whose contact the person is hear that their profile is another one.
fn forget(scope: &Scope<'_>, rows: &mut Rows, others: &[UserId]) -> Result<(), Stop> {
    let who = scope.actor;
    let known = Rows::gather(others, |other| {
        rows.person_head(other)?;
        Ok((other, rows.contact(other, who)?.is_some()))
    })?;
    for (other, is_contact) in known {
        rows.contacts.put((who.clone(), other.clone()), None);
        rows.forget_line(who, Subject::Contact(other.clone()));
        if is_contact {
            rows.tell_person(other, Subject::Contact(who.clone()))?;
        }
    }
    Ok(())
}

/// Ends blocks, apart from those that keep a direct thread shut.
fn unblock(scope: &Scope<'_>, rows: &mut Rows, others: &[UserId]) -> Result<(), Stop> {
    let who = scope.actor;
    let known = Rows::gather(others, |other| {
        rows.person_head(other)?;
        let is_there = rows.block(who, other)?.is_some();
        Ok((
            other,
            is_there && rows.owner_of(direct(who, other))?.is_none(),
        ))
    })?;
    for (other, is_ended) in known {
        rows.forget_line(who, Subject::Block(other.clone()));
        if is_ended {
            rows.blocks.put((who.clone(), other.clone()), None);
            rows.tell_person(other, Subject::BlockedBy(who.clone()))?;
        }
    }
    Ok(())
}

/// Forgets what they were answered: their profile as it was is in it. Nobody is answered with it any more.
fn drop_answers(scope: &Scope<'_>, rows: &mut Rows, names: &[String]) -> Result<(), Stop> {
    let who = scope.actor;
    Rows::gather(names, |name| rows.answer(who, name).map(drop))?;
    for name in names {
        rows.answers.put((who.clone(), name.clone()), None);
    }
    Ok(())
}

fn direct(one: &UserId, other: &UserId) -> ParticipantsKey {
    let both = [one.clone(), other.clone()].into();
    ParticipantsKey::of(ThreadType::Direct, &both)
}
