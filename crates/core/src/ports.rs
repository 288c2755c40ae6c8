//! Ports: what the rules need from outside, by role.

use async_trait::async_trait;
use semel_protocol::{ThreadId, Timestamp, UserId};

use crate::{
    Answer, Changes, Command, Key, Refusal, Reply, Rows, Stop,
    actions::Outcome,
    row::{EntryRow, MessageRow, PositionRow},
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

/// Told after every commit, in the order of commits.
pub trait Listener: Send + Sync {
    /// What was committed. Must not block for long: the lane waits.
    fn committed(&self, news: News);

    /// The store was lost and is back: compare what is known with it.
    fn recovered(&self);
}

/// What a commit brought, for those who watch.
#[derive(Debug, Default, Clone)]
pub struct News {
    /// New entries, each with the message that came with it or that it is about, as it is now.
    pub entries: Vec<(EntryRow, Option<MessageRow>)>,
    /// Positions that moved.
    pub positions: Vec<(ThreadId, UserId, PositionRow)>,
    /// New contacts: the second became one of the first.
    pub contacts: Vec<(UserId, UserId)>,
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
            contacts: changes
                .contacts
                .iter()
                .filter(|(_, row)| row.is_some())
                .map(|(pair, _)| pair.clone())
                .collect(),
        }
    }
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
