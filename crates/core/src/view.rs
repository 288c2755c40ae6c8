//! Views: what one person sees of a thread, gathered from rows.

use semel_protocol::{
    Rev, Seq, ThreadId, ThreadType, UserId, limits::THREAD_PARTICIPANTS_SHOWN_MAX, thread::Role,
};

use crate::{
    Refusal, Rows, Stop,
    row::{
        ContactRow, HeadRow, MessageRow, ParticipantRow, PositionRow, PreferencesRow, ThreadRow,
        UserRow,
    },
};

/// A participant with their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantView {
    /// Who.
    pub user_id: UserId,
    /// Name.
    pub display_name: String,
    /// Role.
    pub role: Role,
    /// Positions.
    pub position: PositionRow,
}

/// A contact as the person sees them whose contact it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// Who.
    pub user_id: UserId,
    /// The person.
    pub user: UserRow,
    /// Since when, and under which name.
    pub contact: ContactRow,
    /// Whether the person has blocked them.
    pub is_blocked: bool,
}

/// A thread as a participant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadView {
    /// The thread.
    pub thread: ThreadRow,
    /// The end of its log.
    pub head: HeadRow,
    /// Its title, for this person.
    pub title: Option<String>,
    /// The first participants.
    pub participants: Vec<ParticipantView>,
    /// The last message, if it is theirs to see.
    pub last_message: Option<MessageRow>,
    /// First message that they may see.
    pub first_seq: Seq,
    /// First entry that they may see.
    pub first_rev: Rev,
    /// Their positions.
    pub position: PositionRow,
    /// What they chose for themselves.
    pub preferences: PreferencesRow,
    /// What they have not read.
    pub unread_count: u64,
}

/// What a participant sees of a thread.
pub fn thread(rows: &Rows, id: ThreadId, viewer: &UserId) -> Result<ThreadView, Stop> {
    let thread = rows.thread(id)?.ok_or_else(Refusal::not_found)?.clone();
    let head = rows.head(id)?.clone();
    let me = rows
        .participant(id, viewer)?
        .ok_or_else(Refusal::not_found)?;
    let position = rows.position(id, viewer)?;
    let standing = rows.standing(id, THREAD_PARTICIPANTS_SHOWN_MAX)?;
    let participants = Rows::gather(standing, |who| participant(rows, id, who))?;
    let last_message = match head.last_seq {
        0 => None,
        seq => rows.message(id, seq)?.filter(|_| me.sees_seq(seq)).cloned(),
    };
    Ok(ThreadView {
        title: title(rows, &thread, &participants, viewer)?,
        participants,
        last_message,
        first_seq: me.first_seq(),
        first_rev: me.first_rev(),
        unread_count: unread_count(&head, position),
        position,
        preferences: me.preferences,
        thread,
        head,
    })
}

/// Messages that a person has not read: arithmetic on running counts.
pub fn unread_count(head: &HeadRow, position: PositionRow) -> u64 {
    head.message_count.saturating_sub(position.read_count)
}

/// A participant with their name.
pub fn participant(rows: &Rows, id: ThreadId, who: UserId) -> Result<ParticipantView, Stop> {
    let role = rows
        .participant(id, &who)?
        .map_or(Role::Participant, |row: &ParticipantRow| row.role);
    Ok(ParticipantView {
        display_name: display_name(rows, &who)?,
        role,
        position: rows.position(id, &who)?,
        user_id: who,
    })
}

/// A person's name: the id until one is set.
pub fn display_name(rows: &Rows, who: &UserId) -> Result<String, Stop> {
    let name = rows
        .user(who)?
        .and_then(|user: &UserRow| user.display_name.clone());
    Ok(name.unwrap_or_else(|| who.as_str().to_owned()))
}

fn title(
    rows: &Rows,
    thread: &ThreadRow,
    participants: &[ParticipantView],
    viewer: &UserId,
) -> Result<Option<String>, Stop> {
    match thread.thread_type {
        ThreadType::Group => Ok(thread.title.clone()),
        ThreadType::SelfNote => display_name(rows, viewer).map(Some),
        ThreadType::Direct => Ok(participants
            .iter()
            .find(|participant| participant.user_id != *viewer)
            .map(|other| other.display_name.clone())),
    }
}
