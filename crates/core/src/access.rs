//! The only way to a thread or a message: each function checks one right and gives the object.
//!
//! What is absent and what is not the actor's look the same.

use semel_protocol::{
    Code, MessageId, ThreadId, ThreadType, UserId,
    thread::{Allowed, Role},
};

use crate::{
    Refusal, Rows, Stop,
    row::{MessageRow, ParticipantRow, Side, Standing, ThreadRow},
};

/// Whether somebody may do anything at all. Whoever is not known yet may come.
pub fn welcome(rows: &Rows, who: &UserId) -> Result<(), Stop> {
    match rows.actor(who)?.map(|row| row.standing) {
        None | Some(Standing::Good) => Ok(()),
        Some(Standing::Suspended(_)) => Err(Refusal::suspended().into()),
        Some(Standing::Erased(_)) => Err(Refusal::erased().into()),
    }
}

/// Whether somebody who signed in here is an operator now.
pub fn operator(rows: &Rows, who: &UserId) -> Result<(), Stop> {
    if rows.operator(who)?.is_none() {
        let detail = "you are not an operator of this server any more";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok(())
}

/// A message, for operators: they learn of it from reports, and are in no thread for that.
pub fn message_for_operators(
    rows: &Rows,
    id: ThreadId,
    message_id: MessageId,
) -> Result<&MessageRow, Stop> {
    rows.thread(id)?.ok_or_else(Refusal::not_found)?;
    let message = rows.message_by_id(id, message_id)?;
    Ok(message.ok_or_else(Refusal::not_found)?)
}

/// A thread that the actor is in.
pub fn thread<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let thread = rows.thread(id)?.ok_or_else(Refusal::not_found)?;
    let me = rows
        .participant(id, actor)?
        .ok_or_else(Refusal::not_found)?;
    if !me.is_active() {
        return Err(Refusal::not_found().into());
    }
    Ok((thread, me))
}

/// A thread in which nobody keeps the actor from the other one.
pub fn open<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let (thread, me) = thread(rows, actor, id)?;
    match me.block {
        None => Ok((thread, me)),
        Some(Side::Blocks | Side::Both) => Err(Refusal::own_block().into()),
        Some(Side::IsBlocked) => Err(Refusal::unreachable().into()),
    }
}

/// A thread that the actor may write in.
pub fn writable<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let (thread, me) = open(rows, actor, id)?;
    if !is_allowed(thread.settings.posting, me) {
        let detail = "only admins write in this thread";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok((thread, me))
}

/// A group that the actor is in.
pub fn group<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let (thread, me) = thread(rows, actor, id)?;
    if thread.thread_type != ThreadType::Group {
        let detail = "only a group has members, a title and settings that can be changed";
        return Err(Refusal::new(Code::WrongThreadType, detail).into());
    }
    Ok((thread, me))
}

/// A group that the actor may add people to.
pub fn group_to_add_to<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let (thread, me) = group(rows, actor, id)?;
    if !is_allowed(thread.settings.adding, me) {
        let detail = "only admins add people to this thread";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok((thread, me))
}

/// A group whose title, description and picture the actor may change.
pub fn group_to_name<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<&'a ThreadRow, Stop> {
    let (thread, me) = group(rows, actor, id)?;
    if !is_allowed(thread.settings.naming, me) {
        let detail = "only admins change title, description and picture of this thread";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok(thread)
}

/// A group that the actor is an admin of.
pub fn group_as_admin<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<&'a ThreadRow, Stop> {
    let (thread, me) = group(rows, actor, id)?;
    if me.role != Role::Admin {
        let detail = "only an admin of the thread may do this";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok(thread)
}

/// Whether somebody who is in a thread is among those who are allowed something in it.
pub fn is_allowed(allowed: Allowed, me: &ParticipantRow) -> bool {
    match allowed {
        Allowed::Everyone => true,
        Allowed::Admins => me.role == Role::Admin,
    }
}

/// A message that the actor may see, or could see while they were in the thread.
pub fn message_once_seen<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
    message_id: MessageId,
) -> Result<&'a MessageRow, Stop> {
    rows.thread(id)?.ok_or_else(Refusal::not_found)?;
    let seat = rows.participant(id, actor)?;
    let seat = seat.ok_or_else(Refusal::not_found)?;
    let message = rows.message_by_id(id, message_id)?;
    let message = message.filter(|message| seat.sees_seq(message.seq));
    Ok(message.ok_or_else(Refusal::not_found)?)
}

/// A message that the actor may see.
pub fn message<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
    message_id: MessageId,
) -> Result<&'a MessageRow, Stop> {
    let (_, me) = thread(rows, actor, id)?;
    let message = rows
        .message_by_id(id, message_id)?
        .ok_or_else(Refusal::not_found)?;
    if !me.sees_seq(message.seq) {
        return Err(Refusal::not_found().into());
    }
    Ok(message)
}
