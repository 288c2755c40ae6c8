//! Ports: what the rules need from outside, by role.

use async_trait::async_trait;
use semel_protocol::{ThreadId, Timestamp, UserId};

use crate::{
    Answer, Changes, Command, Key, Refusal, Reply, Rows, Stop,
    actions::Outcome,
    row::{EntryRow, MessageRow, PositionRow, Subject},
};

/// Where state lives. One per process; every change goes through [`Ledger::submit`].
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Decides a command, commits what it changed, and answers only after that. Dropping the future does not stop it.
    async fn submit(&self, command: Command) -> Result<Reply, LedgerError>;

    /// Answers a question from one consistent snapshot. Use [`ask`].
    async fn answer(&self, question: Question) -> Result<(), LedgerError>;

    /// Answers a question of the server's own, for which everybody waits: never behind those of callers. Use [`ask_first`].
    async fn answer_first(&self, question: Question) -> Result<(), LedgerError>;

    /// Names the database; another one after a restore.
    fn incarnation(&self) -> String;

    /// Whether it takes commands now; if not, why.
    fn health(&self) -> Result<(), String>;

    /// Takes no more commands, finishes those that it has, and closes the store.
    async fn close(&self);
}

/// A question: called until it names no more key that is not loaded.
pub type Question = Box<dyn FnMut(&Rows) -> Result<(), Key> + Send>;

/// Asks a ledger a question.
pub async fn ask<T: Send + 'static>(
    ledger: &dyn Ledger,
    question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
) -> Result<Result<T, Refusal>, LedgerError> {
    let (question, answer) = prepare(question);
    ledger.answer(question).await?;
    answer.take()
}

/// Asks a ledger a question for which everybody waits.
pub async fn ask_first<T: Send + 'static>(
    ledger: &dyn Ledger,
    question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
) -> Result<Result<T, Refusal>, LedgerError> {
    let (question, answer) = prepare(question);
    ledger.answer_first(question).await?;
    answer.take()
}

/// Where the answer to a question arrives.
struct Asked<T>(std::sync::mpsc::Receiver<Result<T, Refusal>>);

impl<T> Asked<T> {
    fn take(self) -> Result<Result<T, Refusal>, LedgerError> {
        self.0
            .try_recv()
            .map_err(|_| LedgerError::Internal("a question was not asked".to_owned()))
    }
}

fn prepare<T: Send + 'static>(
    mut question: impl FnMut(&Rows) -> Result<T, Stop> + Send + 'static,
) -> (Question, Asked<T>) {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let run = move |rows: &Rows| {
        let answer = match question(rows) {
            Ok(answer) => Ok(answer),
            Err(Stop::Refused(refusal)) => Err(*refusal),
            Err(Stop::NotLoaded(key)) => return Err(key),
        };
        // The one who asked may have gone; then nobody wants the answer.
        let _ = sender.send(answer);
        Ok(())
    };
    (Box::new(run), Asked(receiver))
}

/// Why a ledger did not answer. Nothing was acknowledged; repeating is safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The store does not answer, and this command has definitely had no effect.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The store did not say whether the commit happened.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(String),
    /// Too many commands wait already.
    #[error("too many commands wait")]
    Overloaded,
    /// The ledger is closing.
    #[error("closing")]
    Closing,
    /// A bug of ours, or a store that was changed from outside.
    #[error("internal: {0}")]
    Internal(String),
}

/// Turns a decision into the bytes that are stored under an idempotency key and sent.
pub trait Renderer: Send + Sync {
    /// Renders what the caller of a command gets.
    fn render(&self, result: &Result<Outcome, Refusal>, request_id: &str) -> Answer;

    /// Takes a message's words out of a stored body, so that its replay shows the tombstone.
    fn redact(&self, body: &[u8], message: &MessageRow) -> Vec<u8>;
}

/// Told after every commit, in the order of commits, on the lane's own thread or on a task of the runtime.
///
/// Nobody may wait in it, least of all for a place in a queue: on a runtime that is a panic or a standstill. Who has no time
/// remembers what moved and asks the store later.
pub trait Listener: Send + Sync {
    /// What was committed. Must return at once.
    fn committed(&self, news: News);

    /// The store was lost and is back: compare what is known with it.
    fn recovered(&self);

    /// A copy of the store has taken its place, in which something may be missing that could be read before: what is known
    /// is to be forgotten. Called before anything is read from the copy. Must return at once. Not for stores without copies.
    fn replaced(&self) {}
}

/// What a commit brought, for those who watch.
#[derive(Debug, Default, Clone)]
pub struct News {
    /// New entries, each with the message that came with it or that it is about, as it is now.
    pub entries: Vec<(EntryRow, Option<MessageRow>)>,
    /// Positions that moved.
    pub positions: Vec<(ThreadId, UserId, PositionRow)>,
    /// Lines of people's own logs, apart from those of positions.
    pub own: Vec<OwnLine>,
}

/// A line of a person's own log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnLine {
    /// Whose.
    pub who: UserId,
    /// What about.
    pub subject: Subject,
    /// Its number.
    pub number: u64,
}

impl News {
    /// What watchers are told of changes.
    pub fn of(changes: &Changes) -> Self {
        let message = |entry: &EntryRow| {
            let seq = entry.seq.or_else(|| entry.fact.message_seq())?;
            let place = (entry.thread_id, seq);
            let at = changes
                .messages
                .binary_search_by(|(key, _)| key.cmp(&place))
                .ok()?;
            changes.messages[at].1.clone()
        };
        Self {
            entries: changes
                .entries
                .iter()
                .map(|entry| (entry.clone(), message(entry)))
                .collect(),
            positions: changes
                .positions
                .iter()
                .filter_map(|((thread, who), row)| Some((*thread, who.clone(), (*row)?)))
                .collect(),
            own: changes.person_log.iter().filter_map(own_line).collect(),
        }
    }
}

fn own_line(((who, subject), number): &((UserId, Subject), Option<u64>)) -> Option<OwnLine> {
    let number = number.filter(|_| !matches!(subject, Subject::Read(_)))?;
    let (who, subject) = (who.clone(), subject.clone());
    Some(OwnLine {
        who,
        subject,
        number,
    })
}

/// The wall clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness.
pub trait Entropy: Send + Sync {
    /// Fresh random bits.
    fn seed(&self) -> u128;
}
