//! Keys: how rows are asked for.

use semel_protocol::{ClientId, MessageId, Rev, Seq, ThreadId, Timestamp, UserId};

use crate::{participants_key::ParticipantsKey, plain::PlainKey, row::Subject};

/// Names what has to be loaded before a rule can be decided or a question answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Several at once: a store loads them in as few round trips as it can.
    Many(Vec<Key>),
    /// [`ThreadRow`](crate::row::ThreadRow) and [`HeadRow`](crate::row::HeadRow).
    Thread(ThreadId),
    /// One person's [`ParticipantRow`](crate::row::ParticipantRow) and [`PositionRow`](crate::row::PositionRow).
    Participant(ThreadId, UserId),
    /// Those of everybody who is or was in the thread, and the people's [`UserRow`](crate::row::UserRow)s.
    Roster(ThreadId),
    /// For questions only: those of the first `limit` active participants after `after`, longest-standing first (by
    /// `joined_rev`, then id), and the people's rows.
    Standing(ThreadId, Option<(Rev, UserId)>, usize),
    /// The thread that owns a participants key.
    ParticipantsKey(ParticipantsKey),
    /// What a client id was used for.
    ClientId(ClientId, UserId),
    /// A message by its place.
    Message(ThreadId, Seq),
    /// A message by its id.
    MessageId(ThreadId, MessageId),
    /// A person.
    User(UserId),
    /// A person who acts: their standing does not change until the batch has ended.
    Actor(UserId),
    /// A person whose standing changes: nothing of theirs is under way meanwhile. To be foreseen.
    Alone(UserId),
    /// Whether the second is a contact of the first.
    Contact(UserId, UserId),
    /// The end of a person's own log.
    PersonHead(UserId),
    /// A stored answer.
    Answer(UserId, String),
    /// The stored answers that have a message's words.
    AnswersNaming(MessageId),
    /// Up to `limit` stored answers made before a time.
    AnswersBefore(Timestamp, usize),
    /// Up to `limit` stored answers of a person, by their keys.
    AnswersOf(UserId, usize),
    /// A plain row, or a list of their keys.
    Plain(PlainKey),

    /// For questions only: messages `from..=to` of a thread. Loads nothing else.
    Messages(ThreadId, Seq, Seq),
    /// For questions only: up to `limit` entries after a rev, with the messages that they came with or are about.
    Entries(ThreadId, Rev, usize),
    /// For questions only: one entry's chain.
    ChainAt(ThreadId, Rev),
    /// For questions only: up to `limit` threads that a person is in and has not hidden, by time of the last entry,
    /// newest first, then by id, greatest first; after the one given.
    ThreadsOf(UserId, Option<(Timestamp, ThreadId)>, usize),
    /// Up to `limit` threads that a person is or was in, by id, after the one given. Loads nothing else.
    SeatsOf(UserId, Option<ThreadId>, usize),
    /// A thread that two people are in, if there is one: looked for among those of the second. Loads nothing else.
    Together(UserId, UserId),
    /// For questions only: up to `limit` contacts by id, after the one given, with the people's rows.
    ContactsOf(UserId, Option<UserId>, usize),
    /// For questions only: one line of a person's own log.
    PersonLine(UserId, Subject),
    /// For questions only: up to `limit` lines of a person's own log after a number, oldest first.
    PersonLog(UserId, u64, usize),
}
