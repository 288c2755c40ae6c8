//! The only way to a thread or a message: each function checks one right and gives the object.
//!
//! What is absent and what is not the actor's look the same.

use semel_protocol::{
    Code, MessageId, ThreadId, ThreadType, UserId,
    thread::{Posting, Role},
};

use crate::{
    Refusal, Rows, Stop,
    row::{MessageRow, ParticipantRow, ThreadRow},
};

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

/// A thread that the actor may write in.
pub fn writable<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<(&'a ThreadRow, &'a ParticipantRow), Stop> {
    let (thread, me) = thread(rows, actor, id)?;
    if thread.settings.posting == Posting::Admins && me.role != Role::Admin {
        let detail = "only admins write in this thread";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok((thread, me))
}

/// A group that the actor is an admin of.
pub fn group_as_admin<'a>(
    rows: &'a Rows,
    actor: &UserId,
    id: ThreadId,
) -> Result<&'a ThreadRow, Stop> {
    let (thread, me) = thread(rows, actor, id)?;
    if thread.thread_type != ThreadType::Group {
        let detail = "only a group has members, a title and settings that can be changed";
        return Err(Refusal::new(Code::WrongThreadType, detail).into());
    }
    if me.role != Role::Admin {
        let detail = "only an admin of the thread may do this";
        return Err(Refusal::new(Code::Forbidden, detail).into());
    }
    Ok(thread)
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
