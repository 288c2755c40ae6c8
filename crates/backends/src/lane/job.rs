//! Commands on their way through a lane, within bounds.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use semel_core::{Command, Reply, actions::Action, ports::LedgerError};
use tokio::{sync::oneshot, time::Instant};

/// How often a command is decided anew because others were faster.
const RERUNS_MAX: u32 = 16;
/// Bytes of commands that may wait.
const QUEUE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Commands of one batch.
const BATCH_COMMANDS_MAX: usize = 512;
/// Bytes of the commands of one batch, and then one more command.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A command on its way through the lane.
pub struct Job {
    pub(crate) command: Command,
    /// The same for every attempt, so that deciding again gives the same ids.
    pub(crate) seed: u128,
    reply: oneshot::Sender<Result<Reply, LedgerError>>,
    load: Load,
    pub(super) came_at: Instant,
    /// How often it was decided anew because others were faster.
    reruns: u32,
}

impl Job {
    /// A job, and where its answer comes; refused when too many bytes wait, which `waiting` counts.
    pub fn new(
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
                came_at: Instant::now(),
                reruns: 0,
            },
            answer,
        ))
    }

    /// Counts one more run; no when there were too many.
    pub(crate) fn may_run_again(&mut self) -> bool {
        self.reruns += 1;
        self.reruns <= RERUNS_MAX
    }

    /// Answers the caller, who may have gone.
    pub(crate) fn answer(self, answer: Result<Reply, LedgerError>) {
        let _ = self.reply.send(answer);
    }
}

/// What waits already joins the batch; nothing is waited for.
pub fn gather(first: Job, mut next: impl FnMut() -> Option<Job>) -> Vec<Job> {
    let mut bytes = first.load.bytes;
    let mut jobs = vec![first];
    while jobs.len() < BATCH_COMMANDS_MAX && bytes < BATCH_BYTES_MAX {
        let Some(job) = next() else { break };
        bytes += job.load.bytes;
        jobs.push(job);
    }
    jobs
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
