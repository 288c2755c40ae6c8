//! What the lanes of all engines have in common: the queue, and what is counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use semel_core::{
    Changes, Command, Reply,
    actions::Action,
    ports::{LedgerError, News},
};
use tokio::sync::oneshot;

/// Commands that may wait.
pub(crate) const QUEUE_COMMANDS_MAX: usize = 16 * 1024;
/// Bytes of commands that may wait.
pub(crate) const QUEUE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Commands of one batch.
pub(crate) const BATCH_COMMANDS_MAX: usize = 512;
/// Bytes of the commands of one batch, and then one more command.
pub(crate) const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows that a lane keeps between batches.
pub(crate) const HOT_ROWS_MAX: usize = 300_000;

/// A command on its way through the lane.
pub(crate) struct Job {
    pub(crate) command: Command,
    /// The same for every attempt, so that deciding again gives the same ids.
    pub(crate) seed: u128,
    reply: oneshot::Sender<Result<Reply, LedgerError>>,
    load: Load,
}

impl Job {
    /// A job, and where its answer comes; refused when too many bytes wait.
    pub(crate) fn new(
        command: Command,
        seed: u128,
        waiting: &Arc<AtomicUsize>,
    ) -> Result<(Self, oneshot::Receiver<Result<Reply, LedgerError>>), LedgerError> {
        let load = Load::add(weight(&command), waiting)?;
        let (reply, answer) = oneshot::channel();
        Ok((
            Self {
                command,
                seed,
                reply,
                load,
            },
            answer,
        ))
    }

    /// About how many bytes it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.load.bytes
    }

    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, answer: Result<Reply, LedgerError>) {
        let _ = self.reply.send(answer);
    }
}

/// Bytes that wait; taken off the sum when the job is done.
struct Load {
    bytes: usize,
    waiting: Arc<AtomicUsize>,
}

impl Load {
    fn add(bytes: usize, waiting: &Arc<AtomicUsize>) -> Result<Self, LedgerError> {
        let before = waiting.fetch_add(bytes, Relaxed);
        let load = Self {
            bytes,
            waiting: Arc::clone(waiting),
        };
        if before + bytes > QUEUE_BYTES_MAX {
            Err(LedgerError::Overloaded)
        } else {
            Ok(load)
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Relaxed);
    }
}

/// About how many bytes a command holds.
fn weight(command: &Command) -> usize {
    const FIXED: usize = 256;
    const PERSON: usize = 64;
    FIXED
        + match &command.action {
            Action::Send(send) => send.draft.content.len(),
            Action::SendBatch(batch) => batch
                .drafts
                .iter()
                .map(|draft| FIXED + draft.content.len())
                .sum(),
            Action::EditMessage(edit) => edit.content.len(),
            Action::StartConversation(start) => {
                start.content.len() + PERSON * start.participants.len()
            }
            Action::CreateOrGet(create) => PERSON * create.participants.len(),
            Action::CheckExisting(check) => PERSON * check.participants.len(),
            Action::Expand(expand) => PERSON * expand.new_participants.len(),
            _ => 0,
        }
}

/// Puts the news of consecutive changes together.
pub(crate) fn add_news(news: &mut News, changes: &Changes) {
    let more = News::of(changes);
    if news.entries.is_empty() && news.positions.is_empty() && news.contacts.is_empty() {
        *news = more;
    } else {
        news.entries.extend(more.entries);
        news.positions.extend(more.positions);
        news.contacts.extend(more.contacts);
    }
}

macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a lane counts.
        #[derive(Debug, Default)]
        pub struct Stats {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// [`Stats`] at a moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct StatsView {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Stats {
            /// The counts now.
            pub fn view(&self) -> StatsView {
                StatsView { $($name: self.$name.load(Relaxed),)* }
            }
        }
    };
}

stats! {
    /// Batches that were tried.
    batches,
    /// Commands that were answered.
    commands,
    /// Commits: one fsync each.
    commits,
    /// Commands that failed without an effect.
    failures,
    /// Commands whose outcome nobody knows.
    unknown_outcomes,
    /// Questions that were answered.
    questions,
    /// Bytes of the write-ahead log that are in use, as of the last checkpoint.
    wal_bytes,
}

impl Stats {
    pub(crate) fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Relaxed);
    }
}
